"""
Texts of others on somebody's terminal.
"""

from __future__ import annotations

import pytest

from clever_v4.cli.text import RESET, coloured_lines, harmless, lines_of, painted, plain

RED = "\x1b[31m"

NASTY = {
    "clears the screen": "a\x1b[2Jb",
    "moves the cursor": "a\x1b[10;10Hb",
    "sets the title": "a\x1b]0;pwned\x07b",
    "writes the clipboard": "a\x1b]52;c;cm0gLXJmIC8=\x1b\\b",
    "a string without an end": "ab\x1b]0;pwned",
    "a device control string": "a\x1bPpwned\x1b\\b",
    "the control characters of one byte": "a\x9b2Jb",
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
        ("café 東京 👩‍💻", "café 東京 👩‍💻"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    """
    All but the tab; what is printable stays as it is.
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
