"""
Storage policies of Pulsar add-ons in both units, over the emulator and over canned answers.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from clever_v4.api.pulsar import (
    PulsarUnits,
    StoragePolicies,
    StoragePoliciesChange,
    StoragePolicy,
    StoragePolicyChange,
)
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.errors import BadRequestError, NotFoundError, ResponseFormatError
from clever_v4.session import Session
from clever_v4.wire.names import UNSET
from tests.api.canned import Canned

INITIAL = StoragePolicy(size_bytes=5 * 10**9, duration=timedelta(days=7))


class Rig:
    """
    An emulator of one generation of units, a session on it, and the requests that were made.
    """

    def __init__(self, emulator: Emulator, session: Session, made: list[str]) -> None:
        self.emulator = emulator
        self.session = session
        self.made = made
        self.addon_id = emulator.add_addon("events", provider_id="addon-pulsar").real_id

    async def get(self) -> StoragePolicies:
        return await self.session.pulsar.get_storage_policies(self.addon_id)

    async def update(self, *, units: str | None = None, **change: Any) -> StoragePolicies:
        return await self.session.pulsar.update_storage_policies(
            self.addon_id, StoragePoliciesChange(**change), units=units
        )


@pytest_asyncio.fixture(params=["bytes", "megabytes"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    made: list[str] = []
    async with (
        Emulator(demo=False, pulsar_units=request.param) as emulator,
        Session(
            ApiToken(emulator.token),
            base_url=emulator.url,
            on_response=lambda info: made.append(info.method),
        ) as session,
    ):
        yield Rig(emulator, session, made)


async def test_either_unit_is_read_into_one_model(rig: Rig) -> None:
    """
    Bytes and minutes, megabytes and days: the same sizes and durations.
    """
    policies = await rig.get()
    assert policies.retention == INITIAL
    assert policies.offload == StoragePolicy()
    assert policies.offload.is_unlimited
    assert not policies.retention.is_unlimited
    assert policies.units == rig.emulator.state.options.pulsar_units


async def test_a_change_is_written_in_the_servers_unit(rig: Rig) -> None:
    """
    The server is asked once in which unit it speaks, and then written to in that.
    """
    first = await rig.update(
        retention=StoragePolicyChange(size_bytes=2 * 10**9),
        offload=StoragePolicyChange(duration=timedelta(days=1)),
    )
    assert first.retention == StoragePolicy(size_bytes=2 * 10**9, duration=timedelta(days=7))
    assert first.offload == StoragePolicy(duration=timedelta(days=1))
    assert rig.made == ["GET", "PATCH"]
    await rig.update(offload=None)
    assert rig.made == ["GET", "PATCH", "PATCH"]
    kept = await rig.get()
    assert kept.retention == first.retention
    assert kept.offload == StoragePolicy()


async def test_none_takes_a_limit_away_and_unset_leaves_it(rig: Rig) -> None:
    """
    Left out is not null: only the limit that is None goes.
    """
    changed = await rig.update(retention=StoragePolicyChange(size_bytes=None))
    assert changed.retention == StoragePolicy(duration=timedelta(days=7))
    changed = await rig.update(retention=None)
    assert changed.retention == StoragePolicy()


@pytest.mark.parametrize("answer", ["provision", "empty"])
async def test_an_answer_that_is_not_the_policies_is_followed_by_a_get(
    rig: Rig, answer: str
) -> None:
    """
    A 201 of another shape and a 204 without a body: the policies are asked for again.
    """
    rig.emulator.state.pulsar.patch_answer = answer
    changed = await rig.update(offload=StoragePolicyChange(size_bytes=10**9))
    assert changed.offload.size_bytes == 10**9
    assert rig.made == ["GET", "PATCH", "GET"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '"done"'),
        (200, "[]"),
        (200, '{"retentionPolicies": {"durationInDays": 3}}'),
        (201, '{"id": "x", "config": {}, "message": "ok"}'),
        (202, '{"retentionPolicies": "soon", "offloadPolicies": "soon"}'),
        (200, "<html>"),
        (204, ""),
    ],
)
async def test_whatever_else_is_answered_to_a_change_is_followed_by_a_get(
    canned: Canned, canned_session: Session, status: int, body: str
) -> None:
    """
    The change was made, and what it led to is asked for.
    """
    canned.answer(body, status=status)
    canned.answer('{"retentionPolicies": {"durationInDays": 3}, "offloadPolicies": null}')
    change = StoragePoliciesChange(retention=StoragePolicyChange(duration=timedelta(days=3)))
    changed = await canned_session.pulsar.update_storage_policies("p", change, units="megabytes")
    assert changed.retention == StoragePolicy(duration=timedelta(days=3))
    assert [method for method, _, _ in canned.requests] == ["PATCH", "GET"]


@pytest.mark.parametrize("size", [2 * 10**9, 1_500_001])
async def test_a_server_that_went_over_to_the_newer_units_is_asked_again(
    canned: Canned, canned_session: Session, size: int
) -> None:
    """
    What was remembered is no longer true: it refuses megabytes, and takes any number of bytes.
    """
    canned.answer('{"retentionPolicies": {"sizeInMB": 1}, "offloadPolicies": null}')
    await canned_session.pulsar.get_storage_policies("p")
    canned.answers.clear()
    if size % 10**6 == 0:
        canned.answer('{"error": "sizeInMB is not a member"}', status=400)
    now = '{"retentionPolicies": {"sizeInBytes": %d}, "offloadPolicies": null}'
    canned.answer(now % 1)
    canned.answer(now % size)
    change = StoragePoliciesChange(retention=StoragePolicyChange(size_bytes=size))
    changed = await canned_session.pulsar.update_storage_policies("p", change)
    assert changed.retention.size_bytes == size
    assert json.loads(canned.requests[-1][2]) == {"retentionPolicies": {"sizeInBytes": size}}


async def test_a_refusal_in_the_right_units_is_told(
    canned: Canned, canned_session: Session
) -> None:
    """
    A change that the server refuses for another reason is not sent again.
    """
    now = '{"retentionPolicies": {"sizeInBytes": 1}, "offloadPolicies": null}'
    canned.answer(now)
    await canned_session.pulsar.get_storage_policies("p")
    canned.answers.clear()
    canned.answer('{"error": "too small"}', status=400)
    canned.answer(now)
    change = StoragePoliciesChange(retention=StoragePolicyChange(size_bytes=0))
    with pytest.raises(BadRequestError, match="too small"):
        await canned_session.pulsar.update_storage_policies("p", change)
    assert [method for method, _, _ in canned.requests] == ["GET", "PATCH", "GET"]


@pytest_asyncio.fixture
async def old() -> AsyncIterator[Rig]:
    async with (
        Emulator(demo=False, pulsar_units="megabytes") as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
    ):
        yield Rig(emulator, session, [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            StoragePolicyChange(size_bytes=1_500_001),
            "retention.size_bytes must be a multiple of 1,000,000",
        ),
        (
            StoragePolicyChange(duration=timedelta(hours=36)),
            "retention.duration must be whole days",
        ),
    ],
)
async def test_what_the_older_unit_cannot_express_is_refused(
    old: Rig, change: StoragePolicyChange, message: str
) -> None:
    """
    Nothing is rounded: half a day and a fraction of a megabyte are errors, and nothing is sent.
    """
    with pytest.raises(ValueError, match=message):
        await old.update(retention=change)
    assert (await old.get()).retention == INITIAL


async def test_a_fraction_of_a_minute_is_refused(emulator: Emulator, session: Session) -> None:
    """
    The newer unit has its own limit: whole minutes.
    """
    rig = Rig(emulator, session, [])
    with pytest.raises(ValueError, match=r"offload\.duration must be whole minutes"):
        await rig.update(offload=StoragePolicyChange(duration=timedelta(seconds=61)))


async def test_the_caller_may_name_the_unit(old: Rig) -> None:
    """
    Named units are taken as they are, without a question and without a second try.
    """
    with pytest.raises(BadRequestError):
        await old.update(units="bytes", retention=StoragePolicyChange(size_bytes=10**9))
    changed = await old.update(
        units=PulsarUnits.MEGABYTES_AND_DAYS, retention=StoragePolicyChange(size_bytes=10**9)
    )
    assert changed.retention.size_bytes == 10**9
    with pytest.raises(ValueError, match="units must be one of bytes, megabytes, got 'GB'"):
        await old.update(units="GB", retention=None)


async def test_unset_is_not_sent_and_none_is_null(canned: Canned, canned_session: Session) -> None:
    """
    What is on the wire, byte for byte.
    """
    both = '{"retentionPolicies": null, "offloadPolicies": {"sizeInMB": null}}'
    canned.answer(both)
    await canned_session.pulsar.update_storage_policies(
        "pulsar_1",
        StoragePoliciesChange(retention=StoragePolicyChange(size_bytes=None)),
        units="bytes",
    )
    await canned_session.pulsar.update_storage_policies(
        "pulsar_1",
        StoragePoliciesChange(
            retention=None, offload=StoragePolicyChange(duration=timedelta(days=2))
        ),
    )
    methods = [method for method, _, _ in canned.requests]
    bodies = [json.loads(body) for method, _, body in canned.requests if method == "PATCH"]
    assert methods == ["PATCH", "PATCH"]
    assert bodies == [
        {"retentionPolicies": {"sizeInBytes": None}},
        # The first answer told the units.
        {"retentionPolicies": None, "offloadPolicies": {"durationInDays": 2}},
    ]


async def test_a_guess_that_was_wrong_is_sent_again(
    canned: Canned, canned_session: Session
) -> None:
    """
    An answer without any unit leads to the newer one; an answer in the older one corrects it.
    """
    nothing = '{"retentionPolicies": null, "offloadPolicies": null}'
    older = '{"retentionPolicies": {"durationInDays": 7}, "offloadPolicies": null}'
    canned.answer(nothing)
    canned.answer(older)
    canned.answer(older.replace("7", "3"))
    change = StoragePoliciesChange(retention=StoragePolicyChange(duration=timedelta(days=3)))
    policies = await canned_session.pulsar.update_storage_policies("pulsar_1", change)
    assert policies.retention.duration == timedelta(days=3)
    assert [json.loads(body) for _, _, body in canned.requests[1:]] == [
        {"retentionPolicies": {"durationInMinutes": 4320}},
        {"retentionPolicies": {"durationInDays": 3}},
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{}", StoragePolicies()),
        ('{"retentionPolicies": {"sizeInBytes": -1, "durationInMinutes": -1}}', StoragePolicies(units=PulsarUnits.BYTES_AND_MINUTES)),
        (
            '{"offloadPolicies": {"sizeInMB": 1.5, "durationInDays": 0.5}}',
            StoragePolicies(
                offload=StoragePolicy(size_bytes=1_500_000, duration=timedelta(hours=12)),
                units=PulsarUnits.MEGABYTES_AND_DAYS,
            ),
        ),
        (
            '{"retentionPolicies": {"sizeInBytes": 7, "sizeInMB": 0, "new": []}}',
            StoragePolicies(
                retention=StoragePolicy(size_bytes=7), units=PulsarUnits.BYTES_AND_MINUTES
            ),
        ),
    ],
)  # fmt: skip
async def test_what_the_sources_allow_is_read(
    canned: Canned, canned_session: Session, body: str, expected: StoragePolicies
) -> None:
    """
    Absent and negative is without limit; both units at once are the newer one.
    """
    canned.answer(body)
    assert await canned_session.pulsar.get_storage_policies("pulsar_1") == expected


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('{"retentionPolicies": {"sizeInBytes": 1e999999999}}', "$.retentionPolicies.sizeInBytes"),
        ('{"offloadPolicies": {"durationInDays": 1e12}}', "$.offloadPolicies.durationInDays"),
        ('{"offloadPolicies": {"durationInDays": "long"}}', "$.offloadPolicies.durationInDays"),
        ('{"offloadPolicies": 3}', "$.offloadPolicies"),
        ("[]", "$"),
    ],
)
async def test_what_does_not_fit_is_told_by_its_path(
    canned: Canned, canned_session: Session, body: str, path: str
) -> None:
    """
    A number out of all bounds or another type is a `ResponseFormatError`, and quickly.
    """
    canned.answer(body)
    with pytest.raises(ResponseFormatError) as caught:
        await canned_session.pulsar.get_storage_policies("pulsar_1")
    assert caught.value.paths == (path,)


def bad(error: type[Exception], message: str, build: Any) -> Any:
    return pytest.param(error, message, build, id=message)


@pytest.mark.parametrize(
    ("error", "message", "build"),
    [
        bad(
            ValueError,
            "size_bytes must be at least 0, got -1",
            lambda: StoragePolicyChange(size_bytes=-1),
        ),
        bad(ValueError, "got 9223372036854775808", lambda: StoragePolicyChange(size_bytes=2**63)),
        bad(
            TypeError,
            "size_bytes must be a whole number, got True",
            lambda: StoragePolicyChange(size_bytes=True),
        ),
        bad(
            ValueError,
            "duration must not be negative",
            lambda: StoragePolicyChange(duration=timedelta(days=-1)),
        ),
        bad(TypeError, "duration must be a timedelta", lambda: StoragePolicyChange(duration=7)),  # type: ignore[arg-type]  -- the caller's mistake
        bad(ValueError, "there is nothing to change", StoragePoliciesChange),
        bad(
            ValueError,
            "retention must change something, got",
            lambda: StoragePoliciesChange(retention=StoragePolicyChange()),
        ),
        bad(
            TypeError,
            "offload must be a StoragePolicyChange",
            lambda: StoragePoliciesChange(offload=StoragePolicy()),  # type: ignore[arg-type]  -- the caller's mistake
        ),
    ],
)
def test_nonsense_is_refused_at_construction(
    error: type[Exception], message: str, build: Any
) -> None:
    """
    Each mistake is told by the argument's name and value.
    """
    with pytest.raises(error, match=message):
        build()


def test_zero_is_a_limit() -> None:
    """
    Zero bytes and no time at all are limits, not their absence.
    """
    change = StoragePolicyChange(size_bytes=0, duration=timedelta(0))
    assert StoragePoliciesChange(retention=change, offload=UNSET).retention == change


async def test_another_add_on_is_not_found(emulator: Emulator, session: Session) -> None:
    """
    Only a Pulsar add-on has these policies; the id has to be the real one.
    """
    database = emulator.add_addon("db")
    for addon_id in (database.real_id, "pulsar_0"):
        with pytest.raises(NotFoundError):
            await session.pulsar.get_storage_policies(addon_id)
    with pytest.raises(ValueError, match="addon_id"):
        await session.pulsar.get_storage_policies("")
    with pytest.raises(TypeError, match="change must be a StoragePoliciesChange"):
        await session.pulsar.update_storage_policies("pulsar_0", {})  # type: ignore[arg-type]  -- the caller's mistake
