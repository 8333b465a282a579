"""
What the library logs: nothing until it is asked to, then each event in a line of ours, with fields.
"""

from __future__ import annotations

import contextlib
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina
from stamina.instrumentation import RetryDetails

from clever_v4.api.logs import LogQuery
from clever_v4.auth import ApiToken, Auth
from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f
from clever_v4.errors import APIError, ReconnectionGaveUpError, ServerError
from clever_v4.fanout.gap_log import GapLog
from clever_v4.fanout.items import Gap
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions
from clever_v4.transport.policies import Retry
from tests.serving import answers, serve

ROOT = Path(__file__).parent.parent
PROMPT = Retry(
    attempts=3, wait_initial=timedelta(0), wait_max=timedelta(0), wait_jitter=timedelta(0)
)
MOMENT = timedelta(milliseconds=1)
OPTIONS = StreamOptions(
    reconnect=Reconnect(initial=MOMENT, max_delay=MOMENT, attempts=2, first_attempts=2)
)
# What a record has of its own.
USUAL = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@pytest.fixture(autouse=True)
def hooks_as_by_default() -> Iterator[None]:
    """
    stamina as a program finds it; as it was before, afterwards.
    """
    before = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks(None)
    yield
    stamina.instrumentation.set_on_retry_hooks(before)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """
    What is logged from INFO on.
    """
    caplog.set_level(logging.INFO)
    told: list[logging.LogRecord] = []
    # Its own list is another one in each phase of a test.
    caplog.handler.addFilter(lambda record: told.append(record) is None)
    return told


def ours(records: list[logging.LogRecord]) -> list[tuple[str, str, str]]:
    return [
        (one.name, one.levelname, one.getMessage())
        for one in records
        if one.name.startswith(("clever_v4", "stamina"))
    ]


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in USUAL}


PROGRAM = """
import asyncio, sys
from datetime import timedelta
from clever_v4 import Retry, Session
from clever_v4.emulator import Emulator
from clever_v4.emulator.faults import EmptyError

async def main():
    async with Emulator(demo=False) as emulator:
        emulator.faults.push(EmptyError(status=503, retry_after="0"))
        async with Session(base_url=emulator.url) as session:
            print(len(await session.zones.list()) > 0)

asyncio.run(main())
"""


def test_library_is_silent_where_logging_is_not_set_up() -> None:
    """
    A retry writes nothing on stderr, neither a line of ours nor stamina's.
    """
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert (ran.stdout, ran.stderr) == ("True\n", "")


async def test_retry_is_told_with_what_where_why_and_when(
    records: list[logging.LogRecord],
) -> None:
    """
    Without the query; nothing by stamina.
    """
    plans = answers((503, '{"error": "busy"}'), (200, "{}"))
    async with serve(plans) as server, Session(base_url=server.url, retry=PROMPT) as session:
        await session.request("GET", "/x", query={"filter": "private"})
    cause = f"GET {server.url}/x: HTTP 503: busy (Sozu-Id 01SOZU)"
    text = f"GET {server.url}/x: attempt 1 of 3 failed, trying again in 0.0 s: {cause}"
    assert ours(records) == [("clever_v4.requests", "INFO", text)]
    told = next(one for one in records if one.name == "clever_v4.requests")
    assert fields(told) == {
        "method": "GET",
        "url": f"{server.url}/x",
        "attempt": 1,
        "delay_s": 0.0,
        "cause": cause,
        "cause_type": "ServerError",
        "sozu_id": "01SOZU",
    }


