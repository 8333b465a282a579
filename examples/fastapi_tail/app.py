"""
The same as ``examples.live_tail``, with FastAPI.

    uvicorn examples.fastapi_tail.app:app --port 8080
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Query, Request
from fastapi.responses import FileResponse

from clever_v4 import ApiToken, LogHub, Overflow, Session, Severity, Throttle
from clever_v4.emulator import Emulator
from clever_v4.fanout.filters import AllOf
from clever_v4.log_filters import containing, severity_at_least
from clever_v4.relay import Relay
from clever_v4.relay.starlette import RelayResponse

PAGE = Path(__file__).parents[1] / "live_tail" / "page.html"

RING = 4096

relay = Relay()


@asynccontextmanager
async def follow_logs(app: FastAPI) -> AsyncIterator[None]:
    # With an account: Session.from_environment(), and owner and applications from it.
    async with (
        Emulator() as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
        LogHub(session, ring=RING) as hub,
        relay.lifespan(),
    ):
        for application in emulator.applications:
            hub.follow(application.owner_id, application.id, throttle=Throttle.CLI)
        app.state.emulator, app.state.hub = emulator, hub
        yield


app = FastAPI(lifespan=follow_logs)


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE, headers={"Cache-Control": "no-cache"})


@app.get("/applications")
async def applications(request: Request) -> list[dict[str, str]]:
    return [{"id": one.id, "name": one.name} for one in request.app.state.emulator.applications]


@app.get("/events", response_class=RelayResponse)
async def events(
    request: Request,
    application: Annotated[list[str] | None, Query()] = None,
    severity: Severity | None = None,
    text: str = "",
    last_event_id: str = "",
    resume: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> RelayResponse:
    hub: LogHub = request.app.state.hub
    filters = []
    if severity is not None:
        filters.append(severity_at_least(severity))
    if text:
        filters.append(containing(text))
    try:
        subscription = hub.subscribe(
            sources=application,
            where=AllOf(filters) if filters else None,
            overflow=Overflow.DROP_OLDEST,
            start=relay.start(resume, relay.start(last_event_id)),
        )
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    return relay.response(subscription)
