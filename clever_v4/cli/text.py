"""
Texts of others on somebody's terminal: colours pass, what could do harm does not; pure.

A log line may hold anything, also what a stranger sent as a User-Agent. Colours (SGR) are
harmless. Sequences that move the cursor, clear the screen, set the title or the clipboard are
not, so they never pass in human format.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["RESET", "coloured_lines", "harmless", "lines_of", "painted", "plain"]

RESET: Final = "\x1b[0m"

_SGR = r"\x1b\[[0-9;:]*m"
_SEQUENCE = re.compile(
    # CSI; the strings OSC, DCS, SOS, PM and APC up to their end; two-character escapes.
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
)
_RESETS = (RESET, "\x1b[m")
_SGR_ALONE = re.compile(_SGR)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def plain(text: str) -> str:
    """
    Give one line without any escape sequence; other control characters become visible ones.
    """
    if text.isprintable():
        return text
    return _CONTROL.sub(_visible, _SEQUENCE.sub("", text))


def harmless(text: str) -> str:
    """
    Give one line that keeps its colours, and ends them; nothing else can act on a terminal.
    """
    if text.isprintable():
        return text
    kept = _SEQUENCE.sub(lambda match: match[0] if _SGR_ALONE.fullmatch(match[0]) else "", text)
    pieces = []
    position = 0
    for match in _SGR_ALONE.finditer(kept):
        pieces += [_CONTROL.sub(_visible, kept[position : match.start()]), match[0]]
        position = match.end()
    pieces.append(_CONTROL.sub(_visible, kept[position:]))
    if len(pieces) > 1:
        pieces.append(RESET)
    return "".join(pieces)


def coloured_lines(message: str) -> list[str]:
    """
    Split a message into lines that are `harmless`; a colour goes on in the next line.
    """
    carried = ""
    lines = []
    for line in lines_of(message):
        text = carried + line
        lines.append(harmless(text))
        codes = _SGR_ALONE.findall(text)
        ends = [number for number, code in enumerate(codes, 1) if code in _RESETS]
        carried = "".join(codes[ends[-1] if ends else 0 :])
    return lines


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


def _visible(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number == 0x7F:
        return "\u2421"
    if number < 0x20:
        return chr(0x2400 + number)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
