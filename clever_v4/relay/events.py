"""
What a relay writes: entries and notices as the text of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Batch, Gap, Item, Notice, SourceEnded, SourceFailed, Tagged
from clever_v4.streaming.policy import Reconnection
from clever_v4.validators import check_instance
from clever_v4.wire.converter import converter

__all__ = [
    "HEADERS",
    "HEARTBEAT",
    "LONGEST_ID",
    "METHODS",
    "entry_json",
    "event",
    "event_id",
    "json_text",
    "notice_json",
]

HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}
METHODS: Final = ("GET", "HEAD", "POST")
"""POST for pages that send what they ask for in a body, by fetch instead of ``EventSource``."""
LONGEST_ID: Final = 4096
"""How many characters an event's id has at most: it comes back as a header, and servers take
about 8 KiB of one (aiohttp 8,190 bytes)."""
HEARTBEAT: Final = b": heartbeat\n\n"

_ITEMS: Final = (Batch, Gap, Notice, SourceEnded, SourceFailed)

# Sources that end with their hub: the browser comes back, and finds them followed again.
_ENDS_OF_THE_HUB = frozenset({"closed", "drained"})


def entry_json(tagged: Tagged[Any, Any]) -> str:
    """
    The data of a ``log`` event.

    Raises:
        TypeError: It is not what a subscription tags an entry with.
    """
    check_instance("tagged", tagged, Tagged)
    entry = converter.unstructure(tagged.entry)
    if isinstance(entry, dict):
        entry = {name: value for name, value in entry.items() if value is not None}
    return json_text({"source": str(tagged.source), "entry": entry})


def notice_json(item: Item[Any, Any]) -> tuple[str, str] | None:
    """
    The event type and the data of what is no entry; None: it is not sent.

    Raises:
        TypeError: It is nothing that a subscription hands over.
    """
    check_instance("item", item, _ITEMS)
    members: Mapping[str, object]
    match item:
        case Gap():
            members = {"count": item.count, "exact": item.is_exact}
            kind = "gap"
        case Notice(detail=Reconnection() as detail):
            kind = "reconnection"
            members = {
                "attempt": detail.attempt,
                "delay": detail.delay.total_seconds(),
                "error": type(detail.cause).__name__,
            }
        case Notice():
            kind, members = "notice", {"kind": type(item.detail).__name__}
        case SourceFailed():
            kind, members = "failed", {"error": type(item.error).__name__}
        case SourceEnded() if item.reason not in _ENDS_OF_THE_HUB:
            kind, members = "ended", {"reason": item.reason}
        case _:
            return None
    return kind, json_text({"source": str(item.source), **members})


def event_id(cursor: HubCursor) -> str:
    """
    A cursor as the id of an event.

    Of very many merged sources not all fit. Of those that are left out the browser gets some
    entries again when it comes back; those that are farthest ahead stay.
    """
    text = str(cursor)
    if len(text) <= LONGEST_ID:
        return text
    room = LONGEST_ID - len(str(HubCursor(cursor.hub, cursor.through)))
    kept = []
    for ring, number in sorted(cursor.ahead, key=lambda pair: -pair[1]):
        room -= len(f"~{ring}.{number}")
        if room < 0:
            break
        kept.append((ring, number))
    return str(HubCursor(cursor.hub, cursor.through, tuple(kept)))


def json_text(value: object) -> str:
    """
    A value as JSON.
    """
    return msgspec.json.encode(value, enc_hook=str).decode()


def event(kind: str, data: str, event_id: str | None = None) -> bytes:
    """
    One event as it goes over the wire.
    """
    head = f"id: {event_id}\nevent: {kind}\n" if event_id is not None else f"event: {kind}\n"
    if "\n" in data or "\r" in data:
        data = "\ndata: ".join(data.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return f"{head}data: {data}\n\n".encode()
