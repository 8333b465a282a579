"""
``Emulator``: the emulated API with an account that demos and tests fill as they like.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from clever_v4.emulator.data.resources import Addon, Application, Behaviour
from clever_v4.emulator.demo import add_demo
from clever_v4.emulator.errors import ErrorGeneration
from clever_v4.emulator.logs import lookup
from clever_v4.emulator.logs.entries import EntryLog
from clever_v4.emulator.server import Server, where_it_runs
from clever_v4.emulator.state import Options, PulsarUnits, State
from clever_v4.validators import (
    check_callback,
    check_flag,
    check_names,
    check_text,
    check_whole_number,
)


class Emulator(Server):
    """
    The Clever Cloud API on this machine.

    ```python
    async with Emulator(seed=1) as emulator:
        Session(ApiToken(emulator.token), base_url=emulator.url)
    ```

    In a program without an event loop, ``with Emulator() as emulator:`` serves it in a thread of
    its own; its methods may be called from any thread.

    Args:
        seed: What everything random is drawn from; 1 unless given.
        host: Where to listen, ``127.0.0.1`` unless given; it should stay a loopback address.
        port: Which port; by default a free one.
        demo: Whether the account starts with the demo's applications and add-ons, as it does by
            default.
        heartbeat_s: Seconds between two HEARTBEAT events of a stream; 2, as the real API's.
        error_generation: Which error bodies are answered: by default ``"2023"``
            (``api_request_id``), or ``"2026"`` (``apiRequestId`` and a typed context).
        gzip_streams: Compress a stream for a client whose ``Accept-Encoding`` names gzip; off by
            default.
        pulsar_units: Units of the Pulsar storage policies: by default ``"bytes"`` (and minutes),
            or ``"megabytes"`` (and days).
        zone_names: Let the dates of some log entries end in ``[UTC]``, which a client should
            read and the official CLI cannot; off by default.
        forgotten_deployments: How many of each application's oldest deployments only v2 still
            knows, as happens with the real API; by default none.
        epoch_s: Where history ends and live production begins, in seconds since 1970; by
            default the moment of construction. With it given, all dates are a function of it.
        clock: What tells the time, in seconds since 1970.

    Raises:
        ValueError: An argument is out of bounds, or another word than those named.
        TypeError: An argument is of another type.
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
        pulsar_units: PulsarUnits = "bytes",
        zone_names: bool = False,
        forgotten_deployments: int = 0,
        epoch_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_text("host", host)
        check_whole_number("port", port, at_least=0, at_most=65535)
        check_flag("demo", demo)
        check_callback("clock", clock)  # asked before the options look at it
        state = State(
            Options(
                seed=seed,
                heartbeat_s=heartbeat_s,
                error_generation=error_generation,
                gzip_streams=gzip_streams,
                pulsar_units=pulsar_units,
                zone_names=zone_names,
                forgotten_deployments=forgotten_deployments,
                epoch_s=clock() if epoch_s is None else epoch_s,
                clock=clock,
            )
        )
        super().__init__(state, host=host, port=port)
        if demo:
            add_demo(self)

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

    @where_it_runs
    def add_application(
        self,
        name: str = "application",
        *,
        zone: str = "par",
        type: str = "node",  # noqa: A002 -- the API's word
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
            zone: Where it runs, by the zone's name; only ``"rbx"`` has private load balancers.
            type: The runtime's name.
            history: Entries before the epoch, by default none; a million costs nothing until it
                is read.
            rate_per_s: Entries per second after it; by default 0: only what :meth:`publish` adds.
            behaviour: ``"normal"``, ``"quiet"`` (a bounded stream goes on with heartbeats for
                ever) or ``"never_logged"`` (404).
            history_interval_s: Seconds between two entries of the history; by default 0: as the
                rate, or 10 ms without one.
            services: The systemd units that write. A stream that names no service only gets
                ``bas`` and ``bas-deploy``, as with the real API.
            long_lines: Whether lines of 300,000 bytes occur; not by default.
            owner_id: Whose it is; by default the organisation's.

        Raises:
            ValueError: An argument is out of bounds, or another word than those named.
            TypeError: An argument is of another type.
            KeyError: There is no such owner.
        """
        state = self.state
        check_names("services", services)
        application = Application(
            id=f"app_{state.uuid('application', len(state.applications))}",
            name=name,
            owner_id=self._owner_id(owner_id),
            zone=zone,
            type=type,
            behaviour=behaviour,
            history=history,
            rate_per_s=rate_per_s,
            history_interval_s=history_interval_s,
            services=tuple(services),
            long_lines=long_lines,
        )
        state.applications[application.id] = application
        return application

    @where_it_runs
    def add_addon(
        self,
        name: str = "add-on",
        *,
        provider_id: str = "postgresql-addon",
        zone: str = "par",
        history: int = 0,
        rate_per_s: float = 0.0,
        behaviour: Behaviour = "normal",
        history_interval_s: float = 0.0,
        owner_id: str | None = None,
    ) -> Addon:
        """
        Create an add-on with its two ids and a log of its own.

        Args:
            name: Its name.
            provider_id: What it is, such as ``"redis-addon"`` or ``"addon-pulsar"``; its real
                id begins with it (``redis_...``, ``pulsar_...``).
            zone: As of an application; so are the others.
            history: Entries before the epoch.
            rate_per_s: Entries per second after it.
            behaviour: How its streams behave.
            history_interval_s: Seconds between two entries of the history.
            owner_id: Whose it is.

        Raises:
            ValueError: An argument is out of bounds, or another word than those named.
            TypeError: An argument is of another type.
            KeyError: There is no such owner.
        """
        state = self.state
        check_text("provider_id", provider_id)
        number = len(state.addons)
        kind = provider_id.removesuffix("-addon").removeprefix("addon-")
        addon = Addon(
            id=f"addon_{state.uuid('addon', number)}",
            real_id=f"{kind}_{state.uuid('real add-on', number)}",
            name=name,
            owner_id=self._owner_id(owner_id),
            zone=zone,
            provider_id=provider_id,
            behaviour=behaviour,
            history=history,
            rate_per_s=rate_per_s,
            history_interval_s=history_interval_s,
        )
        state.addons[addon.id] = addon
        return addon

    @where_it_runs
    def deploy(
        self, application_id: str, *, outcome: str = "SUCCEEDED", not_found_looks: int = 1
    ) -> str:
        """
        Start a deployment, which goes one step further each time that it is looked at.

        Args:
            application_id: What to deploy.
            outcome: The state that it ends in, ``"SUCCEEDED"`` unless given; one that is not
                final keeps it there.
            not_found_looks: How many looks answer 404 before it is visible, as on the real API;
                1 unless given.

        Returns:
            The id of the deployment.

        Raises:
            ValueError: An argument is empty or negative.
            TypeError: An argument is of another type.
            KeyError: There is no such application.
        """
        check_text("application_id", application_id)
        check_text("outcome", outcome)
        check_whole_number("not_found_looks", not_found_looks, at_least=0)
        started = self.state.deployments.deploy(
            self.state.applications[application_id],
            outcome=outcome,
            not_found_looks=not_found_looks,
        )
        return str(started["id"])

    @where_it_runs
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
            count: How many; 1 unless given.
            access: Into its access log; by default into its log.
            members: Further members of the entry by their wire names; ``service`` is
                ``"bas.service"`` unless given.

        Returns:
            The ids of the entries.

        Raises:
            ValueError: The log has a rate, or *count* is negative.
            TypeError: An argument is of another type.
            KeyError: There is no such resource.
        """
        if message is not None:
            check_text("message", message, or_empty=True)
        check_whole_number("count", count, at_least=0)
        log = self._log(resource_id, access=access)
        given: dict[str, object] | None = None
        if message is not None:
            given = {"message": message, "service": "bas.service"} | members
        elif members:
            given = {"service": "bas.service"} | members
        return log.publish(now_ms=self.state.now_s() * 1000, count=count, members=given)

    @where_it_runs
    def produced(
        self, resource_id: str, *, access: bool = False, start: int = 0, stop: int | None = None
    ) -> list[dict[str, object]]:
        """
        The entries that exist now, in order, of every service, as a stream carries them.

        Args:
            resource_id: An application's id, or an add-on's real id.
            access: Of its access log; by default of its log.
            start: From which entry on; 0 is the oldest.
            stop: Up to which entry, exclusive; None: all that exist.
        """
        log = self._log(resource_id, access=access)
        return [log.entry(index) for index in self._indices(log, start, stop)]

    @where_it_runs
    def produced_ids(
        self, resource_id: str, *, access: bool = False, start: int = 0, stop: int | None = None
    ) -> list[str]:
        """
        The ids of the entries that exist now, cheaper than :meth:`produced`.

        Only those from *start* to *stop* are made: who looks again and again asks for what came
        since (``start=len(ids)``), not for all.
        """
        log = self._log(resource_id, access=access)
        return [log.id(index) for index in self._indices(log, start, stop)]

    @where_it_runs
    def produced_count(self, resource_id: str, *, access: bool = False) -> int:
        """
        How many entries exist now; makes none of them.
        """
        return len(self._indices(self._log(resource_id, access=access), 0, None))

    def _log(self, resource_id: str, *, access: bool) -> EntryLog:
        check_text("resource_id", resource_id)
        check_flag("access", access)
        return lookup.log_of(self.state, resource_id, access=access)

    def _indices(self, log: EntryLog, start: int, stop: int | None) -> range:
        check_whole_number("start", start, at_least=None)
        if stop is not None:
            check_whole_number("stop", stop, at_least=None)
        return range(log.count(self.state.now_s() * 1000))[start:stop]

    def _owner_id(self, owner_id: str | None) -> str:
        if owner_id is None:
            return self.owner_id
        check_text("owner_id", owner_id)
        return self.state.owners[owner_id].id
