"""
The connections of one session: borrowed or owned, bounded in number, in one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from types import NoneType

import aiohttp

from clever_v4.errors import DifferentEventLoopError, SessionClosedError, TooManyStreamsError
from clever_v4.validators import check_instance, check_whole_number

__all__ = ["Connections", "OpenStreams"]


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


class Connections:
    """
    What a session sends with, from its first use to its end.

    Requests share one bounded pool; streams have a connector of their own, so
    that any number of open ones never blocks a request.

    Attributes:
        http: For requests; once bound.
        stream_http: For streams; once bound.
    """

    http: aiohttp.ClientSession
    stream_http: aiohttp.ClientSession

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession | None,
        stream_http: aiohttp.ClientSession | None,
        max_connections: int,
        max_streams: int,
    ) -> None:
        check_instance("http", http, (aiohttp.ClientSession, NoneType))
        check_instance("stream_http", stream_http, (aiohttp.ClientSession, NoneType))
        check_whole_number("max_connections", max_connections)
        check_whole_number("max_streams", max_streams)
        self._borrowed_http = http
        self._borrowed_stream_http = stream_http
        self._max_connections = max_connections
        self._owned: list[aiohttp.ClientSession] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed: bool = False
        self.slots: asyncio.Semaphore = asyncio.Semaphore(max_connections)
        """One for each request that is under way."""
        self.streams: OpenStreams = OpenStreams(max_streams)

    def bind(self) -> None:
        """
        Open on first use, and refuse a closed session or a second event loop.

        Raises:
            SessionClosedError: It was closed.
            DifferentEventLoopError: It belongs to another event loop.
        """
        if self.closed:
            raise SessionClosedError("the session is closed")
        if self._loop is not None:
            self._check_loop()
            return
        self._loop = asyncio.get_running_loop()
        self.http = self._borrowed_http or self._own(self._max_connections)
        self.stream_http = self._borrowed_stream_http or self._own(0)

    def owns(self, http: aiohttp.ClientSession) -> bool:
        """
        Tell whether it was opened here, and not borrowed.
        """
        return http is not self._borrowed_http and http is not self._borrowed_stream_http

    async def close(self) -> None:
        """
        Close what is owned, and the streams on what is borrowed. Idempotent.

        Raises:
            DifferentEventLoopError: Called from another event loop.
        """
        if self._loop is not None and not self._loop.is_closed():
            self._check_loop()
        self.closed = True
        # Streams on a borrowed connector are ours to close, too.
        self.streams.close()
        async with contextlib.AsyncExitStack() as stack:
            # Each in its turn, also where the wait for one before it is given up or fails.
            for http in self._owned:
                stack.push_async_callback(http.close)
        self._owned.clear()

    def _check_loop(self) -> None:
        if asyncio.get_running_loop() is not self._loop:
            raise DifferentEventLoopError(
                "the session belongs to another event loop; open one session in each event loop"
            )

    def _own(self, limit: int) -> aiohttp.ClientSession:
        http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit),
            # The API sets no cookies, and none may travel from one answer to another request.
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._owned.append(http)
        return http
