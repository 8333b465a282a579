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

from clever_v4.emulator.data.resources import Behaviour
from clever_v4.emulator.errors import Problem, bad_request, topic_not_found
from clever_v4.emulator.faults import Gzip, RepeatLast
from clever_v4.emulator.faults.body import instead
from clever_v4.emulator.faults.event_writer import Ended, EventWriter
from clever_v4.emulator.faults.plans import first
from clever_v4.emulator.logs import lookup
from clever_v4.emulator.logs.entries import EntryLog
from clever_v4.emulator.logs.selection import Selection
from clever_v4.emulator.query import Query
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

    Attributes:
        start: Where in the log it begins.
        since_ms: Earliest date, in Unix milliseconds; None: none.
        until_ms: Latest date, in Unix milliseconds; None: none.
        limit: How many entries at most; None: no end.
        elements: Entries per period at most.
        period_s: The period of the throttle, in seconds.
        selection: Which entries.
        ends: Whether the stream ends when ``until`` is passed.
    """

    start: int
    since_ms: int | None
    until_ms: int | None
    limit: int | None
    elements: int
    period_s: float
    selection: Selection
    ends: bool


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
        log = lookup.application_log(state, application)
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
        log = lookup.resource_log(state, addon)
        return await serve(state, request, log, selection, addon.behaviour)

    async def access_logs(request: web.Request) -> web.StreamResponse:
        owner_id, resource_id = request.match_info["owner"], request.match_info["id"]
        query = Query(request)
        query.only(*READING_PARAMETERS)
        selection = Selection(fields=query.texts("field"))
        log, behaviour = lookup.access_log(state, owner_id, resource_id)
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
            await _Sending(state, log, reading, writer).run()
        await writer.finish()
    except Problem as problem:
        connection.status = problem.status
        raise
    finally:
        state.connections.close(connection, now_s=state.now_s())
    return writer.response


class _Sending:
    """
    One stream on its way out: what is due now, and for how long nothing will be.
    """

    def __init__(self, state: State, log: EntryLog, reading: Reading, writer: EventWriter) -> None:
        self._state = state
        self._log = log
        self._reading = reading
        self._writer = writer
        self._now = asyncio.get_running_loop().time
        self._position = reading.start
        self._remaining = reading.limit
        self._heartbeat_at = self._now() + state.options.heartbeat_s
        self._window_ends_at = self._now() + reading.period_s
        self._budget = reading.elements
        """Entries that the throttle still lets through in this period."""

    async def run(self) -> None:
        """
        Write the stream to its end.
        """
        while True:
            now_ms, now = self._state.now_s() * 1000, self._now()
            await self._beat(now)
            end = self._end(now_ms)
            stop = min(end, self._position + min(BATCH, self._allowed()))
            if stop > self._position:
                await self._write_up_to(stop)
                if self._remaining == 0:
                    await self._writer.end("LIMIT_REACHED")
                    return
                # A write that the socket takes at once does not let others run.
                await asyncio.sleep(0)
            elif self._is_over(end, now_ms):
                await self._writer.end("UNTIL_REACHED")
                return
            else:
                await self._log.wait(self._next_at(end, now, now_ms) - now)

    async def _beat(self, now: float) -> None:
        interval_s = self._state.options.heartbeat_s
        if now >= self._heartbeat_at:
            await self._writer.heartbeat()
            self._heartbeat_at = max(self._heartbeat_at + interval_s, now)
        if now >= self._window_ends_at:
            self._window_ends_at = now + self._reading.period_s
            self._budget = self._reading.elements

    def _end(self, now_ms: float) -> int:
        """Before which entry the stream stops for now."""
        end, until_ms = self._log.count(now_ms), self._reading.until_ms
        return end if until_ms is None else min(end, self._log.index_at(until_ms, now_ms=now_ms))

    def _allowed(self) -> int:
        return self._budget if self._remaining is None else min(self._budget, self._remaining)

    async def _write_up_to(self, stop: int) -> None:
        since_ms = self._reading.since_ms
        if since_ms is not None and self._log.date_ms(self._position) < since_ms:
            self._position += 1
            return
        frames = self._log.frames(self._position, stop, self._reading.selection)
        self._position = stop
        await self._writer.entries(frames)
        self._budget -= len(frames)
        if self._remaining is not None:
            self._remaining -= len(frames)

    def _is_over(self, end: int, now_ms: float) -> bool:
        until_ms = self._reading.until_ms
        is_past = until_ms is not None and now_ms >= until_ms
        return is_past and self._position >= end and self._reading.ends

    def _next_at(self, end: int, now: float, now_ms: float) -> float:
        """When something is due that nobody wakes the stream for."""
        due = [self._heartbeat_at]
        if self._position < end:
            due.append(self._window_ends_at)
        else:
            dates_ms = []
            if self._log.rate_per_s:
                dates_ms.append(self._log.date_ms(self._position))
            if self._reading.until_ms is not None and self._reading.ends:
                dates_ms.append(max(self._reading.until_ms, int(now_ms)))
            due += [now + (date_ms - now_ms) / 1000 + 0.001 for date_ms in dates_ms]
        return min(due)


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
