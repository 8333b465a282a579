"""
The log streams: application logs, add-on logs, access logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterable

import attrs
from aiohttp import web

from clever_v4.emulator import logbook
from clever_v4.emulator.body import instead
from clever_v4.emulator.entries import EntryLog
from clever_v4.emulator.errors import Problem, bad_request, topic_not_found
from clever_v4.emulator.faults import Gzip, RepeatLast
from clever_v4.emulator.plans import first
from clever_v4.emulator.query import Query
from clever_v4.emulator.resources import Behaviour
from clever_v4.emulator.selection import Selection
from clever_v4.emulator.sse import Ended, EventWriter
from clever_v4.emulator.state import State

DEFAULT_SERVICES = ("bas", "bas-deploy")
"""Units whose entries come when no ``service`` is asked for."""

DEFAULT_ELEMENTS, DEFAULT_PERIOD_MS = 100, 300
"""The throttle when none is asked for."""

READING_PARAMETERS = (
    "since", "until", "limit", "field", "throttleElements", "throttlePerInMilliseconds"
)  # fmt: skip
"""What every log stream may be asked; access logs may be asked nothing else."""

CHOOSING_PARAMETERS = ("deploymentId", "instanceId", "filter")
"""What choose among the entries of applications and of add-ons; the official client sends all of
them for both."""

BATCH = 512
"""Entries that are looked at in one go, before others get their turn."""


@attrs.frozen(kw_only=True)
class Reading:
    """
    What one connection reads: from where, what of it, up to where and how fast.
    """

    start: int
    since_ms: int | None
    until_ms: int | None
    limit: int | None
    elements: int
    period_s: float
    selection: Selection
    ends: bool
    """Whether the stream ends when ``until`` is passed."""


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """

    async def application_logs(request: web.Request) -> web.StreamResponse:
        owner_id, application_id = request.match_info["owner"], request.match_info["id"]
        query = Query(request)
        query.only(*READING_PARAMETERS, *CHOOSING_PARAMETERS, "service")
        selection = Selection(
            services=_services(query.texts("service")),
            deployment_id=query.text("deploymentId"),
            instance_ids=frozenset(query.texts("instanceId")),
            filter=query.text("filter") or None,
            fields=query.texts("field"),
        )
        application = state.applications.get(application_id)
        if application is None or application.owner_id != owner_id:
            raise topic_not_found(owner_id, application_id)
        if application.behaviour == "never_logged":
            raise topic_not_found(owner_id, application_id)
        log = logbook.application_log(state, application)
        return await serve(state, request, log, selection, application.behaviour)

    async def resource_logs(request: web.Request) -> web.StreamResponse:
        owner_id, real_id = request.match_info["owner"], request.match_info["id"]
        query = Query(request)
        query.only(*READING_PARAMETERS, *CHOOSING_PARAMETERS)
        selection = Selection(
            deployment_id=query.text("deploymentId"),
            instance_ids=frozenset(query.texts("instanceId")),
            filter=query.text("filter") or None,
            fields=query.texts("field"),
        )
        for addon in state.addons.values():
            if addon.real_id == real_id and addon.owner_id == owner_id:
                break
        else:
            raise topic_not_found(owner_id, real_id)
        if addon.behaviour == "never_logged":
            raise topic_not_found(owner_id, real_id)
        log = logbook.resource_log(state, addon)
        return await serve(state, request, log, selection, addon.behaviour)

    async def access_logs(request: web.Request) -> web.StreamResponse:
        owner_id, resource_id = request.match_info["owner"], request.match_info["id"]
        query = Query(request)
        query.only(*READING_PARAMETERS)
        selection = Selection(fields=query.texts("field"))
        log, behaviour = logbook.access_log(state, owner_id, resource_id)
        if log is None:
            raise topic_not_found(owner_id, resource_id, topic="accesslogs")
        return await serve(state, request, log, selection, behaviour)

    paths = {
        "/v4/logs/organisations/{owner}/applications/{id}/logs": application_logs,
        "/v4/logs/organisations/{owner}/resources/{id}/logs": resource_logs,
        "/v4/accesslogs/organisations/{owner}/applications/{id}/accesslogs": access_logs,
        # The server's OpenAPI also lists this path; no official client uses it.
        "/v4/logs/organisations/{owner}/applications/{id}/accesslogs": access_logs,
    }
    # Without HEAD, which would be answered by a stream without an end.
    return [web.get(path, handler, allow_head=False) for path, handler in paths.items()]


def is_stream(path: str) -> bool:
    """
    Whether a path is one of this family's.
    """
    return path.startswith(("/v4/logs/", "/v4/accesslogs/"))


