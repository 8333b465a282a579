"""
Arguments of the emulator and its faults that cannot be meant; see ``test_arguments.py``.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from clever_v4.emulator import Application, Emulator, faults
from tests.arguments import (
    ANY,
    CALLBACK,
    COUNT,
    COUNT_OR_ZERO,
    FLAG,
    NUMBER,
    NUMBER_OR_ZERO,
    RATE,
    TEXT,
    TEXT_OR_EMPTY,
    TEXTS,
    TUPLE_OF_TEXTS,
    WHOLE_NUMBER,
    Row,
    Wrong,
    also,
    cases,
    check_refused,
    check_row,
    method,
    one_of,
    optional,
    row,
)


@attrs.frozen(kw_only=True)
class Ground:
    """
    What methods are called on.
    """

    emulator: Emulator
    application: Application


def _of_application(name: str, **wrong: Wrong) -> Row:
    return Row(
        f"Emulator.{name}",
        lambda ground: getattr(ground.emulator, name),
        lambda ground: {
            "application_id" if name == "deploy" else "resource_id": ground.application.id
        },
        wrong,
    )


LOG: dict[str, Wrong] = {
    "name": TEXT,
    "zone": TEXT,
    "history": COUNT_OR_ZERO,
    "rate_per_s": NUMBER_OR_ZERO,
    "behaviour": one_of("Normal"),
    "history_interval_s": NUMBER_OR_ZERO,
    "owner_id": optional(TEXT),
}
SLICE: dict[str, Wrong] = {
    "resource_id": TEXT,
    "access": FLAG,
    "start": WHOLE_NUMBER,
    "stop": optional(WHOLE_NUMBER),
}
RETRY_AFTER = optional(TEXT_OR_EMPTY)
AFTER_ENTRIES: dict[str, Wrong] = {
    "after_entries": COUNT_OR_ZERO,
    "seconds": optional(NUMBER_OR_ZERO),
}

TABLE: list[Row] = [
    row(
        "Emulator",
        Emulator,
        seed=WHOLE_NUMBER,
        host=TEXT,
        port=also(COUNT_OR_ZERO, ValueError=[65_536]),
        demo=FLAG,
        heartbeat_s=RATE,
        error_generation=one_of("2024"),
        gzip_streams=FLAG,
        pulsar_units=one_of("GB"),
        zone_names=FLAG,
        forgotten_deployments=COUNT_OR_ZERO,
        epoch_s=optional(NUMBER),
        clock=CALLBACK,
    ),
    method(
        "Emulator.add_application",
        lambda ground: ground.emulator.add_application,
        **LOG,
        type=TEXT,
        services=TEXTS,
        long_lines=FLAG,
    ),
    method(
        "Emulator.add_addon",
        lambda ground: ground.emulator.add_addon,
        **LOG,
        provider_id=TEXT,
    ),
    _of_application("deploy", application_id=TEXT, outcome=TEXT, not_found_looks=COUNT_OR_ZERO),
    _of_application(
        "publish",
        resource_id=TEXT,
        message=optional(TEXT_OR_EMPTY),
        count=COUNT_OR_ZERO,
        access=FLAG,
        members=ANY,
    ),
    _of_application("produced", **SLICE),
    _of_application("produced_ids", **SLICE),
    _of_application("produced_count", resource_id=TEXT, access=FLAG),
    method(
        "Connections.wait",
        lambda ground: ground.emulator.connections.wait,
        active=optional(COUNT_OR_ZERO),
        opened=optional(COUNT_OR_ZERO),
        timeout_s=NUMBER_OR_ZERO,
    ),
    method(
        "Connections.wait_until",
        lambda ground: ground.emulator.connections.wait_until,
        active=optional(COUNT_OR_ZERO),
        opened=optional(COUNT_OR_ZERO),
    ),
    Row(
        "FaultPlans.push",
        lambda ground: ground.emulator.faults.push,
        lambda _: {},
        {
            "plans": {TypeError: ["cut", 5, None, faults.Gzip, [faults.Gzip(), "cut"]]},
            "application_id": optional(TEXT),
            "path": optional(TEXT),
        },
        positional="plans",
    ),
    method(
        "FaultPlans.random",
        lambda ground: ground.emulator.faults.random,
        {"seed": 1},
        seed=WHOLE_NUMBER,
        stall_s=optional(NUMBER_OR_ZERO),
        unparsable=FLAG,
    ),
    # What goes wrong on a connection
    row("NotFound", faults.NotFound, error=TEXT_OR_EMPTY),
    row("TooManyRequests", faults.TooManyRequests, retry_after=RETRY_AFTER),
    row("EmptyError", faults.EmptyError, status=COUNT_OR_ZERO, retry_after=RETRY_AFTER),
    row("HtmlError", faults.HtmlError, status=COUNT_OR_ZERO, retry_after=RETRY_AFTER),
    row(
        "WrongContentType",
        faults.WrongContentType,
        status=COUNT_OR_ZERO,
        content_type=TEXT_OR_EMPTY,
        body=TEXT_OR_EMPTY,
    ),
    row("Disconnect", faults.Disconnect, reset=FLAG),
    row("SlowAnswer", faults.SlowAnswer, seconds=NUMBER_OR_ZERO),
    row(
        "Cut",
        faults.Cut,
        {"after_entries": 1},
        after_bytes=also(optional(COUNT_OR_ZERO), ValueError=[5]),
        after_entries=optional(COUNT_OR_ZERO),
        inside=optional(one_of("byte")),
        reset=FLAG,
    ),
    row("EndOfFile", faults.EndOfFile, after_entries=COUNT_OR_ZERO),
    row("Stall", faults.Stall, **AFTER_ENTRIES),
    row("HeartbeatsOnly", faults.HeartbeatsOnly, **AFTER_ENTRIES),
    row("Drip", faults.Drip, piece_bytes=COUNT, most_bytes=optional(COUNT_OR_ZERO)),
    row("RepeatLast", faults.RepeatLast, count=COUNT),
    row("RetryFields", faults.RetryFields, milliseconds=COUNT_OR_ZERO, every=COUNT),
    row("HeartbeatIds", faults.HeartbeatIds, id=TEXT_OR_EMPTY, every=COUNT),
    row("Unparsable", faults.Unparsable, every=COUNT, data=TUPLE_OF_TEXTS, replace=FLAG),
    row(
        "UnknownEvents",
        faults.UnknownEvents,
        every=COUNT,
        name=TEXT_OR_EMPTY,
        data=TEXT_OR_EMPTY,
    ),
    row(
        "Framing",
        faults.Framing,
        line_end=one_of("\n\n"),
        byte_order_mark=FLAG,
        comments=FLAG,
        spaces=FLAG,
        multiline=FLAG,
    ),
]


@pytest.fixture
def ground() -> Ground:
    emulator = Emulator(demo=False)
    return Ground(emulator=emulator, application=emulator.add_application())


@pytest.mark.parametrize(("one", "argument", "value", "error"), cases(TABLE))
async def test_what_cannot_be_meant_is_refused(
    ground: Ground, one: Row, argument: str, value: object, error: type[Exception]
) -> None:
    """
    The error is of Python's own kind, names the argument and its value, and changes nothing.
    """
    before = _told(ground.emulator)
    await check_refused(ground, one, argument, value, error)
    assert _told(ground.emulator) == before


def _told(emulator: Emulator) -> list[Any]:
    counts = [emulator.produced_count(one.id) for one in emulator.applications]
    return [emulator.applications, emulator.addons, emulator.faults.pending, counts]


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
def test_a_row_names_every_argument(ground: Ground, one: Row) -> None:
    """
    No argument is left out of a callable's row, so that a new one has its line here.
    """
    check_row(ground, one)


def test_an_owner_that_is_not_there_is_named(ground: Ground) -> None:
    """
    Like an application that is not there, it is a KeyError.
    """
    for add in (ground.emulator.add_application, ground.emulator.add_addon):
        with pytest.raises(KeyError, match="orga_9"):
            add(owner_id="orga_9")
    with pytest.raises(KeyError, match="app_9"):
        ground.emulator.deploy("app_9")
