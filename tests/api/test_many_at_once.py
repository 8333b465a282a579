"""
Hundreds of calls at once: one bounded pool of connections, and none lost to a cancelled call.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from clever_v4.api.invoices import ALL, InvoiceQuery
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.emulator.routes import deployments
from clever_v4.session import Session

BOUND = 5


class Gate:
    """
    Holds requests in the emulator until it is opened, and counts them.
    """

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.full = asyncio.Event()
        self.empty = asyncio.Event()
        self.most = 0
        self._held = 0

    async def pass_through(self) -> None:
        self._held += 1
        self.most = max(self.most, self._held)
        if self._held == BOUND:
            self.full.set()
        try:
            await self.open.wait()
        finally:
            self._held -= 1
            if not self._held:
                self.empty.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """
    A gate before the list of instances of the emulators that start after it.
    """
    gate = Gate()
    original = deployments.routes

    def gated(state: Any) -> Any:
        for route in original(state):
            if not route.path.endswith("/instances") or route.method != "GET":
                yield route
                continue
            handler = route.handler

            async def wait(request: web.Request, handler: Any = handler) -> web.StreamResponse:
                await gate.pass_through()
                answer: web.StreamResponse = await handler(request)
                return answer

            yield web.get(route.path, wait)

    monkeypatch.setattr(deployments, "routes", gated)
    return gate


async def test_hundreds_of_calls_share_a_bounded_pool(gate: Gate) -> None:
    """
    Of 300 calls no more than the bound are with the server at once, and all are answered.
    """
    async with (
        Emulator(demo=False) as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url, max_connections=BOUND) as session,
    ):
        application = emulator.add_application("shop")
        owner, app = emulator.owner_id, application.id
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(session.instances.list(owner, app)) for _ in range(300)]
            await gate.full.wait()
            gate.open.set()
        assert gate.most == BOUND
        assert all(call.result() == calls[0].result() for call in calls)


async def test_a_cancelled_call_gives_its_connection_back(gate: Gate) -> None:
    """
    When as many calls as the bound are cancelled in the middle, the next ones are served.
    """
    async with (
        Emulator(demo=False) as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url, max_connections=BOUND) as session,
    ):
        owner, app = emulator.owner_id, emulator.add_application("shop").id
        async with asyncio.TaskGroup() as group:
            stuck = [
                group.create_task(session.instances.list(owner, app)) for _ in range(2 * BOUND)
            ]
            await gate.full.wait()
            for call in stuck:
                call.cancel()
        assert all(call.cancelled() for call in stuck)
        # The server sees that they are gone.
        await gate.empty.wait()
        found = await asyncio.gather(*(session.deployments.list(owner, app) for _ in range(50)))
        assert all(len(deployments) == 12 for deployments in found)


async def test_a_cancelled_download_leaves_nothing(emulator: Emulator, tmp_path: Path) -> None:
    """
    Downloads that are cancelled at any piece give connection and file back.
    """
    async with Session(
        ApiToken(emulator.token), base_url=emulator.url, max_connections=1
    ) as session:
        owner = emulator.owner_id
        number = (await session.invoices.list(owner, InvoiceQuery(since=ALL)))[0].invoice_number
        for pieces in range(1, 6):
            reached = asyncio.Event()
            seen = 0

            def count(done: int, size: int | None, pieces: int = pieces, reached: asyncio.Event = reached) -> None:  # fmt: skip
                nonlocal seen
                seen += 1
                if seen == pieces:
                    reached.set()

            async with asyncio.TaskGroup() as group:
                call = group.create_task(
                    session.invoices.download_pdf(
                        owner, number, tmp_path / "x.pdf", on_progress=count
                    )
                )
                stop = group.create_task(reached.wait())
                await asyncio.wait({call, stop}, return_when=asyncio.FIRST_COMPLETED)
                call.cancel()
                stop.cancel()
            names = [
                path.name for path in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
            ]
            assert names in ([], ["x.pdf"])
            assert call.cancelled() or call.result() > 100_000
        assert len(await session.invoices.get_pdf(owner, number)) > 100_000
