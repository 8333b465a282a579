"""
``Server``: a state on a loopback port, for as long as an ``async with`` or a ``with`` lasts.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from aiohttp import web

from clever_v4.emulator.app import create_app
from clever_v4.emulator.connections import Connections
from clever_v4.emulator.faults.plans import FaultPlans
from clever_v4.emulator.state import State
from clever_v4.emulator.threads import LoopThread

F = TypeVar("F", bound=Callable[..., Any])


class Server:
    """
    Serves a state, and says what a client needs to know: where, and with which credentials.

    ``async with`` serves it on the event loop that runs; ``with`` in a thread of its own, so
    that synchronous clients and tests can use it. It can be stopped and started again: the port
    and the state stay.

    Args:
        state: What is served.
        host: Where to listen.
        port: Which port; 0 takes a free one.
    """

    def __init__(self, state: State, *, host: str, port: int) -> None:
        self.state = state
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._thread: LoopThread | None = None

    @property
    def url(self) -> str:
        """
        The base URL, without a slash at its end.

        Raises:
            RuntimeError: It was not started, so that its free port is not known.
        """
        if not self._port:
            raise RuntimeError("the emulator has no port yet: start it with 'async with'")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def token(self) -> str:
        """
        An API token (Bearer) that is accepted.
        """
        return self.state.credentials.token

    @property
    def consumer_key(self) -> str:
        """
        The OAuth consumer's key.
        """
        return self.state.credentials.consumer_key

    @property
    def consumer_secret(self) -> str:
        """
        The OAuth consumer's secret.
        """
        return self.state.credentials.consumer_secret

    @property
    def oauth_token(self) -> str:
        """
        The user's OAuth token.
        """
        return self.state.credentials.oauth_token

    @property
    def oauth_secret(self) -> str:
        """
        The secret of the user's OAuth token.
        """
        return self.state.credentials.oauth_secret

    @property
    def connections(self) -> Connections:
        """
        Every stream since the start, and how many are open.
        """
        return self.state.connections

    @property
    def faults(self) -> FaultPlans:
        """
        What goes wrong on the connections to come.
        """
        return self.state.faults

    async def __aenter__(self) -> Self:
        # Open streams are cut at once when the emulator stops, so that nothing is waited for.
        app = create_app(self.state)
        app.on_shutdown.append(self._abort_streams)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        self._runner = runner
        # Thousands of streams may be opened in one instant.
        site = web.TCPSite(runner, self._host, self._port, backlog=4096)
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._port = runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def is_open(self) -> bool:
        """
        Whether it answers.
        """
        return self._runner is not None

    async def aclose(self) -> None:
        """
        Stop; what is open is cut at once. Idempotent; after ``with``, leaving that is what stops it.
        """
        runner, self._runner = self._runner, None
        if runner is not None:
            # Before anything waits, or thousands of streams would write once more first.
            self.state.connections.abort_all()
            await runner.cleanup()

    def __enter__(self) -> Self:
        thread = LoopThread("clever_v4 emulator")
        try:
            thread.run(self.__aenter__())
        except BaseException:
            thread.stop()
            raise
        self._thread = thread
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            try:
                thread.run(self._stop_after_all())
            finally:
                thread.stop()

    async def _stop_after_all(self) -> None:
        """
        Stop when every connection that clients in other threads have made has begun.

        asyncio leaves one open that it accepts in the moment in which the server stops; they
        begin in their order, and this one is the last.
        """
        self.state.connections.abort_all()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            await reader.read()
        finally:
            writer.close()
        await self.aclose()

    async def _abort_streams(self, _app: web.Application) -> None:
        self.state.connections.abort_all()
        await self.state.connections.wait_until(active=0)


def where_it_runs(method: F) -> F:
    """
    Let a method of a `Server` run in the thread that serves its state, whoever calls it.
    """

    @functools.wraps(method)
    def called(server: Server, *args: Any, **kwargs: Any) -> Any:
        thread = server._thread  # noqa: SLF001 -- a method of its own
        call = functools.partial(method, server, *args, **kwargs)
        return call() if thread is None else thread.call(call)

    return cast("F", called)
