"""
One connection of a stream: aiohttp-sse-client's `EventSource` with our decoder.

`EventSource` opens and vets the connection and its `MessageEvent` is the raw
event. Its line reader is replaced: it strips indentation, glues half an event
to the next one after a reconnect, never sees a bare CR, loses an event after a
byte order mark, fails on long lines, and reads a fifth as fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from clever_v4.errors import CleverError, ConnectionFailedError, HeartbeatTimeoutError
from clever_v4.http_dates import parse_http_date

from .decoder import Decoder, RawEvent

__all__ = ["Connection", "MessageEvent", "Opener", "Source", "message_event"]

if TYPE_CHECKING:
    import attrs

    @attrs.frozen
    class MessageEvent:
        """
        A raw event as `EventStream.events` gives it: aiohttp-sse-client's, which is not typed.

        Attributes:
            type: Name of the event; ``message`` where the server gave none.
            message: The same, by the library's other name.
            data: The data, several lines joined by a line feed; what is no
                UTF-8 is replaced.
            origin: Scheme, host and port that it came from.
            last_event_id: The last id that the server sent up to this event.
        """

        type: str
        message: str
        data: str
        origin: str
        last_event_id: str

    class EventSource:
        """
        What is used of aiohttp-sse-client's, which is not typed.
        """

        _origin: str | None
        _last_event_id: str
        _response: aiohttp.ClientResponse | None

        def __init__(
            self, url: str, *, session: aiohttp.ClientSession, headers: Mapping[str, str]
        ) -> None: ...

        async def connect(self, retry: int = 0) -> None: ...
else:
    from aiohttp_sse_client.client import EventSource, MessageEvent


class Opener(Protocol):
    """
    Opens the connection: signs, sends, and raises on any answer that is no event stream.

    It stands where `EventSource` expects its `aiohttp.ClientSession`.
    """

    def request(
        self, method: str, url: URL, *, headers: Mapping[str, str]
    ) -> Awaitable[aiohttp.ClientResponse]:
        """
        Send the request and give the open response.
        """
        ...  # pragma: no cover -- a protocol


class Connection(EventSource):
    """
    Opens and vets one connection, in one attempt: ``await connect()``, then `source`; not kept.

    ``connect`` raises what the opener raises.
    """

    def __init__(self, opener: Opener, url: URL, *, last_event_id: str, compress: bool) -> None:
        # What is handed over is duck-typed: a URL where text is declared, an opener for a session.
        arguments: Any = {"url": url, "session": opener}
        encoding = "gzip" if compress else "identity"
        super().__init__(**arguments, headers={hdrs.ACCEPT_ENCODING: encoding})
        self._last_event_id = last_event_id

    def source(self, decoder: Decoder, heartbeat_timeout_s: float | None) -> Source:
        """
        Give what reads it, once it is open.
        """
        response: Any = self._response
        return Source(response, str(self._origin), decoder, heartbeat_timeout_s)

    def abort(self) -> None:
        """
        Close at once what was opened, where nobody reads it.
        """
        response: aiohttp.ClientResponse | None = self._response
        if response is not None:
            _abort(response)


class Source:
    """
    One open connection, its decoder and its watchdog.

    The watchdog is one timer that is moved on lazily: a busy stream pays
    nothing for it. Its clock runs only while bytes are waited for, over any
    number of waits that were given up, bytes that arrived but were not read yet
    count, and the time by which the timer itself comes late does not, so that
    neither a slow consumer nor a stalled event loop makes a false cut.
    """

    __slots__ = (
        "_content",
        "_decoder",
        "_due_s",
        "_is_silent",
        "_left_s",
        "_loop",
        "_quiet_since_s",
        "_response",
        "_seen_bytes",
        "_stalled_s",
        "_timeout_s",
        "_watchdog",
        "accepted_at",
        "byte_count",
        "contact_s",
        "is_finished",
        "origin",
        "request_id",
    )

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        origin: str,
        decoder: Decoder,
        heartbeat_timeout_s: float | None,
    ) -> None:
        self._response: aiohttp.ClientResponse | None = response
        self._content = response.content
        self._decoder = decoder
        self._timeout_s = heartbeat_timeout_s
        self._loop = asyncio.get_running_loop()
        self._watchdog: asyncio.TimerHandle | None = None
        self._seen_bytes = 0
        self._due_s = 0.0
        self._stalled_s = 0.0
        self._is_silent = False
        self.origin: str = origin
        """Scheme, host and port, as a `MessageEvent` wants it."""
        self.accepted_at: datetime | None = _date(response.headers.get(hdrs.DATE))
        """When the server accepted it, by its own clock."""
        # Where the opener says what may be shown of it, that: it knows what is secret.
        given = response.headers.get("Sozu-Id")
        self.request_id: str | None = getattr(response, "shown_request_id", given)
        self.is_finished: bool = False
        """Whether the server ended it in good order."""
        self.byte_count: int = 0
        self.contact_s: float = self._loop.time()
        """When bytes arrived last, by the event loop's clock."""
        # Since when there is silence, and since when nobody waits, which does not count.
        self._quiet_since_s = self.contact_s
        self._left_s: float | None = self.contact_s
        if heartbeat_timeout_s is not None:
            self._watch_at(self.contact_s + heartbeat_timeout_s)

    def wait(self) -> Awaitable[bytes]:
        """
        Wait for bytes; none at the end. What it raises goes to `fault`.

        Raises:
            EventTooLargeError: An event exceeds the cap.
        """
        if self._decoder.error is not None:
            raise self._decoder.error
        if self._left_s is not None:
            self._quiet_since_s += self._loop.time() - self._left_s
            self._left_s = None
        # No coroutine of our own in between: there are thousands of streams that wait.
        return self._content.readany()

    def take(self, chunk: bytes) -> list[RawEvent]:
        """
        Give the events that the bytes complete.

        Raises:
            ConnectionFailedError: There are no bytes: the connection ended.
            EventTooLargeError: An event exceeds the cap.
        """
        if not chunk:
            self.is_finished = True
            raise ConnectionFailedError("the stream ended without END_OF_STREAM")
        self.contact_s = self._quiet_since_s = self._left_s = self._loop.time()
        self._seen_bytes = self._content.total_bytes
        self._stalled_s = 0.0
        self.byte_count += len(chunk)
        return self._decoder.feed(chunk)

    def rescue(self) -> list[RawEvent]:
        """
        Give the events that had arrived when the connection broke; none where there is nothing left.

        aiohttp raises the break before it gives them. They would come again, but
        a consumer slower than the connections break would never get on.
        """
        content = self._content
        error: Any = content.exception()
        if error is None or content.total_bytes <= self.byte_count:
            return []
        nothing: Any = None
        content.set_exception(nothing)
        try:
            chunk = content.read_nowait()
        finally:
            content.set_exception(error)
        return self.take(chunk) if chunk else []

    def leave(self) -> None:
        """
        Note that whoever waited for bytes does not any more; `wait` may be called again.
        """
        if self._left_s is None:
            self._left_s = self._loop.time()

    def fault(self, exc: Exception) -> Exception:
        """
        Give our error for what `wait` or `take` raised; it names the connection by its Sozu-Id.
        """
        error = self._our_error(exc)
        if isinstance(error, CleverError) and error.request_id is None:
            error.request_id = self.request_id
        return error

    def _our_error(self, exc: Exception) -> Exception:
        if self._is_silent:
            return HeartbeatTimeoutError(f"not one byte arrived for {self._timeout_s:g} s")
        # aiohttp raises RuntimeError where the connection was closed under a reader.
        if isinstance(exc, aiohttp.ClientError | HttpProcessingError | OSError | RuntimeError):
            if isinstance(exc, CleverError):
                return exc
            if isinstance(exc, HttpProcessingError):
                # It quotes what came, which may be of an entry, or what was sent, sent back.
                return ConnectionFailedError("the stream broke off: it is not valid HTTP")
            error = ConnectionFailedError(f"the stream broke off: {str(exc) or type(exc).__name__}")
            error.__cause__ = exc
            return error
        return exc

    def abort(self) -> None:
        """
        Close the connection at once, without draining it. Idempotent.
        """
        response, self._response = self._response, None
        if response is None:
            return
        if self._watchdog is not None:
            self._watchdog.cancel()
        _abort(response)

    def _watch(self) -> None:
        assert self._timeout_s is not None  # noqa: S101 -- only then is it armed
        now_s = self._loop.time()
        # Bytes that came while the event loop was stalled may not have been read from the socket.
        self._stalled_s += now_s - self._due_s
        if self._content.total_bytes != self._seen_bytes:
            # They came, and their reader comes next.
            self._seen_bytes = self._content.total_bytes
            self.contact_s = self._quiet_since_s = now_s
            if self._left_s is not None:
                self._left_s = now_s
        away_s = 0.0 if self._left_s is None else now_s - self._left_s
        deadline_s = self._quiet_since_s + away_s + self._timeout_s + self._stalled_s
        if self._left_s is not None:
            # Nobody waits: look again later, and not too soon.
            self._watch_at(max(deadline_s, now_s + self._timeout_s / 4))
        # A timer is never quite on time; a millisecond is no stall.
        elif now_s + 0.001 >= deadline_s:
            self._is_silent = True
            self.abort()
        else:
            self._watch_at(deadline_s)

    def _watch_at(self, due_s: float) -> None:
        self._due_s = due_s
        self._watchdog = self._loop.call_at(due_s, self._watch)


def _abort(response: aiohttp.ClientResponse) -> None:
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _date(header: str | None) -> datetime:
    """Read the server's Date: entries are dated by the server's clock, not by ours."""
    now = datetime.now(UTC)
    return parse_http_date(header or "", now=now) or now


class _OpenMessageEvent(MessageEvent):
    """A `MessageEvent` that can be filled: its frozen constructor costs four times as much."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__


def message_event(event: RawEvent, origin: str) -> MessageEvent:
    """
    Make the public raw event.
    """
    last_event_id, type_, data, _ = event
    made: Any = _OpenMessageEvent.__new__(_OpenMessageEvent)
    made.type = made.message = type_.decode("utf-8", "replace") or "message"
    made.data = data.decode("utf-8", "replace")
    made.origin = origin
    made.last_event_id = last_event_id.decode("utf-8", "replace")
    made.__class__ = MessageEvent
    finished: MessageEvent = made
    return finished
