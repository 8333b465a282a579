"""
A server over loopback that answers streams with the very bytes that a test wants.

Not the emulator: it knows no log, no clock and no fault plan, and costs next to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from clever_v4.api.logs import LogEntry, LogQuery, LogStream
from clever_v4.auth import ApiToken
from clever_v4.session import Session

from .support import OPTIONS

OWNER = "orga_planned"
DATE = b"Sun, 01 Mar 2026 12:00:00 GMT"


@attrs.frozen
class Asked:
    """
    What a connection asked for.
    """

    target: str
    headers: dict[bytes, bytes]

    @property
    def resource(self) -> str:
        return urlsplit(self.target).path.split("/")[6]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def last_event_id(self) -> bytes | None:
        return self.headers.get(b"last-event-id")


class Answer:
    """
    The answer to one connection, as far as it is written.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def begin(self, *, date: bytes | None = DATE) -> None:
        """
        Accept it.
        """
        lines = [b"HTTP/1.1 200 OK", b"Content-Type: text/event-stream", b"Connection: close"]
        if date is not None:
            lines.append(b"Date: " + date)
        await self.send(b"\r\n".join([*lines, b"", b""]))

    async def refuse(self, status: int, body: bytes = b"") -> None:
        """
        Answer with a status and, as the API does, an object in JSON.
        """
        lines = [
            b"HTTP/1.1 %d Refused" % status,
            b"Content-Type: application/json",
            b"Content-Length: %d" % len(body),
        ]
        await self.send(b"\r\n".join([*lines, b"", body]))

    async def send(self, data: bytes) -> None:
        """
        Write bytes, and let the reader have them.
        """
        self._writer.write(data)
        await self._writer.drain()

    async def hold(self) -> None:
        """
        Stay silent until the reader leaves.
        """
        await self._writer.wait_closed()

    def reset(self) -> None:
        """
        Cut the connection: what is still on its way may be lost.
        """
        self._writer.transport.abort()


Handler = Callable[[Asked, Answer], Awaitable[None]]


class Planned:
    """
    A running server, and what it was asked.
    """

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.asked: list[Asked] = []
        self.url = ""
        self._open: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head[:-4].split(b"\r\n")
            pairs = (line.split(b":", 1) for line in lines)
            headers = {name.lower(): value.strip() for name, value in pairs}
            asked = Asked(first.split(b" ")[1].decode("ascii"), headers)
            self.asked.append(asked)
            await self.handler(asked, Answer(writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            del self._open[task]

    async def close(self) -> None:
        """
        Cut what is open, and wait until nobody answers any more.
        """
        tasks = list(self._open)
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def planned(handler: Handler) -> AsyncIterator[Planned]:
    """
    Serve every connection with one handler.
    """
    answering = Planned(handler)
    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    answering.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield answering
    finally:
        server.close()
        await answering.close()


def scripted(*answers: bytes, date: bytes | None = DATE) -> Handler:
    """
    Answer one connection after the other with these bytes; the last one stays open, silent.
    """
    left = list(answers)

    async def handler(_asked: Asked, answer: Answer) -> None:
        await answer.begin(date=date)
        await answer.send(left.pop(0) if left else b"")
        if not left:
            await answer.hold()

    return handler


def follow(
    session: Session, query: LogQuery | None = None, resource: str = "app_planned", **given: Any
) -> LogStream[LogEntry]:
    """
    Open the stream of a planned log.
    """
    given.setdefault("options", OPTIONS)
    return session.logs.stream(OWNER, resource, query, **given)


def entry(id_: bytes | None, message: str = "", date: str = "2026-03-01T12:00:00Z") -> bytes:
    """
    The bytes of one entry; None: it carries no id.
    """
    data = b'{"date":"%s","message":"%s"}' % (date.encode(), message.encode())
    line = b"" if id_ is None else b"id:%s\n" % id_
    return b"%sevent:APPLICATION_LOG\ndata:%s\n\n" % (line, data)


def heartbeat(id_: bytes | None = None) -> bytes:
    line = b"" if id_ is None else b"id:%s\n" % id_
    return b"%sevent:HEARTBEAT\ndata:\n\n" % line


def end_of_stream(reason: str | None) -> bytes:
    """
    The bytes of an end; None: it says no reason.
    """
    data = b"" if reason is None else b'{"endedBy":"%s"}' % reason.encode()
    return b"event:END_OF_STREAM\ndata:%s\n\n" % data


@asynccontextmanager
async def session_on(server: Planned) -> AsyncIterator[Session]:
    """
    A session whose API is the planned server.
    """
    async with Session(ApiToken("a-token"), base_url=server.url) as session:
        yield session
