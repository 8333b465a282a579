"""
The emulated API as an ``aiohttp.web`` application: its families of routes, and what all of them
share (credentials, ``Sozu-Id``, error bodies).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from email.utils import formatdate
from typing import Protocol

from aiohttp import web

from clever_v4.emulator.errors import Problem, error_response, not_found
from clever_v4.emulator.faults.body import Lost, instead, send_with_faults
from clever_v4.emulator.routes import (
    account,
    control,
    deployments,
    invoices,
    load_balancers,
    login,
    pulsar,
    settings,
    streams,
    v2_instances,
    zones,
)
from clever_v4.emulator.state import State

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Family(Protocol):
    """
    A module that serves one family of the API.
    """

    def routes(self, state: State) -> Iterable[web.RouteDef]:
        """
        The family's routes on a state.
        """
        ...


FAMILIES: tuple[Family, ...] = (
    account,
    control,
    deployments,
    invoices,
    load_balancers,
    login,
    pulsar,
    settings,
    streams,
    v2_instances,
    zones,
)
"""Every family that is served; a new one is one line here."""

PUBLIC_PREFIXES = ("/v4/products/zones", control.PREFIX, login.PAGE, login.POLLED)
"""Paths that are answered without credentials."""

STATE = web.AppKey("state", State)


def create_app(state: State) -> web.Application:
    """
    Build the application that serves a state.
    """
    app = web.Application(middlewares=[_losses, _errors, _credentials, _faults])
    app[STATE] = state
    app.on_response_prepare.append(_add_headers)
    for family in FAMILIES:
        app.add_routes(family.routes(state))
    return app


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    state = request.app[STATE]
    if "Sozu-Id" not in response.headers:
        response.headers["Sozu-Id"] = state.request_id()
    # A client takes the server's time from here; it has to be the time that entries have.
    response.headers["Date"] = formatdate(state.now_s(), usegmt=True)


@web.middleware
async def _losses(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (Lost, ConnectionError):
        # There is nobody left to answer; the web server notices by itself.
        return web.Response(status=499, reason="Client Closed Request")


@web.middleware
async def _faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Faults of requests that are no streams; a stream takes its plan itself, once it is valid.
    """
    if streams.is_stream(request.path):
        return await handler(request)
    plan = request.app[STATE].faults.take(request.path)
    answer = await instead(request, plan) or await handler(request)
    return await send_with_faults(request, answer, plan) if plan else answer


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        answer = problem
    except web.HTTPException as refusal:
        # aiohttp's own 404 and 405 for a path or method that no family serves.
        if refusal.status < 400:
            raise
        answer = not_found("The resource was not found.")
        if refusal.status != 404:
            answer = Problem(refusal.status, "clever.core.bad-request", refusal.reason)
    state = request.app[STATE]
    request_id = state.request_id()
    response = error_response(
        answer,
        path=request.path,
        request_id=request_id,
        generation=state.options.error_generation,
    )
    response.headers["Sozu-Id"] = request_id
    return response


@web.middleware
async def _credentials(request: web.Request, handler: Handler) -> web.StreamResponse:
    state = request.app[STATE]
    if request.path.startswith(control.PREFIX):
        control.check_caller(request)
    is_public = request.path.startswith(PUBLIC_PREFIXES)
    if not is_public or "Authorization" in request.headers:
        state.authenticator.check(request, now_s=state.now_s())
    return await handler(request)
