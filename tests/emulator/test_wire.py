"""
Streams and their faults seen from a plain socket: what no HTTP client shows.
"""

from __future__ import annotations

import json
import zlib

import pytest

from clever_v4.emulator import Application, Emulator
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
from tests.emulator.wire import exchange, logs


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
