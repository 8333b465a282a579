"""
``clever login``: the page of the console that it opens in a browser, and what it polls meanwhile.

Both are answered without credentials, which is what they are for; like ``/_emulator/`` they are
refused to web pages of somebody else's. Source: the official CLI (src/commands/login).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import web

from clever_v4.emulator.errors import bad_request, not_found
from clever_v4.emulator.query import Query
from clever_v4.emulator.routes import control
from clever_v4.emulator.state import TOKEN_LIFETIME, State

PAGE, POLLED = "/cli-oauth", "/v2/self/cli_tokens"


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """
    granted: set[str] = set()
    expires = datetime.fromtimestamp(state.options.epoch_s, UTC) + TOKEN_LIFETIME

    async def log_in(request: web.Request) -> web.Response:
        control.check_caller(request)
        granted.add(_cli_token(request))
        text = f"<p>You are logged in as {state.user.name}; this page may be closed.</p>"
        return web.Response(
            text=f"<!doctype html><title>Logged in</title>{text}\n", content_type="text/html"
        )

    async def poll(request: web.Request) -> web.Response:
        control.check_caller(request)
        if _cli_token(request) not in granted:
            raise not_found("Nobody has logged in with this token yet")
        return web.json_response(
            {
                "token": state.credentials.oauth_token,
                "secret": state.credentials.oauth_secret,
                # A text: the official CLI keeps it in its file as it comes, and reads no other.
                "expirationDate": expires.isoformat().replace("+00:00", "Z"),
            }
        )

    return (web.get(PAGE, log_in), web.get(POLLED, poll))


def _cli_token(request: web.Request) -> str:
    token = Query(request).text("cli_token")
    if not token:
        raise bad_request("cli_token", "'cli_token' is missing")
    return token
