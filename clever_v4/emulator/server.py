"""
``Emulator``: the emulated API on a free loopback port, for as long as an ``async with`` lasts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal, Self

from aiohttp import web

from clever_v4.emulator import logbook
from clever_v4.emulator.app import create_app
from clever_v4.emulator.connections import Connections
from clever_v4.emulator.demo import add_demo
from clever_v4.emulator.errors import ErrorGeneration
from clever_v4.emulator.orchestra import orchestra
from clever_v4.emulator.plans import FaultPlans
from clever_v4.emulator.state import Addon, Application, Behaviour, Options, State


class Emulator:
    """
    The Clever Cloud API on this machine.

    ```python
    async with Emulator(seed=1) as emulator:
        Session(ApiToken(emulator.token), base_url=emulator.url)
    ```

    Args:
        seed: What everything random is drawn from.
        host: Where to listen; it should stay a loopback address.
        port: Which port; 0 takes a free one.
        demo: Whether the account starts with the demo's applications and add-ons.
        heartbeat_s: Seconds between two HEARTBEAT events of a stream.
        error_generation: Which error bodies are answered, ``"2023"`` or ``"2026"``.
        gzip_streams: Compress a stream for a client whose ``Accept-Encoding`` names gzip.
        pulsar_units: Units of the Pulsar storage policies.
        zone_names: Let the dates of some log entries end in ``[UTC]``, which a client should
            read and the official CLI cannot.
        epoch_s: Where history ends and live production begins, in seconds since 1970; by
            default the moment of construction. With it given, all dates are a function of it.
        clock: What tells the time, in seconds since 1970.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        host: str = "127.0.0.1",
        port: int = 0,
        demo: bool = True,
        heartbeat_s: float = 2.0,
        error_generation: ErrorGeneration = "2023",
        gzip_streams: bool = False,
        pulsar_units: Literal["bytes", "megabytes"] = "bytes",
        zone_names: bool = False,
        epoch_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.state = State(
            Options(
                seed=seed,
                heartbeat_s=heartbeat_s,
                error_generation=error_generation,
                gzip_streams=gzip_streams,
                pulsar_units=pulsar_units,
                zone_names=zone_names,
                epoch_s=clock() if epoch_s is None else epoch_s,
                clock=clock,
            )
        )
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

    def add_application(
        self,
        name: str = "application",
        *,
        history: int = 0,
        rate_per_s: float = 0.0,
        behaviour: Behaviour = "normal",
        history_interval_s: float = 0.0,
        services: Sequence[str] = ("bas.service", "bas-deploy.service"),
        long_lines: bool = False,
        owner_id: str | None = None,
    ) -> Application:
        """
        Create an application whose log has so many entries before the epoch and then grows.

        Args:
            name: Its name.
            history: Entries before the epoch; a million costs nothing until it is read.
            rate_per_s: Entries per second after it; 0: only what :meth:`publish` adds.
            behaviour: ``"normal"``, ``"quiet"`` (never ends a bounded stream) or
                ``"never_logged"`` (404).
            history_interval_s: Seconds between two entries of the history; 0: as the rate, or
                10 ms without one.
            services: The systemd units that write. A stream that names no service only gets
                ``bas`` and ``bas-deploy``, as with the real API.
            long_lines: Whether lines of 300,000 bytes occur.
            owner_id: Whose it is; by default the organisation's.
        """
        return self.state.add_application(
            name,
            owner_id=owner_id,
            behaviour=behaviour,
            history=history,
            rate_per_s=rate_per_s,
            history_interval_s=history_interval_s,
            services=services,
            long_lines=long_lines,
        )

    def add_addon(
        self,
        name: str = "add-on",
        *,
        provider_id: str = "postgresql-addon",
        history: int = 0,
        rate_per_s: float = 0.0,
        behaviour: Behaviour = "normal",
        history_interval_s: float = 0.0,
        owner_id: str | None = None,
    ) -> Addon:
        """
        Create an add-on; the arguments are those of :meth:`add_application`.
        """
        return self.state.add_addon(
            name,
            provider_id=provider_id,
            owner_id=owner_id,
            behaviour=behaviour,
            history=history,
            rate_per_s=rate_per_s,
            history_interval_s=history_interval_s,
        )

    def deploy(
        self, application_id: str, *, outcome: str = "SUCCEEDED", not_found_looks: int = 1
    ) -> str:
        """
        Start a deployment, which goes one step further each time that it is looked at.

        Args:
            application_id: What to deploy.
            outcome: The state that it ends in; one that is not final keeps it there.
            not_found_looks: How many looks answer 404 before it is visible, as on the real API.

        Returns:
            The id of the deployment.
        """
        started = orchestra(self.state).deploy(
            self.state.applications[application_id],
            outcome=outcome,
            not_found_looks=not_found_looks,
        )
        return str(started["id"])

    def publish(
        self,
        resource_id: str,
        message: str | None = None,
        *,
        count: int = 1,
        access: bool = False,
        **members: object,
    ) -> list[str]:
        """
        Write entries now, into a log without a rate.

        Args:
            resource_id: An application's id, or an add-on's real id.
            message: The message; ``{n}`` in it becomes the number of the entry, from 0. None:
                a realistic entry.
            count: How many.
            access: Into its access log.
            members: Further members of the entry by their wire names; ``service`` is
                ``"bas.service"`` unless given.

        Returns:
            The ids of the entries.
        """
        log = logbook.log_of(self.state, resource_id, access=access)
        given: dict[str, object] | None = None
        if message is not None:
            given = {"message": message, "service": "bas.service"} | members
        elif members:
            given = {"service": "bas.service"} | members
        return log.publish(now_ms=self.state.now_s() * 1000, count=count, members=given)

    def produced(
        self, resource_id: str, *, access: bool = False, start: int = 0, stop: int | None = None
    ) -> list[dict[str, object]]:
        """
        The entries that exist now, in order, of every service, as a stream carries them.

        Args:
            resource_id: An application's id, or an add-on's real id.
            access: Of its access log.
            start: From which entry on.
            stop: Up to which entry, exclusive; None: all that exist.
        """
        log = logbook.log_of(self.state, resource_id, access=access)
        count = log.count(self.state.now_s() * 1000)
        indices = range(count)[start:stop]
        return [log.entry(index) for index in indices]

    def produced_ids(self, resource_id: str, *, access: bool = False) -> list[str]:
        """
        The ids of the entries that exist now; cheaper than the entries.
        """
        log = logbook.log_of(self.state, resource_id, access=access)
        return [log.id(index) for index in range(log.count(self.state.now_s() * 1000))]

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
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _abort_streams(self, _app: web.Application) -> None:
        self.state.connections.abort_all()
        await self.state.connections.wait_until(active=0)
