"""
The connections of streams: bounded in number, signed afresh, vetted; not read here.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from yarl import URL

from clever_v4.auth import Auth
from clever_v4.errors import NotAnEventStreamError, TooManyStreamsError

from .addresses import target
from .exchange import Exchange, Faults, Sending, read_some, seconds
from .query import QueryPairs
from .responses import ERROR_BODY_LIMIT_BYTES, REQUEST_ID_HEADER, redact

if TYPE_CHECKING:
    from .client import Client

__all__ = ["OpenStreams", "StreamOpener"]

_EVENT_STREAM: Final = "text/event-stream"
_SHOWN_BYTES: Final = 2048


class OpenStreams:
    """
    Counts the streams of a session that are open or opening, and bounds them.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._opening_count = 0
        self._responses: weakref.WeakSet[aiohttp.ClientResponse] = weakref.WeakSet()

    def __len__(self) -> int:
        return self._opening_count + sum(1 for response in self._responses if not response.closed)

    def __enter__(self) -> None:
        # Streams that ended stay in the set until they are collected, so it is counted
        # exactly only when it looks full: opening one of n streams costs no walk over n.
        if self._opening_count + len(self._responses) >= self.limit:
            for response in [response for response in self._responses if response.closed]:
                self._responses.discard(response)
            if self._opening_count + len(self._responses) >= self.limit:
                raise TooManyStreamsError(limit=self.limit)
        self._opening_count += 1

    def __exit__(self, *_: object) -> None:
        self._opening_count -= 1

    def add(self, response: aiohttp.ClientResponse) -> None:
        """
        Count a stream from now until its response is closed.
        """
        self._responses.add(response)

    def close(self) -> None:
        """
        Abort all that are open.
        """
        for response in list(self._responses):
            response.close()


class StreamOpener:
    """
    Opens the connections of a stream; stands where an ``EventSource`` expects its ``ClientSession``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def url(self, path: Sequence[str], query: QueryPairs = ()) -> URL:
        """
        Give the address of a stream; relative while the base URL is not known.
        """
        tail = target(path, query)
        return (
            self._client.address(tail) if self._client.base_url_known else URL(tail, encoded=True)
        )

    async def request(
        self, method: str, url: URL, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> aiohttp.ClientResponse:
        """
        Open one connection.

        Args:
            method: The HTTP method.
            url: As `url` gave it.
            headers: Sent with it. ``Accept-Encoding`` is ``identity`` unless it
                is among them, so that no compressor holds events back.
            options: Passed on to aiohttp.

        Raises:
            APIError: The answer's status is not 200; ``retry_after`` says what
                the server asks for.
            NotAnEventStreamError: It is 200 with another content type.
            TransportError: There was no answer.
            TooManyStreamsError: The session's bound on open streams is reached.
        """
        sent = {
            "Accept": _EVENT_STREAM,
            "Accept-Encoding": "identity",
            "User-Agent": self._client.user_agent,
        }
        for name, value in (headers or {}).items():
            for known in [known for known in sent if known.lower() == name.lower()]:
                del sent[known]
            sent[name] = value
        exchange = Exchange(method, url.raw_path_qs, sent, url=url if url.absolute else None)
        return await self._client.attempt(
            exchange, lambda auth: self._open(exchange, auth, options)
        )

    async def _open(
        self, exchange: Exchange, auth: Auth | None, options: Mapping[str, Any]
    ) -> aiohttp.ClientResponse:
        client = self._client
        with client.streams:
            sending = client.prepare(exchange, auth)
            arguments = {**client.arguments(sending, client.stream_http), **options}
            arguments["timeout"] = aiohttp.ClientTimeout(
                total=None, sock_connect=seconds(client.timeout.connect), sock_read=None
            )
            raw: aiohttp.ClientResponse | None = None
            body = b""
            try:
                with Faults(sending):
                    # Only the head of the answer is awaited in here, or a refusal's body.
                    async with asyncio.timeout(seconds(client.timeout.read)):
                        raw = await client.stream_http.request(**arguments)
                        if raw.status != 200 or raw.content_type != _EVENT_STREAM:
                            body = await read_some(raw, ERROR_BODY_LIMIT_BYTES)
                client.tell(sending, raw)
                self._vet(raw, body, sending)
            except BaseException:
                if raw is not None:
                    raw.close()
                raise
            client.streams.add(raw)
        return raw

    @staticmethod
    def _vet(raw: aiohttp.ClientResponse, body: bytes, sending: Sending) -> None:
        if raw.status != 200:
            raise sending.error(raw, body)
        if raw.content_type != _EVENT_STREAM:
            text = body[:_SHOWN_BYTES].decode("utf-8", "replace")
            raise NotAnEventStreamError(
                content_type=raw.headers.get("Content-Type"),
                request_id=raw.headers.get(REQUEST_ID_HEADER),
                body=redact(text, sending.secrets),
            )
