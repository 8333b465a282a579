"""
Windows of the emulator's logs, and what our own streams yield of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from clever_v4 import AccessLogEntry, LogEntry, LogQuery, Session, Throttle
from clever_v4.emulator import Emulator

from .content import moment


def window(emulator: Emulator, resource_id: str, stop: int, *, access: bool = False) -> LogQuery:
    """
    From the first entry up to just after so many, by the dates that they have.
    """
    entries = emulator.produced(resource_id, access=access, stop=stop)
    first, last = written(entries[0]), written(entries[-1])
    return LogQuery(since=first, until=last + timedelta(milliseconds=1))


def ends(query: LogQuery) -> dict[str, str]:
    """
    The ends of a window, as the API's query says them.
    """
    assert isinstance(query.since, datetime)
    assert isinstance(query.until, datetime)
    return {"since": moment(query.since), "until": moment(query.until)}


def options(query: LogQuery) -> list[str]:
    """
    The options of the official CLI for a window.
    """
    return [part for name, value in ends(query).items() for part in (f"--{name}", value)]


def written(entry: dict[str, object]) -> datetime:
    """
    When an entry of the emulator was written, in milliseconds.
    """
    return datetime.fromisoformat(f"{str(entry['date'])[:23]}+00:00").astimezone(UTC)


async def read(session: Session, application_id: str, query: LogQuery) -> list[LogEntry]:
    """
    The entries that our own stream yields.
    """
    owner_id = await session.owners.owner_of(application_id)
    stream = session.logs.stream(owner_id, application_id, query, throttle=Throttle.CLI)
    return [entry async for entry in stream]


async def read_accesses(
    session: Session, application_id: str, query: LogQuery
) -> list[AccessLogEntry]:
    """
    The entries of an access log that our own stream yields.
    """
    owner_id = await session.owners.owner_of(application_id)
    stream = session.logs.access_stream(owner_id, application_id, query, throttle=Throttle.CLI)
    return [entry async for entry in stream]
