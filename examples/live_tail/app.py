"""
A web application on a hub: each log is read once, however many browsers look at it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from clever_v4 import ApiToken, LogHub, Overflow, Session, Throttle
from clever_v4.emulator import Emulator
from clever_v4.fanout.filters import AllOf
from clever_v4.log_filters import containing, severity_at_least
from clever_v4.relay import Relay

EMULATOR = web.AppKey("emulator", Emulator)
HUB = web.AppKey("hub", LogHub)
PAGE = Path(__file__).with_name("page.html")
RING = web.AppKey("ring", int)
NO_CACHE = {"Cache-Control": "no-cache"}

relay = Relay()


async def follow_logs(app: web.Application) -> AsyncIterator[None]:
    """
    Follow every application while the server runs.
    """
    # With an account: Session.from_environment(), and owner and applications from it.
    async with (
        Emulator() as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
        LogHub(session, ring=app[RING]) as hub,
    ):
        for application in emulator.applications:
            hub.follow(application.owner_id, application.id, throttle=Throttle.CLI)
        app[EMULATOR], app[HUB] = emulator, hub
        yield


async def page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE, headers=NO_CACHE)


async def applications(request: web.Request) -> web.Response:
    found = request.app[EMULATOR].applications
    return web.json_response([{"id": one.id, "name": one.name} for one in found])


async def events(request: web.Request) -> web.StreamResponse:
    query = request.query
    filters = []
    try:
        if "severity" in query:
            filters.append(severity_at_least(query["severity"]))
        if "text" in query:
            filters.append(containing(query["text"]))
        subscription = request.app[HUB].subscribe(
            sources=query.getall("application", None),
            # Browsers with equal filters share their evaluation, and the bytes that are sent.
            where=AllOf(filters) if filters else None,
            overflow=Overflow.DROP_OLDEST,
            # The header is the browser's own, after a lost connection; the parameter is the
            # page's, after a pause.
            start=relay.start(request.headers, relay.start(query.get("last_event_id"))),
        )
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    return await relay.aiohttp(request, subscription)


def create_app(*, ring: int = 4096) -> web.Application:
    """
    Make the application; *ring* is how many entries of each log a paused page can catch up with.
    """
    app = web.Application()
    app[RING] = ring
    app.cleanup_ctx.append(follow_logs)
    relay.setup(app)
    app.add_routes(
        [
            web.get("/", page),
            web.get("/applications", applications),
            web.get("/events", events),
        ]
    )
    return app
