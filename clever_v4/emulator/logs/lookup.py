"""
The logs of a state's resources, each made when it is first asked for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from clever_v4.emulator.data.resources import Addon, Application, Behaviour
from clever_v4.emulator.logs.access import access_templates
from clever_v4.emulator.logs.entries import EntryLog
from clever_v4.emulator.logs.messages import (
    Template,
    application_templates,
    long_line_template,
    resource_templates,
    rollout_of,
    uuid_of,
)
from clever_v4.emulator.state import State

MANUAL_INTERVAL_MS = 10.0
"""Between two entries of the history of a log without a rate, in milliseconds."""


def application_log(state: State, application: Application) -> EntryLog:
    """
    The log of an application.
    """
    key, zone = application.id, application.zone

    def templates(era: int) -> Sequence[Template]:
        return application_templates(
            state.random("log", key, era),
            application_id=key,
            zone=zone,
            era=era,
            services=application.services,
        )

    long_line = None
    if application.long_lines:
        long_line = long_line_template(key, zone, state.random("long line", key))
    return _log(state, "APPLICATION_LOG", application, key, templates, long_line)


def resource_log(state: State, addon: Addon) -> EntryLog:
    """
    The log of an add-on.
    """
    key = addon.real_id

    def templates(era: int) -> Sequence[Template]:
        draw = state.random("log", key, era)
        return resource_templates(draw, resource_id=key, zone=addon.zone)

    return _log(state, "RESOURCE_LOG", addon, key, templates)


def access_log(state: State, owner_id: str, resource_id: str) -> tuple[EntryLog | None, Behaviour]:
    """
    The access log of an application or of an add-on by its real id; None: there is none.

    By an add-on's other id (``addon_...``) the API streams nothing, silently
    (CleverCloud/clever-tools, issues 1126 and 1127).
    """
    resources: list[tuple[str, Application | Addon]] = [
        *((one.id, one) for one in state.applications.values()),
        *((one.real_id, one) for one in state.addons.values()),
        *((one.id, one) for one in state.addons.values()),
    ]
    for key, resource in resources:
        if key != resource_id or resource.owner_id != owner_id:
            continue
        if key.startswith("addon_"):
            return _empty(), "quiet"
        if resource.behaviour == "never_logged":
            break
        return _log(state, "ACCESS_LOG", resource, key, _access(state, key, resource.zone)), (
            resource.behaviour
        )
    return None, "never_logged"


def log_of(state: State, resource_id: str, *, access: bool = False) -> EntryLog:
    """
    The log of an application by its id or of an add-on by its real id.

    Raises:
        KeyError: There is no such resource.
    """
    addons = {one.real_id: one for one in state.addons.values()}
    resource = state.applications.get(resource_id) or addons[resource_id]
    if access:
        templates = _access(state, resource_id, resource.zone)
        return _log(state, "ACCESS_LOG", resource, resource_id, templates)
    if isinstance(resource, Application):
        return application_log(state, resource)
    return resource_log(state, resource)


def _access(state: State, key: str, zone: str) -> Callable[[int], Sequence[Template]]:
    def templates(era: int) -> Sequence[Template]:
        # The instances that the resource's own log names.
        told = state.random("log", key, era)
        is_application = key in state.applications
        return access_templates(
            state.random("access log", key, era),
            resource_id=key,
            zone=zone,
            instance_ids=rollout_of(told).instance_ids if is_application else (uuid_of(told),),
        )

    return templates


def _log(
    state: State,
    event: str,
    resource: Application | Addon,
    key: str,
    templates: Callable[[int], Sequence[Template]],
    long_line: Template | None = None,
) -> EntryLog:
    log = state.logs.get((event, key))
    if log is None:
        draw: random.Random = state.random("ids", event, key)
        rate = resource.rate_per_s
        interval_ms = resource.history_interval_s * 1000
        if not interval_ms:
            interval_ms = 1000 / rate if rate else MANUAL_INTERVAL_MS
        log = state.logs[event, key] = EntryLog(
            event=event,
            templates=templates,
            ledger=draw.randrange(100_000_000, 900_000_000),
            partition=draw.randrange(3),
            history=resource.history,
            rate_per_s=rate,
            epoch_ms=round(state.options.epoch_s * 1000),
            history_interval_ms=interval_ms,
            long_line=long_line,
            zone_names=state.options.zone_names,
        )
    return log


def _empty() -> EntryLog:
    return EntryLog(
        event="ACCESS_LOG",
        templates=lambda _era: (),
        ledger=0,
        partition=0,
        history=0,
        rate_per_s=0,
        epoch_ms=0,
        history_interval_ms=MANUAL_INTERVAL_MS,
    )
