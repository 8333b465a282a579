"""
One connection of a stream: aiohttp-sse-client's `EventSource` with our decoder.

`EventSource` opens and vets the connection and its `MessageEvent` is the raw
event. Its line reader is replaced: it strips indentation, glues half an event
to the next one after a reconnect, never sees a bare CR, loses an event after a
byte order mark, fails on long lines, and reads a fifth as fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import aiohttp
from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp_sse_client.client import EventSource, MessageEvent
from multidict import CIMultiDict
from yarl import URL

from clever_v4.errors import ConnectionFailedError, HeartbeatTimeoutError

from .decoder import Decoder, RawEvent

__all__ = ["MessageEvent", "Opener", "Source", "SourceAbortedError", "message_event"]


class Opener(Protocol):
    """
    Opens the connection: signs, sends, and raises on any answer that is no event stream.

    It stands where `EventSource` expects its `aiohttp.ClientSession`.
    """

    async def request(
        self, method: str, url: URL, *, headers: Mapping[str, str], **options: Any
    ) -> aiohttp.ClientResponse:
        """
        Send the request and give the open response.
        """
        ...  # pragma: no cover -- a protocol


class SourceAbortedError(Exception):
    """
    The source was aborted by its owner while it was read.
    """


class Source(EventSource):  # type: ignore[misc]  # the library is not typed
    """
    One open connection, its decoder and its watchdog.

    The watchdog is one timer that is moved on lazily: a busy stream pays
    nothing for it. Its clock runs only while bytes are waited for, bytes that
    arrived but were not read yet count, and the time by which the timer itself
    comes late does not, so that neither a slow consumer nor a stalled event
    loop makes a false cut.
    """

    def __init__(
        self,
        opener: Opener,
        url: URL,
        decoder: Decoder,
        *,
        last_event_id: str,
        compress: bool,
        heartbeat_timeout_s: float | None,
    ) -> None:
        encoding = "gzip" if compress else "identity"
        # What is handed over is duck-typed: a URL where text is declared, an opener for a session.
        arguments: Any = {"url": url, "session": opener}
        super().__init__(**arguments, headers=CIMultiDict({hdrs.ACCEPT_ENCODING: encoding}))
        self._last_event_id = last_event_id
        self._decoder = decoder
        self._timeout_s = heartbeat_timeout_s
        self._loop = asyncio.get_running_loop()
        self._watchdog: asyncio.TimerHandle | None = None
        self._waiting_since_s: float | None = None
        self._contact_s = 0.0
        self._seen_bytes = 0
        self._due_s = 0.0
        self._stalled_s = 0.0
        self._is_silent = False
        self._is_aborted = False

    async def open(self) -> None:
        """
        Connect once.

        Raises:
            APIError: The server refused.
            TransportError: No connection could be made.
            NotAnEventStreamError: The answer is no event stream.
        """
        await self.connect()
        response: Any = self._response
        self._content = response.content
        self.accepted_at = _date(response.headers.get(hdrs.DATE))
        self.request_id = response.headers.get("Sozu-Id")
        self._contact_s = self._loop.time()
        if self._timeout_s is not None:
            self._watch_at(self._contact_s + self._timeout_s)

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a `MessageEvent` wants it."""
        return str(self._origin)

    @property
    def contact_s(self) -> float:
        """When bytes arrived last, by the event loop's clock."""
        return self._contact_s

    async def read(self) -> tuple[list[RawEvent], int]:
        """
        Wait for bytes and give the events that they complete, and the number of bytes.

        Raises:
            ConnectionFailedError: The connection broke or ended.
            HeartbeatTimeoutError: Not one byte came for the heartbeat timeout.
            EventTooLargeError: An event exceeds the cap.
            SourceAbortedError: The source was aborted.
        """
        if self._decoder.error is not None:
            raise self._decoder.error
        content = self._content
        self._waiting_since_s = self._loop.time()
        try:
            chunk = await content.readany()
        except (aiohttp.ClientError, HttpProcessingError, OSError, RuntimeError) as exc:
            # aiohttp raises RuntimeError where the connection was closed under a reader.
            raise self._fault(exc) from exc
        finally:
            self._waiting_since_s = None
        if not chunk:
            raise self._fault(None)
        self._contact_s = self._loop.time()
        self._seen_bytes = content.total_bytes
        self._stalled_s = 0.0
        return self._decoder.feed(chunk), len(chunk)

    def abort(self) -> None:
        """
        Close the connection at once, without draining it. Idempotent.
        """
        if self._is_aborted:
            return
        self._is_aborted = True
        if self._watchdog is not None:
            self._watchdog.cancel()
        response: Any = self._response
        if response is None:
            return
        connection = response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        response.close()

    def _fault(self, exc: Exception | None) -> Exception:
        if self._is_silent:
            return HeartbeatTimeoutError(f"not one byte arrived for {self._timeout_s:g} s")
        if self._is_aborted:
            return SourceAbortedError()
        if exc is None:
            return ConnectionFailedError("the stream ended without END_OF_STREAM")
        return ConnectionFailedError(f"the stream broke off: {str(exc) or type(exc).__name__}")

    def _watch(self) -> None:
        assert self._timeout_s is not None  # only then is it armed  # noqa: S101 -- narrows the type
        now_s = self._loop.time()
        # Bytes that came while the event loop was stalled may not have been read from the socket.
        self._stalled_s += now_s - self._due_s
        if self._content.total_bytes != self._seen_bytes:
            # They came, and their reader comes next.
            self._seen_bytes = self._content.total_bytes
            self._contact_s = now_s
        waiting_since_s = now_s if self._waiting_since_s is None else self._waiting_since_s
        deadline_s = max(self._contact_s, waiting_since_s) + self._timeout_s + self._stalled_s
        # A timer is never quite on time; a millisecond is no stall.
        if now_s + 0.001 >= deadline_s:
            self._is_silent = True
            self.abort()
        else:
            self._watch_at(deadline_s)

    def _watch_at(self, due_s: float) -> None:
        self._due_s = due_s
        self._watchdog = self._loop.call_at(due_s, self._watch)


def _date(header: str | None) -> datetime:
    """Read the server's Date: entries are dated by the server's clock, not by ours."""
    try:
        date = parsedate_to_datetime(header or "")
    except ValueError:
        return datetime.now(UTC)
    return date.astimezone(UTC)


class _OpenMessageEvent(MessageEvent):  # type: ignore[misc]  # the library is not typed
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
