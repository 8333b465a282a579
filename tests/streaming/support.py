"""
Opening a stream on the emulator, and options that make a test quick.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from clever_v4.api.logs import LogEntry, LogQuery, LogStream, Throttle
from clever_v4.emulator import Emulator
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions

QUICK = Reconnect(initial=timedelta(milliseconds=1), max_delay=timedelta(milliseconds=5))
OPTIONS = StreamOptions(
    heartbeat_timeout=timedelta(milliseconds=200),
    settle_time=timedelta(milliseconds=200),
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
