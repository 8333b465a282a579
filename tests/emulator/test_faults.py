"""
The emulator's fault plans, seen from a bare HTTP client.
"""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from typing import Any

import aiohttp
import attrs
import pytest

from clever_v4.emulator import Application, faults
from clever_v4.emulator.faults import (
    Cut,
    Disconnect,
    Drip,
    EmptyError,
    EndOfFile,
    Framing,
    Gzip,
    HeartbeatIds,
    HeartbeatsOnly,
    HtmlError,
    NotFound,
    RepeatLast,
    RetryFields,
    SlowAnswer,
    Stall,
    TooManyRequests,
    Unauthorized,
    UnknownEvents,
    Unparsable,
    WrongContentType,
)
from clever_v4.emulator.plans import FaultPlans
from tests.emulator.reading import FAST, PAST, Reader, event_of


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Any:
    """
    A fault is not an error of the server.
    """
    yield
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


@pytest.fixture
def application(reader: Reader) -> Application:
    """
    A hundred entries.
    """
    return reader.emulator.add_application(history=100, services=["bas.service"])


async def whole(reader: Reader, application: Application) -> bytes:
    """
    The body of the whole history, without any fault.
    """
    body, in_order = await reader.body(application, {"limit": "100"})
    assert in_order
    return body


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


async def test_drip_changes_no_byte(reader: Reader, application: Application) -> None:
    """
    The same bytes come in pieces.
    """
    expected = await whole(reader, application)
    reader.emulator.faults.push(Drip(piece_bytes=1, most_bytes=3_000), Drip(piece_bytes=13))
    assert await whole(reader, application) == expected
    assert await whole(reader, application) == expected


async def test_gzip_is_flushed_with_each_write(reader: Reader, application: Application) -> None:
    """
    An entry can be read at once, and the whole is what it is without compression.
    """
    expected = await whole(reader, application)
    reader.emulator.faults.push(Gzip(), Gzip())
    assert await whole(reader, application) == expected
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        raw = attrs.evolve(reader, http=http)
        async with await raw.get(reader.path(application)) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            reader.emulator.publish(application.id, "at once")
            compressed = await response.content.readany()
    assert b"at once" in zlib.decompressobj(wbits=31).decompress(compressed)


async def test_gzip_can_be_negotiated(reader: Reader, application: Application) -> None:
    """
    With ``gzip_streams`` a client that accepts gzip gets it, another one does not.
    """
    options = attrs.evolve(reader.emulator.state.options, gzip_streams=True)
    reader.emulator.state.options = options
    for accepted, coding in (("gzip, deflate", "gzip"), ("identity", None), ("gzip;q=0", None)):
        headers = {"Accept-Encoding": accepted}
        async with await reader.get(reader.path(application), headers=headers) as response:
            assert response.headers.get("Content-Encoding") == coding


async def test_additions_do_not_touch_the_entries(reader: Reader, application: Application) -> None:
    """
    Retry fields, ids on heartbeats, unknown and unparsable events stand between the entries.
    """
    reader.emulator.faults.push(
        (
            RetryFields(milliseconds=7, every=10),
            HeartbeatIds(every=10),
            UnknownEvents(every=20),
            Unparsable(every=25),
        )
    )
    body, in_order = await reader.body(application, {"limit": "100"})
    assert in_order
    assert body.count(b"retry:7\n\n") == 11
    assert body.count(b"id:999999999:0:0\nevent:HEARTBEAT\n") == 11
    assert body.count(b"event:NOTICE\n") == 6
    assert body.count(b"\n\nevent:APPLICATION_LOG\n") == 5
    events = [event_of(one) for one in body.split(b"\n\n") if b"event:" in one]
    ids = [one.id for one in events if one.id and one.event == "APPLICATION_LOG"]
    assert ids == reader.emulator.produced_ids(application.id)


