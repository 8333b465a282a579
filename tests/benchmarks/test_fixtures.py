"""
The events that the benchmarks send are like the real ones, and the same every time.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from benchmarks import fixtures, server


def test_entries_are_the_same_every_time():
    """
    An entry depends on its number alone.
    """
    assert fixtures.entry(7) == fixtures.entry(7)
    assert fixtures.entry(7) != fixtures.entry(8)


def test_events_have_the_fields_and_the_size_of_real_ones():
    """
    An event has the 14 fields of an application log and takes 550 to 650 bytes on average.
    """
    sample = fixtures.frames(1_000)
    assert all(len(fixtures.entry(number)) == 14 for number in range(100))
    assert 550 <= sum(map(len, sample)) / len(sample) <= 650


def test_every_event_has_an_id_of_its_own():
    """
    No two events of a stream share an id, also beyond the first ledger.
    """
    numbers = (*range(200), *range(49_900, 50_100))
    assert len({fixtures.entry(number)["id"] for number in numbers}) == len(numbers)


def test_frames_carry_their_entry():
    """
    The data of an event is its entry, and its id the entry's.
    """
    first, second, third, blank, end = fixtures.frames(3)[2].decode().split("\n")
    assert (blank, end) == ("", "")
    assert first == f"id:{fixtures.entry(2)['id']}"
    assert second == "event:APPLICATION_LOG"
    assert json.loads(third.removeprefix("data:")) == fixtures.entry(2)


def test_a_big_event_has_the_size_asked_for():
    """
    The message of a big event is as long as asked for and carries no line end.
    """
    data = fixtures.big_frame(0, 100_001).decode().split("\ndata:")[1]
    message = json.loads(data)["message"]
    assert len(message) == 100_001
    assert "\n" not in message


@pytest.mark.parametrize("scenario", ["chunks", "pieces", "single", "paced"])
def test_the_server_sends_the_same_bytes_in_every_way(scenario):
    """
    However the events are cut into writes, their bytes and the end of the stream are the same.
    """
    body = b"".join(
        write.split(b"\r\n", 1)[1].removesuffix(b"\r\n")
        for write in server.writes(scenario, 20)[:-1]
    )
    assert body == b"".join((*fixtures.frames(20), fixtures.END_OF_STREAM))


async def test_the_server_answers_over_a_socket():
    """
    A request for a stream is answered with all of its events, chunk by chunk.
    """
    async with asyncio.TaskGroup() as group:
        listening = await asyncio.start_server(server.Server(group).serve, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            path = "/v4/logs/organisations/orga_1/applications/single-3/logs"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = await reader.readuntil(b"0\r\n\r\n")
            writer.close()
            await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream")
    assert all(frame in answer for frame in fixtures.frames(3))
    assert fixtures.END_OF_STREAM in answer
