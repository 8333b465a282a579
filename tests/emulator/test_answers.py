"""
What every answer of the emulator has: its bytes, its error body, its Sozu-Id.
"""

from __future__ import annotations

import json
from typing import Literal

import pytest

from clever_v4.emulator import Application, Emulator
from clever_v4.emulator.faults import (
    EmptyError,
    HtmlError,
    WrongContentType,
)
from tests.emulator.wire import WHOLE, exchange, logs

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
