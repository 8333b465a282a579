"""
Texts of others on somebody's terminal.
"""

from __future__ import annotations

import json
import re
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.cli.text import (
    RESET,
    coloured_lines,
    harmless,
    lines_of,
    painted,
    plain,
    without_controls,
)

RED = "\x1b[31m"

NASTY = {
    "clears the screen": "a\x1b[2Jb",
    "moves the cursor": "a\x1b[10;10Hb",
    "sets the title": "a\x1b]0;pwned\x07b",
    "writes the clipboard": "a\x1b]52;c;cm0gLXJmIC8=\x1b\\b",
    "a device control string": "a\x1bPpwned\x1b\\b",
    "a string that ends as in ISO 6429": "a\x1b]0;pwned\x9cb",
    "asks for other keys": "a\x1b[>4;2mb",
    "conceals": "a\x1b[8mb",
    "conceals in other words": "a\x1b[08mb",
    "resets the terminal": "a\x1bcb",
    "chooses a character set": "a\x1b(0b",
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_what_could_do_harm_does_not_pass(text: str) -> None:
    """
    Neither where colours pass nor where they do not.
    """
    assert plain(text) == "ab"
    assert harmless(text) == "ab"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\rb", "a␍b"),
        ("a\x07b", "a␇b"),
        ("a\x7fb", "a␡b"),
        ("a\x00b", "a␀b"),
        ("a\x85b", "a\\x85b"),
        ("a\u2028b", "a\\u2028b"),
        ("a\nb", "a␊b"),
        ("a\tb", "a\tb"),
        ("a\x1b", "a␛"),
        ("a\x1b[", "a␛["),
        ("a\x1b[2\x1b[2Jb", "a␛[2b"),
        ("a\x1b\x1b[2J[2Jb", "a␛[2Jb"),
        ("ab\x1b]0;pwned", "ab␛]0;pwned"),
        ("ab\x1b]0;a\x1b]0;b\x07c", "ab␛]0;ac"),
        ("a\x1bPb\x1bPc", "a␛Pb␛Pc"),
        ("a\x9b2Jb", "a\\x9b2Jb"),
        ("a\x9d0;b\x9cc", "a\\x9d0;b\\x9cc"),
        ("user\u202e\u2066gpj.exe\u2069\u202c", "user\\u202e\\u2066gpj.exe\\u2069\\u202c"),
        ("שלום\u200f!", "שלום\u200f!"),
        ("café 東京 👩‍💻", "café 東京 👩‍💻"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    """
    All but the tab, and so does the beginning of a sequence that has no end; what is printable
    stays as it is, and marks that bidirectional text is written with.
    """
    assert plain(text) == shown
    assert harmless(text) == shown


def test_colours_pass_where_they_are_wanted() -> None:
    """
    And end with the text; elsewhere they are left out.
    """
    text = f"{RED}red\x1b[1;38;5;9m bright"
    assert harmless(text) == text + RESET
    assert plain(text) == "red bright"


def test_a_colour_goes_on_in_the_next_line() -> None:
    """
    Until it is reset, in either form; each line ends its own.
    """
    assert coloured_lines(f"{RED}one\ntwo\x1b[0m and\nthree") == [
        f"{RED}one{RESET}",
        f"{RED}two\x1b[0m and{RESET}",
        "three",
    ]
    assert coloured_lines(f"{RED}one\x1b[m\ntwo") == [f"{RED}one\x1b[m{RESET}", "two"]


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("", [""]),
        ("one", ["one"]),
        ("one\n", ["one"]),
        ("one\r\n", ["one"]),
        ("one\n\n", ["one", ""]),
        ("one\r\ntwo\n  three", ["one", "two", "  three"]),
        ("\n", [""]),
    ],
)
def test_a_message_is_split_at_its_ends_of_line(message: str, lines: list[str]) -> None:
    """
    One at its end is no line more.
    """
    assert lines_of(message) == lines


def test_painted() -> None:
    """
    Begins a colour and ends it.
    """
    assert painted("text", "1;31") == "\x1b[1;31mtext\x1b[0m"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Straße", "StraÃ\\x9fe"),
        ("Л. Н. Б.", "Ð\\x9b. Ð\\x9d. Ð\\x91."),  # noqa: RUF001  -- Cyrillic is meant
        ("Нет, Мы", "Ð\\x9dÐµÑ\\x82, Ð\\x9cÑ\\x8b"),
    ],
)
def test_a_text_that_was_encoded_twice_is_whole(text: str, shown: str) -> None:
    """
    Its halves of letters look like control characters of one byte, even like whole strings.
    """
    twice = text.encode().decode("latin-1")
    assert plain(twice) == harmless(twice) == shown


@given(st.text())
def test_nothing_of_a_text_that_was_encoded_twice_is_missing(text: str) -> None:
    """
    However it reads, each of its characters is there, by itself or as its number.
    """
    twice = text.replace("\x1b", "").encode("utf-8", "surrogatepass").decode("latin-1")
    shown = plain(twice)
    for character in twice:
        forms = (character, chr(0x2400 + ord(character)), f"\\x{ord(character):02x}", "␡")
        form = next(form for form in forms if shown.startswith(form))
        shown = shown[len(form) :]
    assert shown == ""


