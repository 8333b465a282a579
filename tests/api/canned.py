"""
A server whose answers the test writes itself, for what the emulator would never say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
from aiohttp import web

SOZU_ID = "01HZXCANNEDANSWERS00000000"


@attrs.define
class Canned:
    """
    The answers to come (the last one stays), and the requests that came.
    """

    url: str = ""
    answers: list[web.Response | Callable[[], web.Response]] = attrs.Factory(list)
    requests: list[tuple[str, str, bytes]] = attrs.Factory(list)

    def answer(self, body: bytes | str, *, status: int = 200, times: int = 1) -> None:
        """
        Add an answer of JSON.
        """
        data = body.encode() if isinstance(body, str) else body
        for _ in range(times):
            self.answers.append(
                lambda: web.Response(
                    body=data,
                    status=status,
                    content_type="application/json",
                    headers={"Sozu-Id": SOZU_ID},
                )
            )


@asynccontextmanager
async def canned_server() -> AsyncIterator[Canned]:
    """
    Run the server on a free loopback port.
    """
    canned = Canned()

    async def handle(request: web.Request) -> web.StreamResponse:
        canned.requests.append((request.method, request.path_qs, await request.read()))
        answers = canned.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer() if callable(answer) else answer

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        canned.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield canned
    finally:
        await runner.cleanup()
