"""
Arguments that cannot be meant are refused where they are given, by name and with their value.

A table over the callables of fan-out and what stands on it: for each argument what is of the wrong
kind (``TypeError``) and what is out of bounds (``ValueError``). A callable's row names all of its
arguments, those included that take anything; so a new argument is asked about. Add a row, or a
kind (``tests/arguments.py``). Other tables: ``test_arguments_session.py``,
``test_arguments_groups.py`` and ``test_arguments_emulator.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
from aiohttp.test_utils import make_mocked_request

from clever_v4 import (
    AccessLogHub,
    AddonLogHub,
    ApiToken,
    ConsumerGroup,
    Hooks,
    HubCursor,
    LogHub,
    LogSource,
    Pacing,
    Session,
)
from clever_v4.fanout.filters import AllOf, AnyOf, AtMost, Contains, Matches, Not, OneOf
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.subscription import Subscription
from clever_v4.log_filters import (
    SeverityAtLeast,
    containing,
    from_deployment,
    from_instance,
    from_service,
    matching,
    severity_at_least,
)
from clever_v4.relay import Relay, entry_json, notice_json
from clever_v4.telemetry import observe_hub, observe_stream
from tests.arguments import (
    ANY,
    CALLBACK,
    COUNT,
    COUNT_OR_ZERO,
    DURATION,
    DURATION_OR_ZERO,
    FLAG,
    HEADERS,
    KEY,
    MAPPING_OF_TEXTS,
    NEGATIVE,
    NUMBER,
    RATE,
    TEXT,
    Row,
    Wrong,
    accepts,
    also,
    cases,
    check_refused,
    check_row,
    coroutine_function,
    instance,
    method,
    optional,
    row,
    several,
)
from tests.fanout.sources import FedSource

OWNER = "orga_1"
APPLICATION = "app_1"


class Counted:
    def statistics(self) -> None: ...


class Unhashable:
    __hash__ = None  # type: ignore[assignment]  -- that is the point

    def __call__(self, _entry: object) -> bool:
        return True


# --- The callables --------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Ground:
    """
    What methods are called on.
    """

    session: Session
    hub: Hub[str, Any]
    log_hub: LogHub
    subscription: Subscription[str, Any]
    group: ConsumerGroup[str, Any]
    relay: Relay


HUB_OPTIONS: dict[str, Wrong] = {
    "ring": also(COUNT, TypeError=["x"]),
    "ring_bytes": COUNT,
    "max_bytes": COUNT,
    "pacing": instance(100),
    "hooks": instance(accepts),
}

SUBSCRIBE: dict[str, Wrong] = {
    "where": optional(also(CALLBACK, TypeError=[Unhashable()])),
    "overflow": {TypeError: [5, None], ValueError: ["sometimes", ""]},
    "start": instance(None, "now"),
    "name": optional(TEXT),
}


def _log_hub(name: str, hub: type[Any]) -> Row:
    return Row(
        name,
        lambda _: hub,
        lambda ground: {"session": ground.session},
        {**HUB_OPTIONS, "session": instance(None), "options": instance(timedelta(1))},
    )


TABLE: list[Row] = [
    # The hub
    row("Hub", Hub, **HUB_OPTIONS),
    row("Pacing", Pacing, concurrency=COUNT, per_second=RATE, jitter=DURATION_OR_ZERO),
    row("Hooks", Hooks, on_state=CALLBACK, on_gap=CALLBACK, on_notice=CALLBACK),
    row(
        "Merge",
        Merge,
        {"by": accepts},
        by=CALLBACK,
        window=also(DURATION, ValueError=[timedelta(hours=1)]),
        max_entries=COUNT,
    ),
    method(
        "Hub.follow",
        lambda ground: ground.hub.follow,
        {"key": "new", "source": FedSource},
        key=KEY,
        source=instance(None, object()),
        linger=optional(DURATION_OR_ZERO),
        forget=FLAG,
    ),
    method(
        "Hub.connected",
        lambda ground: ground.hub.connected,
        {"key": "a"},
        key=KEY,
        timeout=optional(DURATION),
    ),
    method("Hub.unfollow", lambda ground: ground.hub.unfollow, key=KEY),
    method("Hub.notify", lambda ground: ground.hub.notify, {"detail": 1}, key=KEY, detail=ANY),
    method("Hub.drain", lambda ground: ground.hub.drain, timeout=DURATION_OR_ZERO),
    method(
        "Hub.subscribe",
        lambda ground: ground.hub.subscribe,
        **SUBSCRIBE,
        sources={
            TypeError: ["a", b"a", 5, [["a"]], coroutine_function],
            ValueError: [["a", "not followed"]],
        },
        merge=instance(True, timedelta(1)),
    ),
    method(
        "Subscription.on_overrun",
        lambda ground: ground.subscription.on_overrun,
        callback=CALLBACK,
    ),
    method(
        "Subscription.chunks",
        lambda ground: ground.subscription.chunks,
        size=COUNT,
        wait=DURATION,
    ),
    method(
        "Subscription.source_cursors",
        lambda ground: ground.subscription.source_cursors,
        after={TypeError: ["text", 5], ValueError: [HubCursor("another", 1)]},
        sources={TypeError: ["a", 5, [[]]]},
    ),
    Row(
        "ConsumerGroup",
        lambda _: ConsumerGroup,
        lambda ground: {"subscription": ground.subscription, "key": accepts},
        {
            "subscription": instance(None),
            "key": CALLBACK,
            "buffer": COUNT,
            "on_notice": optional(CALLBACK),
        },
    ),
    method("ConsumerGroup.join", lambda ground: ground.group.join, name=optional(TEXT)),
    row(
        "HubCursor",
        HubCursor,
        {"hub": "a", "through": 1},
        hub=TEXT,
        through=COUNT_OR_ZERO,
        ahead={TypeError: ["text", 5, (1,), ((1, "2"),), ((1, 2, 3),)], ValueError: [((-1, 2),)]},
    ),
    row("HubCursor.parse", HubCursor.parse, text=also(TEXT, ValueError=["nonsense", "a.b"])),
    Row(
        "observe_hub",
        lambda _: observe_hub,
        lambda ground: {"hub": ground.hub},
        {
            "hub": instance(None, object()),
            "attributes": MAPPING_OF_TEXTS,
            "meter": instance(object()),
            "per_source": FLAG,
            "per_subscriber": FLAG,
        },
    ),
    Row(
        "observe_stream",
        lambda _: observe_stream,
        lambda ground: {"stream": ground.session.logs.stream(OWNER, APPLICATION)},
        {
            "stream": also(instance(None), TypeError=[Counted()]),
            "attributes": MAPPING_OF_TEXTS,
            "meter": instance(object()),
        },
    ),
    Row(
        "Relay",
        lambda _: Relay,
        lambda _: {},
        {
            "encode": CALLBACK,
            "encode_notice": CALLBACK,
            "heartbeat": DURATION,
            "retry": DURATION,
        },
    ),
    method(
        "Relay.start",
        lambda ground: ground.relay.start,
        {"headers": None},
        headers={TypeError: [5, b"a.1", [("Last-Event-ID", "a.1")]]},
        otherwise=instance(None),
    ),
    Row(
        "Relay.aiohttp",
        lambda ground: ground.relay.aiohttp,
        lambda ground: {
            "request": make_mocked_request("GET", "/"),
            "subscription": ground.subscription,
        },
        {"request": instance(None), "subscription": instance(None), "headers": HEADERS},
    ),
    Row(
        "Relay.asgi",
        lambda ground: ground.relay.asgi,
        lambda ground: {"subscription": ground.subscription},
        {"subscription": instance(None), "headers": HEADERS},
    ),
    Row(
        "Relay.response",
        lambda ground: ground.relay.response,
        lambda ground: {"subscription": ground.subscription},
        {"subscription": instance(None), "headers": HEADERS},
    ),
    method("Relay.setup", lambda ground: ground.relay.setup, app=instance(None)),
    row("entry_json", entry_json, tagged=instance(None)),
    row("notice_json", notice_json, item=instance(None)),
    # The hubs on log streams
    _log_hub("LogHub", LogHub),
    _log_hub("AddonLogHub", AddonLogHub),
    _log_hub("AccessLogHub", AccessLogHub),
    row(
        "LogSource",
        LogSource,
        {"owner_id": OWNER, "resource_id": APPLICATION},
        owner_id=TEXT,
        resource_id=TEXT,
        query=instance(None, {}),
    ),
    method(
        "LogHub.follow",
        lambda ground: ground.log_hub.follow,
        {"owner_id": OWNER, "resource_id": "app_2"},
        owner_id=also(TEXT, ValueError=[".."]),
        resource_id=also(TEXT, ValueError=[".."]),
        query=instance({}),
        throttle=instance(100),
        linger=optional(DURATION_OR_ZERO),
        forget=FLAG,
        resume_from=instance("1:2:3"),
    ),
    method(
        "LogHub.connected",
        lambda ground: ground.log_hub.connected,
        {"source": LogSource(owner_id=OWNER, resource_id=APPLICATION)},
        source=instance(None),
        timeout=optional(DURATION),
    ),
    method("LogHub.unfollow", lambda ground: ground.log_hub.unfollow, source=instance(None)),
    method("LogHub.drain", lambda ground: ground.log_hub.drain, timeout=DURATION_OR_ZERO),
    method(
        "LogHub.subscribe",
        lambda ground: ground.log_hub.subscribe,
        **SUBSCRIBE,
        sources={
            TypeError: [APPLICATION, b"a", 5, [5], [None], coroutine_function],
            ValueError: [
                ["app_9"],
                [LogSource(owner_id=OWNER, resource_id="app_9")],
                [APPLICATION, "app_9"],
            ],
        },
        ordered={
            TypeError: [0.25, 1, "yes", None],
            ValueError: [timedelta(0), NEGATIVE, timedelta(hours=1)],
        },
    ),
    # Filters
    row("AllOf", AllOf, predicates={TypeError: [5, [5], [accepts, coroutine_function]]}),
    row("AnyOf", AnyOf, predicates={TypeError: [5, [5], [accepts, coroutine_function]]}),
    row("Not", Not, predicate=CALLBACK),
    row(
        "OneOf",
        OneOf,
        {"attribute": "a", "values": ("b",)},
        attribute=also(TEXT, ValueError=["a b"]),
        values={TypeError: ["text", 5, None, [[]]]},
    ),
    row("AtMost", AtMost, {"attribute": "a", "limit": 1}, attribute=TEXT, limit=NUMBER),
    row("Contains", Contains, {"attribute": "a", "text": "b"}, attribute=TEXT, text=TEXT),
    row(
        "Matches",
        Matches,
        {"attribute": "a", "pattern": "b"},
        attribute=TEXT,
        pattern={TypeError: [5, None, b"text"], ValueError: ["("]},
    ),
    row("SeverityAtLeast", SeverityAtLeast, priority=also(COUNT_OR_ZERO, ValueError=[8])),
    row("severity_at_least", severity_at_least, severity=also(TEXT, ValueError=["grave"])),
    row("containing", containing, text=TEXT),
    row("matching", matching, pattern={TypeError: [5, None, b"text"], ValueError: ["("]}),
    several("from_service", from_service, "services", TEXT),
    several("from_deployment", from_deployment, "deployment_ids", TEXT),
    several("from_instance", from_instance, "instance_ids", TEXT),
]


# --- The tests ------------------------------------------------------------------------------


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    session = Session(ApiToken("token"), base_url="http://127.0.0.1:9")
    async with (
        session,
        Hub[str, Any]() as hub,
        LogHub(session) as log_hub,
        hub.subscribe() as subscription,
    ):
        hub.follow("a", FedSource(), linger=timedelta(0))
        # Nobody subscribes, so it is not connected.
        log_hub.follow(OWNER, APPLICATION, linger=timedelta(0))
        yield Ground(
            session=session,
            hub=hub,
            log_hub=log_hub,
            subscription=subscription,
            group=ConsumerGroup(subscription, key=accepts),
            relay=Relay(),
        )


@pytest.mark.parametrize(("one", "argument", "value", "error"), cases(TABLE))
async def test_what_cannot_be_meant_is_refused(
    ground: Ground, one: Row, argument: str, value: object, error: type[Exception]
) -> None:
    """
    The error is of Python's own kind, names the argument and its value, and changes nothing.
    """
    before = (ground.hub.sources, ground.log_hub.sources)
    await check_refused(ground, one, argument, value, error)
    assert (ground.hub.sources, ground.log_hub.sources) == before
    assert ground.hub.is_open
    assert ground.log_hub.is_open


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
async def test_a_row_names_every_argument(ground: Ground, one: Row) -> None:
    """
    No argument is left out of a callable's row, so that a new one has its line here.
    """
    check_row(ground, one)
