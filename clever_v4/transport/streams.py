"""
The connections of streams: bounded in number, signed afresh, vetted; not read here.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from yarl import URL

from clever_v4.auth import Auth
from clever_v4.errors import NotAnEventStreamError
from clever_v4.wire.paths import QueryPairs

from .addresses import target
from .bodies import ConnectionWatch
from .exchange import USER_AGENT, Exchange, Sending
from .redaction import redact
from .responses import REQUEST_ID_HEADER
from .sender import Sender

__all__ = ["StreamOpener"]

_EVENT_STREAM: Final = "text/event-stream"
_SHOWN_BYTES: Final = 2048
_HEADERS: Final = {
    "Accept": _EVENT_STREAM,
    "Accept-Encoding": "identity",
    "User-Agent": USER_AGENT,
}


class StreamOpener:
    """
    Opens the connections of a stream; stands where an ``EventSource`` expects its ``ClientSession``.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def url(self, path: Sequence[str], query: QueryPairs = ()) -> URL:
        """
        Give the address of a stream; relative while the base URL is not known.
        """
        tail = target(path, query)
        known = self._sender.base_url_known
        return self._sender.address(tail) if known else URL(tail, encoded=True)

    def request(
        self, method: str, url: URL, *, headers: Mapping[str, str] | None = None
    ) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        """
        Open one connection.

        Args:
            method: The HTTP method.
            url: As `url` gave it.
            headers: Sent with it. ``Accept-Encoding`` is ``identity`` unless it
                is among them, so that no compressor holds events back.

        Raises:
            APIError: The answer's status is not 200; ``retry_after`` says what
                the server asks for.
            NotAnEventStreamError: It is 200 with another content type.
            TransportError: There was no answer.
            TooManyStreamsError: The session's bound on open streams is reached.
        """
        known = url if url.absolute else None
        exchange = Exchange(method, url.raw_path_qs, _HEADERS, headers, url=known)
        return self._sender.attempt(exchange, self._open)

    async def _open(self, exchange: Exchange, auth: Auth | None) -> aiohttp.ClientResponse:
        sender, connections = self._sender, self._sender.connections
        with connections.streams:
            sending = sender.prepare(exchange, auth)
            try:
                with sender.exchanging(sending):
                    # Only the head of the answer is awaited in here.
                    async with sender.opening(sending):
                        await sender.send(sending, connections.stream_http, endless=True)
                    if sending.status != 200:
                        raise await sending.refusal(is_decoded=True)
                    if not _is_event_stream(sending):
                        raise await _no_stream(sending)
            except BaseException:
                sending.close()
                raise
            raw = sending.answer
            assert raw is not None  # noqa: S101 -- it came
            if sending.request_id != raw.headers.get(REQUEST_ID_HEADER):
                _rename(raw, sending.request_id)
            connections.streams.add(raw)
            ConnectionWatch(raw)  # held by the connection
        return raw


def _rename(raw: Any, request_id: str | None) -> None:
    """
    Tell the stream, which knows no secrets, what may be shown of the ``Sozu-Id``.
    """
    raw.shown_request_id = request_id


def _is_event_stream(sending: Sending) -> bool:
    given = sending.response_headers.get(hdrs.CONTENT_TYPE, "")
    return given.partition(";")[0].strip().lower() == _EVENT_STREAM


async def _no_stream(sending: Sending) -> NotAnEventStreamError:
    body = await sending.read_refusal(is_decoded=True)
    given = sending.response_headers.get(hdrs.CONTENT_TYPE)
    return NotAnEventStreamError(
        content_type=None if given is None else redact(given, sending.secrets),
        request_id=sending.request_id,
        body=redact(body[:_SHOWN_BYTES].decode("utf-8", "replace"), sending.secrets),
    )
