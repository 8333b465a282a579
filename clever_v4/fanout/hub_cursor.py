"""
Where a subscriber stands in a hub, as a small value that can be sent away and come back.
"""

from __future__ import annotations

import re
from typing import Any, Self

import attrs

from clever_v4.validators import check_instance, check_text, check_whole_number, field, shown

__all__ = ["HubCursor"]

_PATTERN = re.compile(r"([0-9a-z]{1,32})\.(\d{1,20})((?:~\d{1,20}\.\d{1,20})*)", re.ASCII)


def _check_ahead(_instance: object, _attribute: object, value: Any) -> None:
    check_instance("ahead", value, tuple)
    for pair in value:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"ahead must be pairs of numbers, got {shown(pair)}")
        for number in pair:
            check_whole_number("each number in ahead", number, at_least=0)


@attrs.frozen
class HubCursor:
    """
    What a subscriber has finished with; ``subscribe(start=cursor)`` goes on after it.

    As text (``str(cursor)``, `parse`) it is the event id that a relay gives to browsers.
    It holds within the hub that made it and as far back as the rings reach.

    Attributes:
        hub: The hub that it belongs to.
        through: Every entry up to this number is finished with.
        ahead: Rings of which more is finished with: their ordinal and up to which number. Empty
            unless entries were merged by date, which hands them over in another order.
    """

    hub: str = attrs.field(validator=field(check_text))
    through: int = attrs.field(validator=field(check_whole_number, at_least=0))
    ahead: tuple[tuple[int, int], ...] = attrs.field(default=(), validator=_check_ahead)

    def __str__(self) -> str:
        ahead = "".join(f"~{ordinal}.{sequence}" for ordinal, sequence in self.ahead)
        return f"{self.hub}.{self.through}{ahead}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read what ``str(cursor)`` wrote.

        Raises:
            ValueError: *text* is not that.
            TypeError: It is no text.
        """
        check_text("text", text)
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(f"text must be a cursor of a hub, got {shown(text)}")
        hub, through, ahead = match.groups()
        pairs = (pair.partition(".") for pair in ahead.split("~")[1:])
        return cls(hub, int(through), tuple((int(a), int(b)) for a, _, b in pairs))

    def for_ring(self, ordinal: int) -> int:
        """
        Up to which number the entries of one ring are finished with.
        """
        return max([self.through, *(through for ring, through in self.ahead if ring == ordinal)])