async def serve(
    state: State, request: web.Request, log: EntryLog, selection: Selection, behaviour: Behaviour
) -> web.StreamResponse:
    """
    Answer one connection with the stream of a log.

    Raises:
        Problem: A query parameter or the ``Last-Event-ID`` is malformed, or the plan says so.
        Lost: The plan has cut the connection.
    """
    reading = _reading(state, request, log, selection, behaviour)
    plan = state.faults.take_stream(request.path, request.match_info["id"])
    connection = state.connections.open(request, event=log.event, plan=plan, now_s=state.now_s())
    try:
        answer = await instead(request, plan)
        if answer is not None:
            connection.status = answer.status
            return answer
        repeat = first(plan, RepeatLast)
        if repeat is not None and connection.last_event_id:
            reading = attrs.evolve(reading, start=max(reading.start - repeat.count, 0))
        if _wants_gzip(state, request) and first(plan, Gzip) is None:
            plan = (*plan, Gzip())
        writer = EventWriter(request, connection, plan, heartbeat_s=state.options.heartbeat_s)
        connection.status = 200
        with contextlib.suppress(Ended):
            await writer.prepare()
            await _write(state, log, reading, writer)
        await writer.finish()
    except Problem as problem:
        connection.status = problem.status
        raise
    finally:
        state.connections.close(connection, now_s=state.now_s())
    return writer.response


async def _write(state: State, log: EntryLog, reading: Reading, writer: EventWriter) -> None:
    loop = asyncio.get_running_loop()
    position, remaining = reading.start, reading.limit
    heartbeat_at = loop.time() + state.options.heartbeat_s
    window_ends_at, budget = loop.time() + reading.period_s, reading.elements
    while True:
        now_ms, now = state.now_s() * 1000, loop.time()
        if now >= heartbeat_at:
            await writer.heartbeat()
            heartbeat_at = max(heartbeat_at + state.options.heartbeat_s, now)
        if now >= window_ends_at:
            window_ends_at, budget = now + reading.period_s, reading.elements
        end = log.count(now_ms)
        if reading.until_ms is not None:
            end = min(end, log.index_at(reading.until_ms, now_ms=now_ms))
        allowed = budget if remaining is None else min(budget, remaining)
        stop = min(end, position + min(BATCH, allowed))
        if stop > position:
            if reading.since_ms is not None and log.date_ms(position) < reading.since_ms:
                position += 1
                continue
            frames = log.frames(position, stop, reading.selection)
            position = stop
            await writer.entries(frames)
            budget -= len(frames)
            if remaining is not None:
                remaining -= len(frames)
                if not remaining:
                    await writer.end("LIMIT_REACHED")
                    return
            # A write that the socket takes at once does not let others run.
            await asyncio.sleep(0)
            continue
        until_ms = reading.until_ms
        if until_ms is not None and now_ms >= until_ms and position >= end and reading.ends:
            await writer.end("UNTIL_REACHED")
            return
        wake_at = heartbeat_at
        if position < end:
            wake_at = min(wake_at, window_ends_at)
        else:
            if log.rate_per_s:
                wake_at = min(wake_at, now + (log.date_ms(position) - now_ms) / 1000 + 0.001)
            if until_ms is not None and reading.ends:
                wake_at = min(wake_at, now + max(until_ms - now_ms, 0) / 1000 + 0.001)
        await log.wait(wake_at - now)


def _reading(
    state: State, request: web.Request, log: EntryLog, selection: Selection, behaviour: Behaviour
) -> Reading:
    query = Query(request)
    now_ms = state.now_s() * 1000
    since_ms, until_ms = query.moment_ms("since"), query.moment_ms("until")
    start = log.count(now_ms) if since_ms is None else log.index_at(since_ms, now_ms=now_ms)
    last_event_id = request.headers.get("Last-Event-ID", "")
    if last_event_id:
        try:
            after = log.index_after(last_event_id)
        except ValueError:
            raise bad_request(
                "Last-Event-ID", f"'{last_event_id}' is not a valid message id"
            ) from None
        # What is beyond the end is waited for at the end, as a reader of a topic would.
        after = min(after, log.count(now_ms))
        start = after if since_ms is None else max(after, start)
    elements = query.integer("throttleElements", minimum=1, bits=32)
    period_ms = query.integer("throttlePerInMilliseconds", minimum=1)
    return Reading(
        start=start,
        since_ms=since_ms,
        until_ms=until_ms,
        limit=query.integer("limit", minimum=1),
        elements=DEFAULT_ELEMENTS if elements is None else elements,
        period_s=(DEFAULT_PERIOD_MS if period_ms is None else period_ms) / 1000,
        selection=selection,
        ends=behaviour != "quiet",
    )


def _services(asked: tuple[str, ...]) -> frozenset[str] | None:
    services = asked or DEFAULT_SERVICES
    if "all" in services:
        return None
    return frozenset(f"{name.removesuffix('.service')}.service" for name in services)


def _wants_gzip(state: State, request: web.Request) -> bool:
    accepted = re.split(r"\s*,\s*", request.headers.get("Accept-Encoding", ""))
    return state.options.gzip_streams and any(
        re.fullmatch(r"gzip(;q=(?!0(\.0+)?$).*)?", coding) for coding in accepted
    )
