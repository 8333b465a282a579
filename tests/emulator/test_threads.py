"""
The emulator in a thread of its own, for programs without an event loop.
"""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request

import pytest
from blockbuster import BlockBuster
from yarl import URL

from clever_v4 import ApiToken, LogQuery, Session
from clever_v4.emulator import Emulator
from clever_v4.emulator.faults import EndOfFile


def read(url: str) -> list[dict[str, object]]:
    """
    Ask with a client that blocks.
    """
    with urllib.request.urlopen(url) as answer:
        found: list[dict[str, object]] = json.load(answer)
        return found


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_blocking_client_is_answered(host: str) -> None:
    """
    By whichever name of the loopback it listens on, its URL can be asked.
    """
    with Emulator(demo=False, host=host) as emulator:
        assert URL(emulator.url).host == host  # some clients also read it without brackets
        assert any(zone["name"] == "par" for zone in read(f"{emulator.url}/v4/products/zones"))


def test_it_stops_with_its_thread_and_can_start_again() -> None:
    """
    The port and what was written stay; no thread is left.
    """
    before = threading.active_count()
    emulator = Emulator(demo=False)
    with emulator:
        application = emulator.add_application()
        ids = emulator.publish(application.id, count=3)
        url = f"{emulator.url}/_emulator/produced/{application.id}"
        assert [one["id"] for one in read(url)] == ids
    assert threading.active_count() == before
    with pytest.raises(OSError, match="refused"):
        read(url)
    with emulator:
        assert [one["id"] for one in read(url)] == ids


def test_a_port_that_is_taken_is_told() -> None:
    """
    What starting raises comes to who started it, and no thread is left.
    """
    before = threading.active_count()
    with Emulator(demo=False) as emulator:
        port = int(emulator.url.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"), Emulator(port=port):
            pass
    assert threading.active_count() == before


async def test_a_stream_on_another_loop_gets_what_is_written_here(
    blockbuster: BlockBuster,
) -> None:
    """
    Entries written from this thread while a stream waits arrive; connections can be waited for.
    """
    blockbuster.deactivate()  # calls into the other thread wait for it, as they say
    with Emulator(demo=False, heartbeat_s=0.05) as emulator:
        application = emulator.add_application()
        emulator.faults.push(EndOfFile(after_entries=5))
        async with (
            Session(ApiToken(emulator.token), base_url=emulator.url) as session,
            session.logs.stream(application.owner_id, application.id, LogQuery(limit=20)) as stream,
        ):
            await emulator.connections.wait_until(opened=1)
            ids: list[str] = []
            read: list[str | None] = []
            async with asyncio.TaskGroup() as tasks:
                consumer = tasks.create_task(_read(stream))
                for _ in range(20):
                    ids += emulator.publish(application.id)
                    await asyncio.sleep(0)
                read = await consumer
            assert read == ids
        await emulator.connections.wait_until(active=0)
        assert len(emulator.connections) == 2


async def _read(stream: object) -> list[str | None]:
    return [entry.id async for entry in stream]  # type: ignore[attr-defined]


def test_waiting_in_vain_is_a_timeout() -> None:
    """
    It says how many streams there are instead.
    """
    with Emulator(demo=False) as emulator:
        emulator.connections.wait(active=0)
        with pytest.raises(TimeoutError, match=r"after 0\.01 s 0 streams are open, 0 were opened"):
            emulator.connections.wait(opened=1, timeout_s=0.01)
