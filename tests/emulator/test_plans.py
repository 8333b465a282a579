"""
Which faults meet which connection: in turn, by application or path, or at random.
"""

from __future__ import annotations

from typing import Any

import aiohttp
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
    HtmlError,
    NotFound,
    SlowAnswer,
    TooManyRequests,
    Unauthorized,
    WrongContentType,
)
from clever_v4.emulator.faults.plans import FaultPlans
from tests.emulator.reading import FAST, PAST, Reader
from tests.emulator.wire import exchange


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


@pytest.mark.parametrize("form", ["html", "pdf"])
async def test_faults_meet_downloads(reader: Reader, form: str) -> None:
    """
    A document of an invoice can be cut and dripped as any body can.
    """
    invoices = f"/v4/billing/organisations/{reader.emulator.owner_id}/invoices"
    async with await reader.get(f"{invoices}/unpaid") as response:
        number = (await response.json())[0]["invoice_number"]
    path = f"{invoices}/{number}.{form}"
    reader.emulator.faults.push((), Cut(after_bytes=200), Drip(most_bytes=300), path=path)
    whole = await exchange(reader.emulator, path)
    cut = await exchange(reader.emulator, path)
    dripped = await exchange(reader.emulator, path)
    assert (whole.status, cut.status) == (200, 200)
    assert int(cut.headers["content-length"]) == len(whole.body) > 200
    assert cut.body == whole.body[:200]
    assert dripped.body == whole.body
    assert dripped.headers["content-type"] == whole.headers["content-type"]


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
    with pytest.raises(
        ValueError, match="inside must be None or 'chunk' with after_bytes, got 'line'"
    ):
        Cut(after_bytes=3, inside="line")
    with pytest.raises(ValueError, match="line_end"):
        Framing(line_end="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="each of plans must be a fault, or several, got 'cut'"):
        FaultPlans().push("cut")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="path must not be given with application_id"):
        FaultPlans().push(Gzip(), application_id="a", path="b")
