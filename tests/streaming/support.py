"""
Opening a stream on the emulator, and options that make a test quick.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from clever_v4.api.logs import LogEntry, LogQuery, LogStream, Throttle
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions
from tests.serving import serve

QUICK = Reconnect(initial=timedelta(milliseconds=1), max_delay=timedelta(milliseconds=5))
# Long beside the emulator's heartbeat of 0.03 s: a busy machine is no silence.
OPTIONS = StreamOptions(
    heartbeat_timeout=timedelta(seconds=1),
    settle_time=timedelta(seconds=1),
    reconnect=QUICK,
)
DAY = timedelta(days=1)
HISTORY = LogQuery(since=DAY)


def open_stream(
    session: Session,
    emulator: Emulator,
    query: LogQuery | None = HISTORY,
    *,
    history: int = 0,
    behaviour: Any = "normal",
    application_id: str | None = None,
    **given: Any,
) -> tuple[LogStream[LogEntry], str]:
    if application_id is None:
        application = emulator.add_application(
            history=history,
            behaviour=behaviour,
            services=("bas.service",),
            history_interval_s=1,
        )
        application_id = application.id
    given.setdefault("options", OPTIONS)
    stream = session.logs.stream(
        emulator.owner_id, application_id, query, throttle=Throttle.CONSOLE, **given
    )
    return stream, application_id


async def take(stream: LogStream[LogEntry], count: int) -> list[str]:
    ids: list[str] = []
    async for entry in stream:
        ids.append(entry.id or "")
        if len(ids) == count:
            break
    return ids


def bounded(**members: Any) -> LogQuery:
    return LogQuery(since=DAY, until=datetime.now(UTC), **members)


class Wire:
    """
    The server's side of one connection, which a test writes by hand.
    """

    def __init__(self, number: int, request: web.Request, response: web.StreamResponse) -> None:
        self.number = number
        """0 for the first connection."""
        self.request = request
        self._response = response

    @property
    def last_event_id(self) -> str | None:
        return self.request.headers.get("Last-Event-ID")

    async def send(self, data: bytes) -> None:
        await self._response.write(data)

    def cut(self) -> None:
        """
        Break the connection, whatever was sent in full.
        """
        assert self.request.transport is not None
        self.request.transport.close()


def entry(number: int, date: datetime | None = None, **members: Any) -> bytes:
    """
    Give an entry on the wire; its id and message are its number.
    """
    date = date or datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=number)
    data = {"id": str(number), "date": date.isoformat(), "message": str(number), **members}
    return b"id: %d\nevent: APPLICATION_LOG\ndata: %b\n\n" % (number, json.dumps(data).encode())


HEARTBEAT = b"event: HEARTBEAT\ndata:\n\n"
END = b'event: END_OF_STREAM\ndata: {"endedBy":"UNTIL_REACHED"}\n\n'


@asynccontextmanager
async def by_hand(
    script: Callable[[Wire], Awaitable[None]],
) -> AsyncIterator[tuple[Callable[..., LogStream[LogEntry]], list[Wire]]]:
    """
    Give what opens streams on a server whose connections are written by *script*, and those.

    A connection ends in good order when the script returns.
    """
    wires: list[Wire] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        wires.append(Wire(len(wires), request, response))
        await script(wires[-1])
        return response

    async with serve(handler) as server, Session(ApiToken("t"), base_url=server.url) as session:

        def opened(query: LogQuery | None = None, **given: Any) -> LogStream[LogEntry]:
            given.setdefault("options", OPTIONS)
            return session.logs.stream("orga_1", "app_1", query, **given)

        yield opened, wires
