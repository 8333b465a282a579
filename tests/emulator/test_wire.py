"""
The emulator seen from a plain socket: what no HTTP client shows of answers and faults.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from typing import Literal

import pytest

from clever_v4.emulator import Application, Emulator, faults
from clever_v4.emulator.faults import (
    Cut,
    Disconnect,
    Drip,
    EmptyError,
    EndOfFile,
    Gzip,
    HeartbeatIds,
    HtmlError,
    RetryFields,
    TooManyRequests,
    UnknownEvents,
    Unparsable,
    WrongContentType,
)
from tests.emulator.wire import connect, exchange

WHOLE = "since=2001-01-01T00:00:00.000Z&throttleElements=100000&limit=100"
"""All of a hundred entries."""


@pytest.fixture
def application(emulator: Emulator) -> Application:
    """
    A hundred entries.
    """
    return emulator.add_application(history=100, services=["bas.service"])


def logs(application: Application, query: str = WHOLE) -> str:
    """
    The target of an application's log stream.
    """
    owner_id = application.owner_id
    return f"/v4/logs/organisations/{owner_id}/applications/{application.id}/logs?{query}"


async def test_a_stream_is_chunks_of_events(emulator: Emulator, application: Application) -> None:
    """
    ``id``, ``event`` and ``data`` in the order of the official test server, then the end.
    """
    got = await exchange(emulator, logs(application))
    assert (got.status, got.ended, got.is_whole) == (200, "FIN", True)
    assert got.headers["content-type"] == "text/event-stream"
    assert got.headers["transfer-encoding"] == "chunked"
    *events, last, rest = got.text.split(b"\n\n")
    assert (len(events), rest) == (100, b"")
    for event, identity in zip(events, emulator.produced_ids(application.id), strict=True):
        assert event.startswith(f"id:{identity}\nevent:APPLICATION_LOG\ndata:{{".encode())
    assert last == b'event:END_OF_STREAM\ndata:{"endedBy":"LIMIT_REACHED"}'


@pytest.mark.parametrize("ended", ["FIN", "RST"])
@pytest.mark.parametrize(
    "cut",
    [
        {"after_bytes": 777},
        {"after_bytes": 777, "inside": "chunk"},
        {"after_entries": 7},
        {"after_entries": 7, "inside": "line"},
        {"after_entries": 7, "inside": "character"},
        {"after_entries": 7, "inside": "chunk"},
    ],
    ids=str,
)
async def test_a_cut_ends_the_connection_by_fin_or_rst(
    emulator: Emulator, application: Application, cut: dict[str, object], ended: str
) -> None:
    """
    As the plan says, with the body's end missing; only a cut inside a chunk leaves one torn.
    """
    whole = await exchange(emulator, logs(application))
    emulator.faults.push(Cut(**cut, reset=ended == "RST"))  # type: ignore[arg-type]
    got = await exchange(emulator, logs(application))
    assert (got.status, got.ended, got.is_whole) == (200, ended, False)
    assert whole.text.startswith(got.text)
    announced, came = got.chunks[-1]
    assert (announced > len(came)) == (cut.get("inside") == "chunk")


@pytest.mark.parametrize("ended", ["FIN", "RST"])
async def test_a_disconnect_is_no_answer_at_all(
    emulator: Emulator, application: Application, ended: str
) -> None:
    """
    Not a byte, by FIN or by RST.
    """
    emulator.faults.push(Disconnect(reset=ended == "RST"))
    got = await exchange(emulator, logs(application))
    assert (got.received, got.ended) == (b"", ended)


async def test_an_end_of_file_is_a_body_in_good_order(
    emulator: Emulator, application: Application
) -> None:
    """
    The last chunk comes, END_OF_STREAM does not.
    """
    emulator.faults.push(EndOfFile(after_entries=7))
    got = await exchange(emulator, logs(application))
    assert (got.ended, got.is_whole) == ("FIN", True)
    assert got.text.count(b"\n\n") == got.text.count(b"event:APPLICATION_LOG") == 7


async def test_a_drip_is_one_byte_per_chunk(emulator: Emulator, application: Application) -> None:
    """
    Each byte is a chunk of its own, as far as the plan says.
    """
    whole = await exchange(emulator, logs(application))
    emulator.faults.push(Drip(most_bytes=500))
    got = await exchange(emulator, logs(application))
    assert got.text == whole.text
    assert [length for length, _ in got.chunks[:501]] == [1] * 500 + [got.chunks[500][0]]
    assert got.chunks[500][0] > 1


async def test_gzip_is_on_the_wire(emulator: Emulator, application: Application) -> None:
    """
    The bytes are compressed and flushed: each chunk alone completes the events before it.
    """
    whole = await exchange(emulator, logs(application))
    emulator.faults.push((Gzip(), RetryFields(milliseconds=5, every=200)))
    got = await exchange(emulator, logs(application))
    assert got.headers["content-encoding"] == "gzip"
    unzip, texts = zlib.decompressobj(wbits=31), []
    for _, chunk in got.chunks:
        texts.append(unzip.decompress(chunk))
        assert texts[-1].endswith(b"\n\n") or texts[-1] == b""
    assert b"".join(texts) == b"retry:5\n\n" + whole.text
    assert unzip.eof


async def test_what_stands_between_the_entries(
    emulator: Emulator, application: Application
) -> None:
    """
    ``retry:``, heartbeats with an id, unknown events and unparsable entries, byte for byte.
    """
    emulator.faults.push(
        (
            RetryFields(milliseconds=7, every=50),
            HeartbeatIds(id="1:2:3", every=50),
            UnknownEvents(name="NEW", data="x", every=50),
            Unparsable(data=("{",), every=50),
        )
    )
    got = await exchange(emulator, logs(application))
    between = (
        b"retry:7\n\nid:1:2:3\nevent:HEARTBEAT\ndata:\n\nevent:NEW\ndata:x\n\n"
        b"event:APPLICATION_LOG\ndata:{\n\n"
    )
    assert got.text.startswith(between)
    assert got.text.count(between) == 3
    whole = await exchange(emulator, logs(application))
    assert got.text.replace(between, b"") == whole.text


async def test_answers_of_gateways(emulator: Emulator, application: Application) -> None:
    """
    500 has no body, 502 a page, 429 says when to come again, 200 may be no stream, and the API's
    JSON may come as text.
    """
    text = WrongContentType(status=503, content_type="text/plain", body='{"error":"away"}')
    emulator.faults.push(
        EmptyError(), HtmlError(), TooManyRequests(retry_after="3"), WrongContentType(), text
    )
    answers = [await exchange(emulator, logs(application)) for _ in range(5)]
    empty, page, later, wrong, away = answers
    assert (empty.status, empty.body, empty.headers["content-length"]) == (500, b"", "0")
    assert (page.status, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert page.body.startswith(b"<html>")
    assert (later.status, later.headers["retry-after"]) == (429, "3")
    assert json.loads(later.body)["code"] == "clever.core.too-many-requests"
    assert (wrong.status, wrong.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert wrong.body.startswith(b"<!DOCTYPE html>")
    assert (away.status, away.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert away.body == b'{"error":"away"}'


WORDS = {
    400: (
        "clever.core.bad-request",
        "The query parameter was malformed.",
        ("limit", "'a' is not a valid 64-bit signed integer value"),
    ),
    401: ("clever.auth.unauthorized", "Unauthorized to access this resource.", None),
    404: (
        "clever.core.not-found",
        "Partitioned Topic not found: persistent://{owner}/logs/{app}-partition-0 has zero partitions",
        None,
    ),
}  # fmt: skip
"""Code, text and field of the errors before a stream, as the official test server has them."""


@pytest.mark.parametrize("generation", ["2023", "2026"])
@pytest.mark.parametrize("status", WORDS)
async def test_errors_before_a_stream_have_the_bodies_of_the_api(
    status: int, generation: Literal["2023", "2026"]
) -> None:
    """
    Every member, in either generation; the content type is exactly ``application/json``.
    """
    async with Emulator(demo=False, error_generation=generation) as emulator:
        application = emulator.add_application(
            behaviour="never_logged" if status == 404 else "normal"
        )
        target = logs(application, "limit=a" if status == 400 else "limit=1")
        got = await exchange(emulator, target, token="wrong" if status == 401 else None)
    code, text, field = WORDS[status]
    context: dict[str, object] = {}
    if generation == "2026":
        context = {"type": "empty"}
    if field is not None:
        context = {"fieldName": field[0], "fieldValue": field[1]}
        context = (
            {"OVDErrorFieldContext": context}
            if generation == "2023"
            else {"type": "field"} | context
        )
    identity = "api_request_id" if generation == "2023" else "apiRequestId"
    assert got.status == status
    assert got.headers["content-type"] == "application/json"
    assert json.loads(got.body) == {
        identity: f"request_http_{got.headers['sozu-id']}",
        "code": code,
        "context": context,
        "error": text.format(owner=application.owner_id, app=application.id),
    }


async def test_every_answer_has_a_sozu_id_of_its_own(
    emulator: Emulator, application: Application
) -> None:
    """
    A ULID: on streams, lists, refusals, unknown routes, and what a plan answers instead.
    """
    emulator.faults.push((), EmptyError(), HtmlError(), WrongContentType())
    seen = [(await exchange(emulator, logs(application))) for _ in range(4)]
    for target, method in (
        ("/v4/products/zones", "GET"),
        ("/v4/products/zones", "POST"),
        ("/v4/products/zones/nowhere", "GET"),
        ("/v4/products/zones?limit=1", "GET"),
        ("/v2/self", "GET"),
        ("/v2/self", "HEAD"),
        ("/v4/unknown", "GET"),
        ("/", "GET"),
        (logs(application, "limit=0"), "GET"),
        (logs(application), "HEAD"),
        ("/_emulator/", "GET"),
    ):
        seen.append(await exchange(emulator, target, method=method))
    seen.append(await exchange(emulator, "/v2/self", token="wrong"))
    statuses = [200, 500, 502, 200, 200, 405, 404, 400, 200, 200, 404, 404, 400, 405, 200, 401]
    assert [one.status for one in seen] == statuses
    identities = [one.headers["sozu-id"] for one in seen]
    assert all(len(one) == 26 and one.isalnum() and one.isupper() for one in identities)
    assert len(set(identities)) == len(identities)


async def test_a_head_is_not_answered_by_a_stream(
    emulator: Emulator, application: Application
) -> None:
    """
    It has no body and ends; once it was the stream itself, without chunks and without an end.
    """
    got = await exchange(emulator, logs(application), method="HEAD")
    assert (got.status, got.body) == (405, b"")


async def test_equal_seeds_give_equal_bytes() -> None:
    """
    History and every list of two emulators with one seed and epoch are the same, byte for byte.
    """
    bodies: list[list[bytes]] = []
    for seed in (5, 5, 6):
        async with Emulator(seed=seed, epoch_s=1_764_000_000) as emulator:
            application, addon = emulator.applications[1], emulator.addons[0]
            owner, app = emulator.owner_id, application.id
            window = f"{WHOLE}0&until=2025-11-24T16:00:00Z"
            of_app = f"/v4/orchestration/organisations/{owner}/applications/{app}"
            bodies.append(
                [
                    (await exchange(emulator, target)).body
                    for target in (
                        logs(application, f"{window}&service=all"),
                        f"/v4/logs/organisations/{owner}/resources/{addon.real_id}/logs?{window}",
                        f"/v4/accesslogs/organisations/{owner}/applications/{app}/accesslogs?{window}",
                        f"/v4/billing/organisations/{owner}/invoices?since=2023-01-01T00:00:00Z",
                        f"{of_app}/deployments",
                        f"{of_app}/instances",
                        f"/v4/load-balancers/organisations/{owner}/addons/{addon.id}/load-balancers/default",
                        f"/v4/products/zones?ownerId={owner}",
                        "/v2/summary",
                    )
                ]
            )
    one, same, other = bodies
    assert all(len(body) > 200 for body in one)
    assert one == same
    assert not any(a == b for a, b in zip(one, other, strict=True))


async def test_the_throttle_takes_its_time(emulator: Emulator, application: Application) -> None:
    """
    A hundred entries at 20 per 50 ms take four whole periods; each period's entries come at once.
    """
    target = logs(application, f"{WHOLE}&throttlePerInMilliseconds=50".replace("100000", "20"))
    start = time.monotonic()
    got = await exchange(emulator, target)
    assert time.monotonic() - start >= 4 * 0.05
    assert [chunk.count(b"event:A") for _, chunk in got.chunks if b"event:A" in chunk] == [20] * 5


async def test_the_default_throttle_is_100_per_300_ms(emulator: Emulator) -> None:
    """
    Of 150 entries the last 50 come after a period of 300 ms.
    """
    application = emulator.add_application(history=150, services=["bas.service"])
    start = time.monotonic()
    got = await exchange(emulator, logs(application, "since=2001-01-01T00:00:00Z&limit=150"))
    assert time.monotonic() - start >= 0.3
    assert [chunk.count(b"event:A") for _, chunk in got.chunks if b"event:A" in chunk] == [100, 50]


async def test_heartbeats_come_at_their_interval() -> None:
    """
    Every 2 seconds unless another interval is asked for, never sooner, and with empty data.
    """
    assert Emulator().state.options.heartbeat_s == 2.0
    async with Emulator(demo=False, heartbeat_s=0.03) as emulator:
        start = time.monotonic()
        reader, writer = await connect(emulator, logs(emulator.add_application(), "limit=1"))
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(5):
            frame = await reader.readuntil(b"\n\n\r\n")
            assert frame.endswith(b"\r\nevent:HEARTBEAT\ndata:\n\n\r\n")
        assert time.monotonic() - start >= 5 * 0.03
        writer.close()


@pytest.mark.parametrize(
    "fault",
    [
        (),
        faults.Stall(),
        faults.HeartbeatsOnly(),
        faults.SlowAnswer(seconds=3600),
        faults.Stall(after_entries=3, seconds=3600),
        Drip(),
    ],
    ids=str,
)
async def test_nothing_is_left_when_the_emulator_stops(fault: faults.Fault) -> None:
    """
    No task and no listening socket, and each open stream is ended, also one that nobody reads.
    """
    before = asyncio.all_tasks()
    async with Emulator(demo=False) as emulator:
        application = emulator.add_application(history=20_000)
        emulator.faults.push(fault)
        fast = "since=2001-01-01T00:00:00Z&throttleElements=1000000&throttlePerInMilliseconds=1"
        reader, writer = await connect(emulator, logs(application, fast))
        idle = await connect(emulator, "/v2/self", "Connection: keep-alive")
        await emulator.connections.wait_until(opened=1)
    assert emulator.connections.active == 0
    with pytest.raises(ConnectionRefusedError):
        await connect(emulator, "/v2/self")
    for one in (writer, idle[1]):
        one.close()
    try:
        while await reader.read(65_536):
            pass
    except ConnectionResetError:
        pass
    assert asyncio.all_tasks() == before


async def test_an_emulator_can_be_stopped_and_started_again(emulator: Emulator) -> None:
    """
    On the same port and with the same account, as an API that is redeployed.
    """
    async with Emulator(demo=False) as other:
        url, application = other.url, other.add_application(history=100, services=["bas.service"])
        first = await exchange(other, logs(application))
    async with other:
        assert other.url == url
        assert (await exchange(other, logs(application))).text == first.text


async def test_hundreds_of_streams_are_served_and_stopped_at_once() -> None:
    """
    Each gets what is published, and the end of the emulator ends them all.
    """
    async with Emulator(demo=False) as emulator:
        target = logs(emulator.add_application(), "limit=2")
        opened = await asyncio.gather(*(connect(emulator, target) for _ in range(200)))
        await emulator.connections.wait_until(active=200)
        await asyncio.gather(*(reader.readuntil(b"\r\n\r\n") for reader, _ in opened))
        (identity,) = emulator.publish(emulator.applications[0].id, "for all")
        frames = await asyncio.gather(*(reader.readuntil(b"\n\n\r\n") for reader, _ in opened))
    assert all(f"\r\nid:{identity}\n".encode() in frame for frame in frames)
    assert (emulator.connections.active, emulator.connections.peak) == (0, 200)
    for _, writer in opened:
        writer.close()
