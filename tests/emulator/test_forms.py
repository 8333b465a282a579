"""
The same entries in other forms, and what else can stand between them.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import aiohttp
import attrs
import pytest

from clever_v4.emulator import Application
from clever_v4.emulator.faults import (
    Drip,
    Framing,
    Gzip,
    HeartbeatIds,
    RetryFields,
    UnknownEvents,
    Unparsable,
)
from tests.emulator.reading import Reader, event_of, whole


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