async def test_hooks_of_a_program_are_called_and_stamina_s_own_lines_are_not_written(
    records: list[logging.LogRecord],
) -> None:
    """
    Also one that is open while the retry waits; the process's hooks are as they were.
    """
    told: list[object] = []

    @contextlib.contextmanager
    def waiting() -> Iterator[None]:
        told.append("waits")
        yield
        told.append("goes on")

    def hook(details: RetryDetails) -> contextlib.AbstractContextManager[None]:
        told.append((details.retry_num, type(details.caused_by), details.wait_for))
        return waiting()

    mine = [stamina.instrumentation.LoggingOnRetryHook, hook]
    stamina.instrumentation.set_on_retry_hooks(mine)
    before = stamina.instrumentation.get_on_retry_hooks()
    plans = answers((503, ""), (503, ""), (200, "{}"))
    async with serve(plans) as server, Session(base_url=server.url, retry=PROMPT) as session:
        await session.request("GET", "/x")
    assert told == [
        (1, ServerError, 0.0), "waits", "goes on",
        (2, ServerError, 0.0), "waits", "goes on",
    ]  # fmt: skip
    assert stamina.instrumentation.get_on_retry_hooks() == before
    assert {name for name, _, _ in ours(records)} == {"clever_v4.requests"}


async def test_others_retries_are_told_by_stamina_as_ever(
    records: list[logging.LogRecord],
) -> None:
    """
    What a program repeats by stamina is not our concern.
    """
    plans = answers((503, ""), (200, ""))
    async with serve(plans) as server, Session(base_url=server.url, retry=PROMPT) as session:
        await session.request("GET", "/x")
    async for attempt in stamina.retry_context(on=ValueError, attempts=2, wait_jitter=0):
        with attempt:
            if attempt.num == 1:
                raise ValueError
    assert [name for name, _, _ in ours(records)] == ["clever_v4.requests", "stamina"]


def test_what_stamina_keeps_to_itself_is_there() -> None:
    """
    Without it stamina's own lines would be written again.
    """
    assert hasattr(aiter(stamina.retry_context(on=ValueError)), "_t_a_retrying")


async def test_renewed_credentials_are_told(records: list[logging.LogRecord]) -> None:
    """
    That they were, not what they are.
    """
    count = 0

    async def give() -> Auth:
        nonlocal count
        count += 1
        return ApiToken(f"secret-{count}")

    plans = answers((401, ""), (200, "{}"))
    async with serve(plans) as server, Session(give, base_url=server.url) as session:
        await session.request("GET", "/x")
    assert ours(records) == [
        ("clever_v4.credentials", "INFO", "credentials given"),
        ("clever_v4.credentials", "INFO", "credentials renewed"),
    ]


async def test_stream_tells_that_it_is_lost_and_that_it_is_back(
    emulator: Emulator, records: list[logging.LogRecord]
) -> None:
    """
    With whose it is, why, and how long it took.
    """
    app = emulator.add_application(history=3)
    emulator.faults.push(f.EndOfFile(after_entries=1), f.EmptyError(status=503))
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        query = LogQuery(since=timedelta(days=1), limit=3)
        soon = StreamOptions(reconnect=Reconnect(initial=timedelta(milliseconds=1)))
        stream = session.logs.stream(app.owner_id, app.id, query, options=soon)
        assert len([entry async for entry in stream]) == 3
    told = [one for one in records if one.name == "clever_v4.streams"]
    texts = [re.sub(r"\d\.\d", "N", one.getMessage()) for one in told]
    name = f"log stream of {app.id}: "
    assert [text.partition(" (Sozu-Id")[0] for text in texts] == [
        f"{name}reconnecting in N seconds: the stream ended without END_OF_STREAM",
        texts[1].partition(" (Sozu-Id")[0],
        f"{name}connected again after N seconds",
    ]
    assert f"{name}reconnecting in N seconds: GET" in texts[1]
    assert "HTTP 503" in texts[1]
    lost, refused, back = map(fields, told)
    whose = {"owner": app.owner_id, "resource": app.id}
    assert lost.items() >= {**whose, "attempt": 1, "cause_type": "ConnectionFailedError"}.items()
    assert refused.items() >= {**whose, "attempt": 2, "cause_type": "ServerError"}.items()
    assert back.items() >= {**whose, "attempt": 2}.items()
    assert lost["sozu_id"]
    assert lost["sozu_id"] != back["sozu_id"]
    assert back["elapsed_s"] >= 0
    assert {one.levelname for one in told} == {"INFO"}


