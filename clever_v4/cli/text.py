"""
Texts of others on somebody's terminal: colours pass, what could do harm does not; pure.

A log line may hold anything, also what a stranger sent as a User-Agent. Colours (SGR) are
harmless. Sequences that move the cursor, clear the screen, set the title or the clipboard are
not, so they never pass in human format; neither do characters that turn the order of a line
around (bidirectional overrides and isolates).

Only a whole sequence is left out. What merely looks like the beginning of one becomes visible,
and so does each control character of one byte (C1): in text that was encoded twice they are
halves of letters (``ß`` is U+00C3 and U+009F), and nothing of it may be missing.
"""

from __future__ import annotations

import re
from typing import Final

from .colours import Colours

__all__ = [
    "RESET",
    "coloured_lines",
    "harmless",
    "lines_of",
    "painted",
    "plain",
    "without_controls",
]

RESET: Final = "\x1b[0m"

# Each alternative stops before the next ESC at the latest, and none begins with anything else:
# the time that a text takes grows with its length and not faster.
_ACTING = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|(?P<sequence>"
    # CSI; the strings OSC, DCS, SOS, PM and APC with their ends; two-character escapes.
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b(?![\[\]PX^_])[ -/]*[0-~]"
    r")"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """
    Give one line without any escape sequence; other control characters become visible ones.
    """
    if text.isprintable():
        return text
    return _ACTING.sub(_without_colour, text)


def harmless(text: str) -> str:
    """
    Give one line that keeps its colours, and ends them; nothing else can act on a terminal.
    """
    return _coloured(text, Colours())


def coloured_lines(message: str) -> list[str]:
    """
    Split a message into lines that are `harmless`; a colour goes on in the next line.
    """
    colours = Colours()
    return [_coloured(line, colours) for line in lines_of(message)]


def lines_of(message: str) -> list[str]:
    """
    Split a message at its ends of line, Windows' ones too; there is always one line.
    """
    message = message.removesuffix("\n")
    if "\n" not in message:
        return [message.removesuffix("\r")]
    return [line.removesuffix("\r") for line in message.split("\n")]


def painted(text: str, code: str) -> str:
    """
    Give text in a colour: ``code`` is what stands between ``ESC [`` and ``m``.
    """
    return f"\x1b[{code}m{text}{RESET}"


def without_controls(json: str) -> str:
    """
    Give JSON in which no character can act on a terminal: those that could are escaped.

    It means the same. The control characters below U+0020 are escaped in any JSON.
    """
    if json.isprintable():
        return json
    return _CONTROL_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", json)


def _coloured(text: str, colours: Colours) -> str:
    begin = colours.again() if text else ""
    if text.isprintable():
        return f"{begin}{text}{RESET}" if begin else text
    has_colours = bool(begin)

    def shown(match: re.Match[str]) -> str:
        nonlocal has_colours
        if match["colour"] is None:
            return _without_colour(match)
        kept = colours.take(match[0])
        has_colours = has_colours or bool(kept)
        return kept

    line = begin + _ACTING.sub(shown, text)
    return line + RESET if has_colours else line


def _without_colour(match: re.Match[str]) -> str:
    if match.lastgroup is not None:
        return ""
    number = ord(match[0])
    if number == 0x7F:
        return "\u2421"
    if number < 0x20:
        return chr(0x2400 + number)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
