"""
Every public callable is in one of the tables of arguments, or stands here with the reason why not.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import clever_v4
from clever_v4 import Session, emulator, log_filters, relay, telemetry
from clever_v4.emulator import faults
from clever_v4.emulator.connections import Connections
from clever_v4.emulator.faults.plans import FaultPlans
from clever_v4.fanout import filters
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.merge import Merge
from tests import (
    test_arguments,
    test_arguments_emulator,
    test_arguments_groups,
    test_arguments_session,
)

TABLED = {
    row.name
    for table in (test_arguments, test_arguments_emulator, test_arguments_groups)
    for row in table.TABLE
} | {row.name for row in test_arguments_session.TABLE}

# Documented, with names for whoever looks. What pytest_plugin gives are fixtures, which pytest
# calls; the options that one of them takes are those of Emulator.
MODULES = (clever_v4, emulator, faults, filters, log_filters, relay, telemetry)

# Reached from those, and documented with them.
CLASSES = (
    *(type(getattr(Session(), name)) for name in ("logs", "deployments", "instances", "invoices")),
    *(type(getattr(Session(), name)) for name in ("load_balancers", "owners", "pulsar", "zones")),
    Connections,
    FaultPlans,
    Hub,
    Merge,
)

VALUES = (
    "AccessLogEntry", "AddonLogEntry", "ClassicLine", "CountableDetail", "CountableLine",
    "Deployment", "DeploymentOrigin", "DeploymentStep", "DeploymentVersion", "FreeCredit",
    "Instance", "InstanceNetwork", "Invoice", "InvoiceAddress", "InvoiceSummary",
    "LoadBalancer", "LoadBalancerDns", "LogEntry", "MessageEvent", "Money", "OwnedAddon",
    "OwnedApplication", "Owner", "StoragePolicies", "StoragePolicy", "Summary", "UnusableLine",
    "UptimeDetail", "UptimeLine", "VendorConsumptionLine", "Zone", "Batch", "Chunk",
    "DrainReport", "FoundCredentials", "Gap", "HubStatistics", "Lag", "Notice", "RawEntry",
    "Reconnection", "Response", "ResponseInfo", "SourceEnded", "SourceFailed", "SourceShare",
    "SourceStatistics", "StreamStatistics", "SubscriberStatistics", "Tagged", "Addon",
    "Application", "Connection",
)  # fmt: skip
"""Given, not taken: what the server says takes what comes, and the rest is made by the library."""

MADE = (
    "EventStream", "LogStream", "Subscription", "Member", "View", "Logs", "Deployments", "Instances", "Invoices",
    "LoadBalancers", "Owners", "Pulsar", "Zones", "Connections", "FaultPlans",
)  # fmt: skip
"""Handed out by a method that is in a table; nobody else calls their constructors."""

PROTOCOLS = ["Auth", "Observed", "ObservedStream"]
"""What a caller may bring; nothing is constructed."""

WITHOUT_ARGUMENTS = ["Gzip", "Predicate", "Unauthorized"]

GIVEN = {*VALUES, *PROTOCOLS}

INSIDE = {
    "ApiToken.authorization": "a session calls it for each attempt",
    "OAuth1.authorization": "a session calls it for each attempt",
    "ConsumerGroup.joined": "its members call it",
    "ConsumerGroup.left": "its members call it",
    "ConsumerGroup.taken": "its members call it",
    "Hub.detached": "its subscriptions call it",
    "Hub.entered": "its subscriptions call it",
    "Hub.finished": "its subscriptions call it",
    "Hub.missed": "its subscriptions call it",
    "Hub.source_cursors": "its subscriptions call it, and check what they were given",
    "HubCursor.for_ring": "a hub calls it with its own ring",
    "LogQuery.fixed": "a stream calls it when it is made",
    "LogQuery.pairs": "a stream calls it for each connection",
    "LogQuery.refuse": "a stream calls it when it is made",
    "LogStream.asend": "has the shape of a generator",
    "LogStream.athrow": "has the shape of a generator",
    "Connections.open": "the emulator's routes call it",
    "Connections.close": "the emulator's routes call it",
    "FaultPlans.take": "the emulator's routes call it",
    "FaultPlans.take_stream": "the emulator's routes call it",
    "Member.fail": "its group calls it",
    "Member.put": "its group calls it",
    "Relay.frames": "its answers call it",
    "Relay.greeting": "its answers call it",
    "Subscription.abort": "its hub calls it",
    "Subscription.attach": "its hub calls it",
    "Subscription.cursor_after": "its chunks and relays call it",
    "Subscription.forget": "its hub calls it",
    "Subscription.wants": "its hub calls it",
}


def _methods(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        is_of_class = isinstance(member, classmethod | staticmethod)
        function = member.__func__ if is_of_class else member
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        if len(inspect.signature(function).parameters) > (not isinstance(member, staticmethod)):
            yield name, function


def _public() -> dict[str, Any]:
    """
    Every public class and function, and every method with arguments.
    """
    found: dict[str, Any] = {}
    for one in [*(_named(module) for module in MODULES), *((cls,) for cls in CLASSES)]:
        for member in one:
            name = member.__name__
            found[name] = member
            if inspect.isclass(member) and not _is_of_a_kind(member) and name not in GIVEN:
                found |= {f"{name}.{called}": function for called, function in _methods(member)}
    return found


def _named(module: ModuleType) -> Iterator[Any]:
    for name in module.__all__:
        member = getattr(module, name)
        if inspect.isclass(member) or inspect.isfunction(member):
            yield member


def _is_of_a_kind(cls: type[Any]) -> bool:
    # The library raises its errors, and Python itself refuses what no enum has.
    return issubclass(cls, Exception | enum.Enum)


PUBLIC = _public()
NOT_TABLED = {*VALUES, *MADE, *PROTOCOLS, *WITHOUT_ARGUMENTS, *INSIDE}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_callable_has_its_row_or_a_reason(name: str) -> None:
    """
    What takes arguments refuses what cannot be meant, and a table shows it.
    """
    member = PUBLIC[name]
    if inspect.isclass(member) and _is_of_a_kind(member):
        assert name not in TABLED | NOT_TABLED
        return
    # A hub of another kind has the same methods.
    names = {one for one, other in PUBLIC.items() if other is member}
    assert names & (TABLED | NOT_TABLED), f"{name}: add a row to a table of arguments"
    assert not (name in TABLED and name in NOT_TABLED)


def test_no_reason_is_left_over() -> None:
    """
    Every name without a row is that of something public.
    """
    assert PUBLIC.keys() >= NOT_TABLED
    assert PUBLIC.keys() >= TABLED


@pytest.mark.parametrize("name", WITHOUT_ARGUMENTS)
def test_what_takes_no_arguments_takes_none(name: str) -> None:
    """
    The list cannot hide what came later.
    """
    assert not inspect.signature(PUBLIC[name]).parameters