async def test_unparsable_can_take_an_entrys_place(
    reader: Reader, application: Application
) -> None:
    """
    The id stays, the data is spoilt.
    """
    reader.emulator.faults.push(Unparsable(every=10, replace=True, data=("oops",)))
    body, _ = await reader.body(application, {"limit": "100"})
    events = [event_of(one) for one in body.split(b"\n\n") if one]
    assert [one.id for one in events[:-1]] == reader.emulator.produced_ids(application.id)
    assert [number for number, one in enumerate(events) if one.data == "oops"] == [
        *range(9, 100, 10)
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
async def test_framing_means_the_same(
    reader: Reader, application: Application, line_end: Any
) -> None:
    """
    Ends of line, a mark, comments, spaces and several data lines leave the events as they are.
    """
    expected = await whole(reader, application)
    reader.emulator.faults.push(
        Framing(line_end=line_end, byte_order_mark=True, comments=True, spaces=True, multiline=True)
    )
    body, _ = await reader.body(application, {"limit": "100"})
    assert body.startswith(b"\xef\xbb\xbf: a comment")
    lines = body[3:].decode().split(line_end)
    data = "".join(line.removeprefix("data: ") for line in lines if line.startswith("data: "))
    plain = [event_of(one).data for one in expected.split(b"\n\n") if one]
    at, decoder = 0, json.JSONDecoder()
    for one in plain:
        value, at = decoder.raw_decode(data, at)
        assert value == json.loads(one)
    assert len(lines) > 5 * 100


async def test_plans_are_taken_in_turn_and_by_application(
    reader: Reader, application: Application
) -> None:
    """
    A plan of an application does not meet another's stream; afterwards all is well.
    """
    other = reader.emulator.add_application(history=1)
    reader.emulator.faults.push(EmptyError(status=501), (), application_id=application.id)
    reader.emulator.faults.push(EmptyError(status=502))

    async def status(of: Application) -> int:
        async with await reader.get(reader.path(of)) as response:
            return response.status

    assert [await status(one) for one in (other, application, application, application)] == [
        502,
        501,
        200,
        200,
    ]
    assert reader.emulator.faults.pending == 0


async def test_faults_of_a_path_meet_plain_requests(reader: Reader) -> None:
    """
    Refusals, cuts and compression work on any answer.
    """
    path = "/v4/products/zones"
    reader.emulator.faults.push(
        TooManyRequests(),
        Cut(after_bytes=100),
        Gzip(),
        Disconnect(),
        Disconnect(),
        Drip(),
        path=path,
    )
    async with await reader.get(path) as response:
        assert response.status == 429
    async with await reader.get(path) as response:
        assert await response.content.read(100)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    async with await reader.get(path) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        zones = await response.json()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await reader.get(path)
    async with await reader.get(path) as response:
        assert await response.json() == zones


def test_random_plans_are_a_function_of_seed_resource_and_number() -> None:
    """
    The same three give the same plan; every fourth connection is neither refused nor cut.
    """

    def drawn(seed: int) -> list[Any]:
        plans = FaultPlans()
        plans.random(seed, stall_s=0.01, unparsable=True)
        return [plans.take_stream("/v4/logs/a", "a") for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    ends = (Cut, EndOfFile, EmptyError, HtmlError, TooManyRequests, Disconnect)
    for plan in drawn(1)[3::4]:
        assert not any(isinstance(fault, ends) for fault in plan)
    seen = {type(fault) for seed in range(20) for plan in drawn(seed) for fault in plan}
    assert seen == {*faults.FAULTS} - {Unauthorized, NotFound, WrongContentType, SlowAnswer}


@pytest.mark.parametrize("seed", range(12))
async def test_a_client_that_resumes_survives_random_plans(
    reader: Reader, application: Application, seed: int
) -> None:
    """
    Resuming from the last whole event until the end is told gives every entry.
    """
    reader.emulator.faults.random(seed)
    ids: list[str] = []
    headers: dict[str, str] = {}
    for _ in range(60):
        body = b""
        query = {"since": PAST, "limit": str(100 - len(ids)), **FAST}
        try:
            async with await reader.get(reader.path(application), query, headers) as response:
                async for chunk in response.content.iter_any():
                    body += chunk
        except aiohttp.ClientError:
            pass
        text = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b": ", b":")
        for frame in text.split(b"\n\n")[:-1]:
            event = [line for line in frame.split(b"\n") if line.startswith(b"event:A")]
            names = [line[3:].decode() for line in frame.split(b"\n") if line.startswith(b"id:")]
            if event and names and names[0] not in ids:
                ids += names
        if len(ids) == 100:
            break
        headers = {"Last-Event-ID": ids[-1]} if ids else {}
    assert ids == reader.emulator.produced_ids(application.id)


def test_faults_refuse_nonsense() -> None:
    """
    A wrong argument is an error when the fault is made, or the plan queued.
    """
    with pytest.raises(ValueError, match="one of after_bytes and after_entries"):
        Cut()
    with pytest.raises(ValueError, match="needs after_entries"):
        Cut(after_bytes=3, inside="line")
    with pytest.raises(ValueError, match="line_end"):
        Framing(line_end="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not a fault"):
        FaultPlans().push("cut")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="application_id and path"):
        FaultPlans().push(Gzip(), application_id="a", path="b")
