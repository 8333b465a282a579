"""
The emulator's faults, seen from a bare HTTP client.
"""

from __future__ import annotations

import asyncio

import aiohttp
import attrs
import pytest

from clever_v4.emulator import Application, faults
from clever_v4.emulator.faults import (
    Cut,
    Disconnect,
    EmptyError,
    EndOfFile,
    HeartbeatsOnly,
    HtmlError,
    NotFound,
    RepeatLast,
    SlowAnswer,
    Stall,
    TooManyRequests,
    Unauthorized,
    WrongContentType,
)
from tests.emulator.reading import FAST, PAST, Reader, whole


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("after", [0, 1, 777, 5_000])
async def test_cut_after_bytes_is_exact(
    reader: Reader, application: Application, after: int, reset: bool
) -> None:
    """
    So many bytes of the body come, then the connection is lost.
    """
    expected = await whole(reader, application)
    reader.emulator.faults.push(Cut(after_bytes=after, reset=reset))
    body, in_order = await reader.body(application, {"limit": "100"})
    assert (body, in_order) == (expected[:after], False)
    await reader.emulator.connections.wait_until(active=0)
    assert reader.emulator.connections[1].bytes_sent == after


async def test_cut_after_entries_leaves_whole_events(
    reader: Reader, application: Application
) -> None:
    """
    The connection is lost between two events.
    """
    reader.emulator.faults.push(Cut(after_entries=7))
    body, in_order = await reader.body(application)
    assert not in_order
    assert body.endswith(b"}\n\n")
    assert body.count(b"\n\n") == reader.emulator.connections[0].entries_sent == 7


async def test_cut_inside_a_line(reader: Reader, application: Application) -> None:
    """
    Two thirds of the next event come.
    """
    expected = await whole(reader, application)
    reader.emulator.faults.push(Cut(after_entries=7, inside="line"))
    body, in_order = await reader.body(application)
    assert not in_order
    assert expected.startswith(body)
    assert body.count(b"\n\n") == 7
    assert b"\ndata:{" in body[body.rindex(b"\n\n") :]


async def test_cut_inside_a_character(reader: Reader, application: Application) -> None:
    """
    The first byte of a character of several bytes is the last that comes.
    """
    expected = await whole(reader, application)
    reader.emulator.faults.push(Cut(after_entries=7, inside="character"))
    body, in_order = await reader.body(application)
    assert not in_order
    assert expected.startswith(body)
    assert body.count(b"\n\n") >= 7
    with pytest.raises(UnicodeDecodeError, match="unexpected end of data"):
        body.decode()


@pytest.mark.parametrize(
    "cut", [Cut(after_entries=3, inside="chunk"), Cut(after_bytes=2_000, inside="chunk")]
)
async def test_cut_inside_a_chunk(reader: Reader, application: Application, cut: Cut) -> None:
    """
    A chunk is announced longer than what comes of it.
    """
    expected = await whole(reader, application)
    reader.emulator.faults.push(cut)
    body, in_order = await reader.body(application)
    assert not in_order
    assert expected.startswith(body)
    assert not body.endswith(b"\n\n")


async def test_end_of_file_is_in_order_but_unannounced(
    reader: Reader, application: Application
) -> None:
    """
    The body ends well, without END_OF_STREAM.
    """
    reader.emulator.faults.push(EndOfFile(after_entries=7))
    body, in_order = await reader.body(application)
    assert in_order
    assert body.count(b"\n\n") == body.count(b"event:APPLICATION_LOG") == 7


async def test_stall_is_silent(reader: Reader, application: Application) -> None:
    """
    Not even a heartbeat comes, for as long as it lasts; then it goes on.
    """
    options = attrs.evolve(reader.emulator.state.options, heartbeat_s=0.001)
    reader.emulator.state.options = options
    reader.emulator.faults.push(Stall(after_entries=7, seconds=0.05), Stall(after_entries=7))
    body, in_order = await reader.body(application, {"limit": "100"})
    assert in_order
    assert body.count(b"event:APPLICATION_LOG") == 100
    async with await reader.get(reader.path(application), {"since": PAST, **FAST}) as response:
        for _ in range(7):
            assert (await response.content.readuntil(b"\n\n")).startswith(b"id:")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await response.content.read(1)
    await reader.emulator.connections.wait_until(active=0)


