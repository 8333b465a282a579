"""
Colours and the like in texts of others (SGR sequences): what they leave set, in bounded room; pure.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["Colours"]

_DIGITS = re.compile(r"[0-9]{0,3}", re.ASCII)
_EXTENDED: Final = {"38", "48", "58"}
"""A colour from the palette (``5;N``) or of any kind (``2;R;G;B``) follows."""

_COLOUR_LENGTHS: Final = {"5": 3, "2": 5}

_KINDS: Final = {
    # What an attribute replaces, by its number: the later of one kind is the one that counts.
    **dict.fromkeys((*range(30, 39), *range(90, 98)), "text"),
    **dict.fromkeys((*range(40, 49), *range(100, 108)), "background"),
    **dict.fromkeys(range(11, 20), "font"),
    **dict.fromkeys(range(60, 65), "ideogram"),
    **dict.fromkeys((3, 20), "slant"),
    **dict.fromkeys((4, 21), "underline"),
    **dict.fromkeys((5, 6), "blink"),
    **dict.fromkeys((51, 52), "frame"),
    **dict.fromkeys((73, 74), "height"),
    1: "bold",
    2: "dim",
    7: "inverse",
    9: "strike",
    26: "spacing",
    53: "overline",
    58: "line",
}
_ENDS: Final[dict[int, tuple[str, ...]]] = {
    10: ("font",),
    22: ("bold", "dim"),
    23: ("slant",),
    24: ("underline",),
    25: ("blink",),
    27: ("inverse",),
    28: (),  # reveals what was concealed, which nothing is here
    29: ("strike",),
    39: ("text",),
    49: ("background",),
    50: ("spacing",),
    54: ("frame",),
    55: ("overline",),
    59: ("line",),
    65: ("ideogram",),
    75: ("height",),
}


class Colours:
    """
    What the sequences so far have set, one attribute of each kind.
    """

    def __init__(self) -> None:
        self._set: dict[str, str] = {}

    def take(self, sequence: str) -> str:
        """
        Take note of a sequence and give what may pass of it.

        Text that is concealed (SGR 8) could say one thing to the reader and another to who
        copies it; so that passes neither by itself nor among others, and nothing of which it is
        unclear what a terminal would make of it.

        Args:
            sequence: ``ESC [``, digits, ``;`` and ``:``, ``m``.
        """
        given = sequence[2:-1].split(";")
        kept = []
        position = 0
        while position < len(given):
            count = _length(given, position)
            if count == 0:
                break  # what follows cannot be told apart from an attribute of its own
            text = ";".join(given[position : position + count])
            if self._note(text):
                kept.append(text)
            position += count
        if len(kept) == len(given):
            return sequence
        return f"\x1b[{';'.join(kept)}m" if kept else ""

    def again(self) -> str:
        """
        Give the one sequence that sets all of it anew; empty where nothing is set.
        """
        return f"\x1b[{';'.join(self._set.values())}m" if self._set else ""

    def _note(self, text: str) -> bool:
        number = int(re.split("[;:]", text, maxsplit=1)[0] or 0)
        if number == 0:
            self._set.clear()
        elif text == "4:0":
            self._set.pop("underline", None)
        elif kind := _KINDS.get(number):
            # Put last: so the order stays that in which they came.
            self._set.pop(kind, None)
            self._set[kind] = text
        elif number in _ENDS:
            for ended in _ENDS[number]:
                self._set.pop(ended, None)
        else:
            return False
        return True


def _length(given: list[str], position: int) -> int:
    """
    Count the parameters of the attribute that begins here; 0 where it is none.
    """
    first = given[position]
    parts = first.split(":")
    if not all(map(_DIGITS.fullmatch, parts)):
        return 0
    if len(parts) > 1:
        return int(_is_whole(parts))
    if first not in _EXTENDED:
        return 1
    count = _COLOUR_LENGTHS.get(given[position + 1] if position + 1 < len(given) else "", 0)
    colour = given[position + 2 : position + count]
    return count if len(colour) == count - 2 and all(map(_DIGITS.fullmatch, colour)) else 0


def _is_whole(parts: list[str]) -> bool:
    """
    Whether an attribute written with colons is a kind of underline, or a colour (ISO 8613-6).
    """
    if parts[0] == "4":
        return len(parts) == 2
    if parts[0] not in _EXTENDED:
        return False
    # Beside the three of the colour there may be the number of its space.
    return (parts[1], len(parts)) in {("5", 3), ("2", 5), ("2", 6)}