PIECES = st.sampled_from(
    [
        *("a", "b;", "8", "0", "m", "[", "]", "\\", " ", "\t", "\r", "\x07", "\x7f", "é", "東"),
        *("\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b\\", "\x9b", "\x9c", "\x9d", "\x90", "\u202e"),
        *("\x1b[8m", "\x1b[1;8m", "\x1b[38;5;8m", "\x1b[38;5m", "\x1b[38;9;8m", "\x1b[8:1m"),
        *("\x1b[38;2;1;2m", "\x1b[38:5;8m", "\x1b[65544m", "\x1b[31m", "\x1b[m", "\x1b[;8;m"),
    ]
)
COLOUR = re.compile(r"\x1b\[([0-9;:]*)m")
ACTING = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@given(st.lists(PIECES | st.characters(), max_size=40).map("".join))
def test_nothing_can_act_on_the_terminal(text: str) -> None:
    """
    Whatever stands in a message: colours alone are left, and none of them conceals.
    """
    assert not ACTING.search(plain(text))
    for shown in (harmless(text), *coloured_lines(text)):
        assert not ACTING.search(COLOUR.sub("", shown))
        for parameters in COLOUR.findall(shown):
            known = re.sub(r"[345]8[;:]5[;:]\d*|[345]8[;:]2([;:]\d*){3,4}", "", parameters)
            assert not {"8", "08", "65544"} & set(re.split("[;:]", known)), shown


class Screen:
    """
    What a terminal shows: characters, each with its attributes. Simple, and written from ECMA-48.
    """

    ENDS: ClassVar = {"39": "3", "49": "4", "22": "12", "24": "u", "27": "7"}

    def __init__(self) -> None:
        self.attributes: dict[str, str] = {}
        self.shown: list[tuple[str, tuple[str, ...]]] = []

    def write(self, text: str) -> None:
        """
        Take text with colours.
        """
        for piece in re.split(r"(\x1b\[[0-9;]*m)", text):
            if not piece.startswith("\x1b"):
                state = tuple(sorted(self.attributes.values()))
                self.shown += [(character, state) for character in piece]
                continue
            for code in re.findall(r"[34]8;5;\d+|\d+|(?=m)", piece[2:]):
                self.set(code)

    def set(self, code: str) -> None:
        """
        Set one attribute.
        """
        if code in ("", "0"):
            self.attributes.clear()
        elif code in self.ENDS:
            for kind in self.ENDS[code]:
                self.attributes.pop(kind, None)
        else:
            kind = code[0] if len(code) > 1 else {"4": "u"}.get(code, code)
            self.attributes[kind] = code


LINES = st.lists(
    st.sampled_from(
        [
            *("a", "b", "\n", "\x1b[m", "\x1b[0;1m", "\x1b[1m", "\x1b[2m", "\x1b[22m", "\x1b[4m"),
            *("\x1b[24m", "\x1b[7m", "\x1b[27m", "\x1b[31m", "\x1b[1;32m", "\x1b[39m", "\x1b[41m"),
            *("\x1b[49m", "\x1b[38;5;8m", "\x1b[48;5;22;39m", "\x1b[39;49m"),
        ]
    ),
    max_size=30,
).map("".join)


@given(LINES)
def test_colours_over_several_lines_are_those_of_the_whole(message: str) -> None:
    """
    Each line by itself shows what the message as one text shows, and leaves nothing set.
    """
    whole = Screen()
    whole.write(message.removesuffix("\n").replace("\n", ""))
    line_by_line = Screen()
    for line in coloured_lines(message):
        line_by_line.write(line)
        assert line_by_line.attributes == {}
    assert line_by_line.shown == whole.shown


@pytest.mark.parametrize("end", ["39", "49", "22", "23", "24", "27", "39;49", "4:0"])
def test_colours_do_not_pile_up(end: str) -> None:
    """
    However many lines set a colour and end it by something else than a reset.
    """
    line = f"\x1b[1;3;4;31;48;5;9mx\x1b[{end}m"
    lines = coloured_lines("\n".join([line] * 2000))
    assert len(lines[-1]) == len(lines[2]) < 3 * len(line)


@pytest.mark.parametrize(
    "piece",
    ["\x9d", "\x1b]", "\x1b[", "\x1b[0", "\x1b ", "\x1bP;", "\x90a", "1;", "0 ", "\x1b[1m"],
    ids=ascii,
)
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    """
    A time that grows with the square of it would take minutes here, and hours.
    """
    text = piece * (100_000 // len(piece))
    for begin in ("", "\x1b[", "\x1b]"):
        assert plain(begin + text) is not None
        assert harmless(begin + text)


@given(st.lists(PIECES | st.characters(exclude_categories=["Cs"]), max_size=20).map("".join))
def test_json_on_a_terminal_is_the_same_json_without_controls(text: str) -> None:
    """
    They are escaped, as JSON allows everywhere in a text.
    """
    given_ = json.dumps({"message": text}, ensure_ascii=False)
    shown = without_controls(given_)
    assert json.loads(shown) == {"message": text}
    assert not ACTING.search(shown)
