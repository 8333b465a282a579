"""
From the bytes of an event stream to its events; pure.

Follows the WHATWG HTML standard, "Server-sent events", for any way of cutting
the same bytes, in time linear in the bytes. Three ideas make it fast: line ends
are made uniform only where a carriage return occurs at all; one regular
expression takes all finished events of a read apart in C, without backtracking;
and what it finds is handed on as it is, as bytes. Fragments of an unfinished
event are kept apart and joined once, when its blank line arrives.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from clever_v4.errors import EventTooLargeError

__all__ = ["DEFAULT_MAX_EVENT_BYTES", "INHERITED", "Decoder", "RawEvent"]

RawEvent: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""Last event id at dispatch, event type, data, and `INHERITED` or nothing.

All UTF-8 as received, not yet decoded: most readers take the data to a JSON
decoder that wants bytes. An empty type is ``message``. The fourth member is
`INHERITED` where the id is that of an event before. A plain tuple, since a
stream makes tens of thousands of them per second.
"""

INHERITED: Final = b"inherited"

DEFAULT_MAX_EVENT_BYTES: Final = 16 * 1024 * 1024

_BOM: Final = b"\xef\xbb\xbf"
_LF: Final = 10
# An event as the API writes nearly all of them, or any other lines up to a blank one.
# Possessive: a line that does not fit is never scanned twice.
_EVENTS: Final = re.compile(
    rb"id: ?+(.*+)\nevent: ?+(.*+)\ndata: ?+(.*+)\n\n|((?:.++\n)*+\n)"
).findall
_BLOCKS: Final = re.compile(rb"(?:.++\n)*+\n").findall
_SMALL_BYTES: Final = 64
_MAX_RETRY_MS: Final = 2**53


