"""
Streams against a simple model of a log and its server, whatever that does and however it is asked.

A failure names its seed; fifty of them are one test. ``nox -s properties`` runs twenty thousand.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from clever_v4.api.logs import LogEntry, LogStream
from clever_v4.errors import PermissionDeniedError
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions
from clever_v4.streaming.resume import Cursor

from .model import Model
from .planned import Answer, Asked, Planned, follow, planned, session_on

SEEDS = int(os.environ.get("STREAM_MODEL_SEEDS", "1000"))
SEEDS_A_TEST = 50
AT_ONCE = StreamOptions(
    # Neither is what this is about: a slow machine must not look like silence, or like the end.
    heartbeat_timeout=timedelta(minutes=5),
    settle_time=timedelta(minutes=5),
    reconnect=Reconnect(
        initial=timedelta(microseconds=1), max_delay=timedelta(microseconds=1), first_attempts=None
    ),
)
TYPED = ("entry", "entry", "deadline", "deadline", "batch", "sized", "chunk")
RAW = ("event", "raw")


class Reader:
    """
    Reads the log of a model, asking in all ways, dying now and then.
    """

    def __init__(self, model: Model, session: Session) -> None:
        self.model = model
        self.session = session
        self.draw = model.draw
        self.got: list[int] = []
        self.deaths = self.draw.choice((0, 0, 1, 2))
        # Most read in one way, as programs do.
        ways = [*TYPED, *RAW]
        self.ways = self.draw.choice(([self.draw.choice(ways)], TYPED, ways))

    async def read(self) -> None:
        """
        Read all of it, by as many processes as it takes.
        """
        cursor: Cursor | None = None
        while True:
            async with self._open(cursor) as stream:
                if await self._read_on(stream):
                    return
                # Killed: what is not finished with comes again in the next process.
                cursor = Cursor.parse(str(stream.cursor))
            assert cursor.entry_count <= len(self.got)
            del self.got[cursor.entry_count :]
            self.model.restarted()

    def _open(self, cursor: Cursor | None) -> LogStream[LogEntry]:
        return follow(
            self.session,
            self.model.query,
            self.model.resource,
            options=AT_ONCE,
            resume_from=cursor,
            on_bad_entry=lambda bad: self.got.append(_number(bad.event.data)),
        )

    async def _read_on(self, stream: LogStream[LogEntry]) -> bool:
        """Read until the end (True), or the death of this process."""
        steps_left = None
        if self.deaths:
            self.deaths -= 1
            steps_left = self.draw.randrange(len(self.model.entries) + 2)
        while self.model.kind != "live" or len(self.got) < len(self.model.expected):
            if steps_left == 0:
                return False
            try:
                await self._ask(stream, self.draw.choice(self.ways))
            except StopAsyncIteration:
                assert stream.ended_by is not None
                return True
            if steps_left is not None:
                steps_left -= 1
        return True

    async def _ask(self, stream: LogStream[LogEntry], way: str) -> None:
        got = self.got
        if way == "entry":
            got.append(int((await anext(stream)).message or ""))
        elif way == "deadline":
            try:
                async with asyncio.timeout(self.draw.random() * 0.003):
                    got.append(int((await anext(stream)).message or ""))
            except TimeoutError:
                pass
        elif way == "batch":
            got += [int(entry.message or "") for entry in await anext(stream.batches())]
        elif way == "sized":
            sized = stream.batches(
                max_entries=self.draw.randrange(1, 9), max_wait=timedelta(milliseconds=0.5)
            )
            got += [int(entry.message or "") for entry in await anext(sized)]
        elif way == "chunk":
            chunk = await anext(stream.chunks(size=7, wait=timedelta(milliseconds=0.5)))
            got += [int(entry.message or "") for entry in chunk]
            assert chunk.cursor.entry_count == len(got)
        elif way == "raw":
            got += [_number(raw.data) for raw in await anext(stream.raw_batches())]
        else:
            event = await anext(stream.events())
            if event.type == "APPLICATION_LOG":
                got.append(_number(event.data))


def _number(data: str | bytes) -> int:
    return int(json.loads(data)["message"])


class Logs:
    """
    The logs that are being served, by the name of their application.
    """

    def __init__(self) -> None:
        self.models: dict[str, Model] = {}

    async def __call__(self, asked: Asked, answer: Answer) -> None:
        await self.models[asked.resource](asked, answer)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Planned]:
    async with planned(Logs()) as running:
        yield running


@pytest_asyncio.fixture
async def session(server: Planned) -> AsyncIterator[Session]:
    async with session_on(server) as opened:
        yield opened


async def check(seed: int, server: Planned, session: Session) -> None:
    model = Model(seed)
    logs: Any = server.handler
    logs.models[model.resource] = model
    reader = Reader(model, session)
    told = f"seed {seed}: {model.kind}, read by {reader.ways}"
    try:
        async with asyncio.timeout(120):
            await reader.read()
    except PermissionDeniedError:
        assert model.is_forbidden, told
        assert reader.got == model.expected[: len(reader.got)], told
    except TimeoutError:
        pytest.fail(f"{told}: {len(reader.got)} of {len(model.expected)} after two minutes")
    except Exception as exc:
        exc.add_note(f"{told}; {model.mistakes}")
        raise
    else:
        assert reader.got == model.expected, told
    assert model.mistakes == [], told


@pytest.mark.parametrize("part", range(-(-SEEDS // SEEDS_A_TEST)))
async def test_a_stream_gives_what_the_model_says(
    part: int, server: Planned, session: Session
) -> None:
    """
    Bounded, limited and live: each entry once and in order, or the error that the server gave.
    """
    for seed in range(part * SEEDS_A_TEST, (part + 1) * SEEDS_A_TEST):
        await check(seed, server, session)
