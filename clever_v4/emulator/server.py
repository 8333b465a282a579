"""
``Emulator``: the emulated API on a free loopback port, for as long as an ``async with`` lasts.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiohttp import web

from clever_v4.emulator.app import create_app
from clever_v4.emulator.state import Addon, Application, Options, State


class Emulator:
    """
    The Clever Cloud API on this machine.

    ```python
    async with Emulator(seed=1) as emulator:
        Session(ApiToken(emulator.token), base_url=emulator.url)
    ```

    Args:
        options: How it runs; by default ``Options(seed=seed)``.
        seed: What everything random is drawn from.
        host: Where to listen; it should stay a loopback address.
        port: Which port; 0 takes a free one.
        demo: Whether the account starts with the demo's applications and add-ons.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        options: Options | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        demo: bool = True,
    ) -> None:
        self.state = State(Options(seed=seed) if options is None else options)
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        if demo:
            add_demo(self.state)

    @property
    def url(self) -> str:
        """
        The base URL, without a slash at its end.
        """
        return f"http://{self._host}:{self._port}"

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
    def owner_id(self) -> str:
        """
        The organisation that owns what is created without another owner.
        """
        return self.state.organisation.id

    @property
    def user_id(self) -> str:
        """
        The user whose credentials these are.
        """
        return self.state.user.id

    @property
    def applications(self) -> list[Application]:
        """
        The applications, in the order of their creation.
        """
        return list(self.state.applications.values())

    @property
    def addons(self) -> list[Addon]:
        """
        The add-ons, in the order of their creation.
        """
        return list(self.state.addons.values())

    async def __aenter__(self) -> Self:
        # Open streams are cut at once when the emulator stops, so that nothing is waited for.
        runner = web.AppRunner(
            create_app(self.state), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        self._runner = runner
        site = web.TCPSite(runner, self._host, self._port)
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
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


def add_demo(state: State) -> None:
    """
    The demo's account: applications of every behaviour, one of the user's own, and add-ons.
    """
    state.add_application("shop-api", history=2000, rate_per_s=5)
    state.add_application("shop-worker", type="python", history=1500, rate_per_s=2)
    state.add_application("shop-frontend", type="static", history=800, rate_per_s=3)
    state.add_application("nightly-report", type="python", behaviour="quiet", history=40)
    state.add_application("never-deployed", behaviour="never_logged")
    state.add_application("ada-blog", type="php", owner_id=state.user.id, history=300, rate_per_s=1)
    state.add_addon("shop-database", history=500, rate_per_s=1)
    state.add_addon("shop-cache", provider_id="redis-addon", behaviour="quiet", history=20)
    state.add_addon("shop-events", provider_id="addon-pulsar", behaviour="never_logged")