async def test_heartbeats_only_carries_nothing_else(
    reader: Reader, application: Application
) -> None:
    """
    Heartbeats go on where entries should.
    """
    options = attrs.evolve(reader.emulator.state.options, heartbeat_s=0.001)
    reader.emulator.state.options = options
    reader.emulator.faults.push(HeartbeatsOnly(after_entries=2))
    events = await reader.events(reader.path(application), {"since": PAST}, most=12)
    assert {one.event for one in events[2:]} == {"HEARTBEAT"}


async def test_repeat_last_sends_entries_again_after_a_resume(
    reader: Reader, application: Application
) -> None:
    """
    A resume begins some entries too early; a first connection is not touched.
    """
    ids = reader.emulator.produced_ids(application.id)
    reader.emulator.faults.push(RepeatLast(count=3), RepeatLast(count=3))
    query = {"since": PAST, "limit": "4", **FAST}
    events = await reader.events(reader.path(application), query)
    assert [one.id for one in events[:4]] == ids[:4]
    events = await reader.events(reader.path(application), query, {"Last-Event-ID": ids[49]})
    assert [one.id for one in events[:4]] == ids[47:51]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Unauthorized(), 401, "clever.auth.unauthorized"),
        (NotFound(), 404, "clever.core.not-found"),
        (TooManyRequests(retry_after="7"), 429, "clever.core.too-many-requests"),
    ],
)
async def test_refusals_have_the_bodies_of_the_api(
    reader: Reader, application: Application, fault: faults.Fault, status: int, code: str
) -> None:
    """
    Status, body and Sozu-Id are real; 429 says when to come again.
    """
    reader.emulator.faults.push(fault)
    async with await reader.get(reader.path(application)) as response:
        body = await response.json()
    assert (response.status, body["code"]) == (status, code)
    assert body["api_request_id"].endswith(response.headers["Sozu-Id"])
    assert response.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert reader.emulator.connections[0].status == status


async def test_v2_has_its_own_way_to_say_too_many_requests(reader: Reader) -> None:
    """
    403 with an id of 403 in v2's body.
    """
    reader.emulator.faults.push(TooManyRequests(retry_after="7"), path="/v2/self")
    async with await reader.get("/v2/self") as response:
        body = await response.json()
    assert (response.status, response.headers["Retry-After"]) == (403, "7")
    assert body == {
        "id": 403,
        "message": "You have performed that request too much.",
        "type": "error",
    }


async def test_gateway_answers(reader: Reader, application: Application) -> None:
    """
    500 is empty, 502 is HTML, 200 may be of a wrong content type.
    """
    reader.emulator.faults.push(EmptyError(), HtmlError(retry_after="1"), WrongContentType())
    answers = []
    for _ in range(3):
        async with await reader.get(reader.path(application)) as response:
            answers.append((response.status, response.content_type, await response.text()))
            assert "Sozu-Id" in response.headers
    assert answers[0][0::2] == (500, "")
    assert answers[1][:2] == (502, "text/html")
    assert answers[2][:2] == (200, "text/html")


@pytest.mark.parametrize("reset", [False, True])
async def test_disconnect_answers_nothing(
    reader: Reader, application: Application, reset: bool
) -> None:
    """
    The connection is closed before any byte.
    """
    # aiohttp's client tries a GET once more by itself.
    reader.emulator.faults.push(Disconnect(reset=reset), Disconnect(reset=reset))
    expected = aiohttp.ClientOSError if reset else aiohttp.ServerDisconnectedError
    with pytest.raises(expected):
        await reader.get(reader.path(application))


async def test_slow_answer_still_answers(reader: Reader, application: Application) -> None:
    """
    The head comes later, and then all is well.
    """
    reader.emulator.faults.push(SlowAnswer(seconds=0.01))
    assert (await whole(reader, application)).count(b"event:APPLICATION_LOG") == 100