class Decoder:
    """
    Decode one event stream, and after `reset` the next connection's.

    Args:
        max_event_bytes: Largest event in bytes, its field names and line ends
            included, its comments not. Default 16 MiB.

    Raises:
        ValueError: The cap is not positive.
    """

    __slots__ = (
        "_bom",
        "_check_at_bytes",
        "_cut_cr",
        "_heartbeat",
        "_heartbeat_event",
        "_id",
        "_is_careful",
        "_max_event_bytes",
        "_pending",
        "_pending_bytes",
        "_retry_ms",
        "error",
    )

    def __init__(self, *, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        if max_event_bytes < 1:
            raise ValueError(f"max_event_bytes must be at least 1, got {max_event_bytes}")
        self._max_event_bytes = max_event_bytes
        self._retry_ms: int | None = None
        self._id = b""
        self._heartbeat = b""
        self._heartbeat_event: tuple[bytes, bytes, bytes] = (b"", b"", INHERITED)
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._check_at_bytes = max_event_bytes
        self.reset()

    @property
    def last_event_id(self) -> bytes:
        """The last event id as the standard counts it, control events included."""
        return self._id

    @property
    def retry_ms(self) -> int | None:
        """
        The reconnection time in milliseconds that the server asked for last, if any.

        It counts from its own end of line, before the blank line that ends its event.
        """
        if self._pending:
            for line in b"".join(self._pending).split(b"\n")[:-1]:
                if line.startswith(b"retry:"):
                    self._set_retry(line[6:].removeprefix(b" "))
        return self._retry_ms

    def reset(self) -> None:
        """
        Forget a half-received event: the connection that carried it is gone.

        The last event id and the reconnection time stay, as in the standard.
        """
        self._retry_ms = self.retry_ms
        self._forget_pending()
        self._cut_cr = False
        self._bom: bytes | None = b""
        self._is_careful = True
        self.error: EventTooLargeError | None = None
        """Why this decoder takes no more bytes before `reset`; None while it does."""

    def feed(self, chunk: bytes) -> list[RawEvent]:
        """
        Take the next bytes and give the events that they complete, in order.

        Raises:
            EventTooLargeError: An event exceeds the cap. Events that were
                complete before it are given first; the error follows at the
                next call, and `error` tells at once.
        """
        if (
            chunk[-2:] == b"\n\n"
            and b"\r" not in chunk
            and b"\0" not in chunk
            and not self._pending
            and not self._is_careful
            and len(chunk) <= self._max_event_bytes
        ):
            # What a healthy connection gives nearly always: whole events, and nothing to mind.
            events: list[RawEvent] = _EVENTS(chunk)
            return events if self._take_ids(events) else self._with_others(events)
        if self.error is not None:
            raise self.error
        if self._bom is not None:
            chunk = self._without_bom(chunk)
        if self._cut_cr or b"\r" in chunk:
            chunk = self._uniform(chunk)
        self._is_careful = self._cut_cr or self._bom is not None
        return self._feed(chunk) if chunk else []

    def _feed(self, chunk: bytes) -> list[RawEvent]:
        """Take bytes whose line ends are line feeds."""
        end = chunk.rfind(b"\n\n") + 2
        if end == 1 and not (self._pending and chunk[0] == _LF and self._pending[-1][-1] == _LF):
            end = 0
        # With end == 1 the blank line itself was cut in two.
        events: list[RawEvent] = []
        if self._pending and end:
            self._pending.append(chunk[:end])
            whole = b"".join(self._pending)
            self._forget_pending()
            events = self._parse(whole, len(whole))
        elif end:
            events = self._parse(chunk, end)
        if end < len(chunk) and self.error is None:
            self._keep(chunk[end:])
        if self.error is not None:
            self._is_careful = True
            if not events:
                raise self.error
        return events

    # -- bytes to blocks --

    def _without_bom(self, chunk: bytes) -> bytes:
        assert self._bom is not None  # noqa: S101 -- narrows the type
        start = self._bom + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._bom = start
            return b""
        self._bom = None
        return start.removeprefix(_BOM)

    def _uniform(self, chunk: bytes) -> bytes:
        """Make every line end a line feed; one CRLF may be cut between two chunks."""
        if not chunk:
            return chunk
        if self._cut_cr and chunk[0] == _LF:
            # The CR was read as an end of line already; its LF belongs to it.
            chunk = chunk[1:]
            self._cut_cr = False
            if not chunk:
                return chunk
        self._cut_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _keep(self, fragment: bytes) -> None:
        """Keep a part of an unfinished event, without ever joining a growing prefix."""
        if not self._pending:
            fragment = fragment.lstrip(b"\n")  # Blank lines before an event mean nothing.
            if not fragment:
                return
        self._pending.append(fragment)
        self._pending_bytes += len(fragment)
        if self._pending_bytes > self._check_at_bytes:
            # Comments are no part of the event: a server may send them for hours.
            kept = _without_comments(b"".join(self._pending))
            if _size(kept) > self._max_event_bytes:
                self._forget_pending()
                self.error = EventTooLargeError(limit_bytes=self._max_event_bytes)
                return
            self._pending = [kept] if kept else []
            self._pending_bytes = len(kept)
            # Twice what is kept, so that all these passes together stay linear.
            self._check_at_bytes = max(self._max_event_bytes, 2 * len(kept))

    def _forget_pending(self) -> None:
        self._pending = []
        self._pending_bytes = 0
        self._check_at_bytes = self._max_event_bytes

    # -- blocks to events --

    def _parse(self, whole: bytes, end: int) -> list[RawEvent]:
        """Take finished events apart; they end with a blank line at ``end``."""
        if end > self._max_event_bytes or b"\0" in whole:
            return self._parse_carefully(_BLOCKS(whole, 0, end))
        events: list[RawEvent] = _EVENTS(whole, 0, end)
        return events if self._take_ids(events) else self._with_others(events)

    def _take_ids(self, events: list[RawEvent]) -> bool:
        """Note the last id, where all events are of the usual form."""
        for event in events:
            if event[3]:
                return False
        self._id = events[-1][0]
        return True

    def _with_others(self, events: list[RawEvent]) -> list[RawEvent]:
        """Read those that are not of the usual form by the letter of the standard."""
        parsed: list[RawEvent] = []
        for event in events:
            if event[3]:
                self._block(event[3], parsed)
            else:
                self._id = event[0]
                parsed.append(event)
        return parsed

    def _parse_carefully(self, blocks: list[bytes]) -> list[RawEvent]:
        events: list[RawEvent] = []
        cap = self._max_event_bytes
        for block in blocks:
            if len(block) > cap and _size(_without_comments(block)) > cap:
                self.error = EventTooLargeError(limit_bytes=cap)
                break
            self._block(block, events)
        return events

    def _block(self, block: bytes, events: list[RawEvent]) -> None:
        """Read any block by the letter of the standard."""
        if block == self._heartbeat:
            # The same bytes every two seconds, without an id: read once.
            events.append((self._id, *self._heartbeat_event))
            return
        event_type = b""
        data: list[bytes] = []
        has_id = False
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            if value[:1] == b" ":
                value = value[1:]
            if name == b"data":
                data.append(value)
            elif name == b"event":
                event_type = value
            elif name == b"id":
                if b"\0" not in value:
                    self._id = value
                    has_id = True
            elif name == b"retry":
                self._set_retry(value)
        # One empty data line leaves the data buffer "\n", which is not empty: it is dispatched.
        if data:
            inherited = b"" if has_id else INHERITED
            event = (event_type, b"\n".join(data), inherited)
            events.append((self._id, *event))
            if inherited and len(block) < _SMALL_BYTES and b"retry" not in block:
                self._heartbeat, self._heartbeat_event = block, event

    def _set_retry(self, value: bytes) -> None:
        if value.isdigit():
            self._retry_ms = min(int(value[:19]), _MAX_RETRY_MS)


def _without_comments(block: bytes) -> bytes:
    """Drop the comment lines; of one that is not finished its colon stays."""
    lines = block.split(b"\n")
    last = lines.pop()
    kept = [line + b"\n" for line in lines if line[:1] != b":"]
    kept.append(b":" if last[:1] == b":" else last)
    return b"".join(kept)


def _size(block: bytes) -> int:
    return len(block) - (block[-1:] == b":" and block[-2:-1] in (b"", b"\n"))