async def test_stream_that_gives_up_is_a_warning(
    emulator: Emulator, records: list[logging.LogRecord]
) -> None:
    """
    After so many attempts, with the last cause.
    """
    app = emulator.add_application(history=3)
    emulator.faults.push(*[f.EmptyError(status=503)] * 2)
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        with pytest.raises(ReconnectionGaveUpError) as raised:
            await anext(session.logs.stream(app.owner_id, app.id, options=OPTIONS))
    cause = raised.value.__cause__
    assert isinstance(cause, APIError)
    told = [one for one in records if one.name == "clever_v4.streams"][-1]
    assert told.levelname == "WARNING"
    assert told.getMessage() == f"log stream of {app.id}: gave up after 2 attempts: {cause}"
    assert fields(told) == {
        "owner": app.owner_id,
        "resource": app.id,
        "attempt": 2,
        "cause": str(cause),
        "cause_type": "ServerError",
        "sozu_id": cause.request_id,
    }


async def test_entry_that_is_left_out_is_a_warning(
    emulator: Emulator, records: list[logging.LogRecord]
) -> None:
    """
    Where a callback takes it; raised, it is the caller's. Its text is not logged.
    """
    app = emulator.add_application(history=2)
    emulator.faults.push(f.Unparsable(every=2, replace=True))
    bad: list[object] = []
    query = LogQuery(since=timedelta(days=1), limit=2)
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        stream = session.logs.stream(app.owner_id, app.id, query, on_bad_entry=bad.append)
        async for _ in stream:
            pass
    assert len(bad) == 1
    told = [one for one in records if one.name == "clever_v4.streams"]
    assert [one.levelname for one in told] == ["WARNING"]
    assert told[0].getMessage().startswith(f"log stream of {app.id}: an entry is left out: ")
    assert fields(told[0]).items() >= {"owner": app.owner_id, "resource": app.id}.items()
    assert fields(told[0])["cause_type"] == "ResponseFormatError"


def test_gaps_of_a_slow_subscriber_are_summed_up(records: list[logging.LogRecord]) -> None:
    """
    The first at once, then one line in ten seconds, and what is left at its end.
    """
    log = GapLog()
    for now_s, count in ((0.0, 5), (1.0, 2), (9.9, 3), (10.0, 4), (11.0, 1), (12.0, 1)):
        log.tell("slow", Gap(source="app_1", count=count), now_s)
    log.tell("other", Gap(source="app_2", count=7), 12.0)
    log.forget("slow")
    log.forget("slow")
    log.forget("other")
    assert [(one.levelname, one.getMessage()) for one in records] == [
        ("WARNING", "slow missed 5 entries in 1 gaps, the last of app_1"),
        ("WARNING", "slow missed 9 entries in 3 gaps, the last of app_1"),
        ("WARNING", "other missed 7 entries in 1 gaps, the last of app_2"),
        ("WARNING", "slow missed 2 entries in 2 gaps"),
    ]
    told = {"subscription": "slow", "count": 2, "gaps": 2, "source": None}
    assert fields(records[-1]) == told


# --- the document ------------------------------------------------------------------------------

DOCUMENT = (ROOT / "docs" / "logging.md").read_text()


def test_document_names_every_logger_and_no_other() -> None:
    """
    They are named by their subject, not by the module that they stand in today.
    """
    package = ROOT / "clever_v4"
    # The command line sets logging up, and logs nothing itself.
    library = [one for one in package.rglob("*.py") if package / "cli" not in one.parents]
    source = "".join(one.read_text() for one in library)
    names = re.findall(r'getLogger\("(clever_v4[\w.]*)"\)', source)
    assert set(names) == set(re.findall(r"^\| `(clever_v4\.\w+)`", DOCUMENT, re.MULTILINE))
    assert source.count("getLogger(") == len(names) + 1  # the NullHandler's


def test_document_explains_every_field_that_it_names() -> None:
    """
    And the table of events names each that is explained.
    """
    events, _, explained = DOCUMENT.partition("## Fields")
    rows = [line for line in events.splitlines() if line.count("|") == 5]
    named = {one for row in rows for one in re.findall(r"`(\w+)`", row.split("|")[-2])}
    first_cells = [line.split("|")[1] for line in explained.splitlines() if line.startswith("| `")]
    assert named == {one for cell in first_cells for one in re.findall(r"`(\w+)`", cell)}
