"""
What the emulated API knows: its account, what is remembered of it, and the options it runs with.

Everything is a function of the seed: names, ids and contents are the same for the same seed.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import attrs
from attrs.validators import ge, gt, in_

from clever_v4.emulator.auth import Authenticator, Credentials
from clever_v4.emulator.connections import Connections
from clever_v4.emulator.entries import EntryLog
from clever_v4.emulator.errors import ErrorGeneration, not_found
from clever_v4.emulator.plans import FaultPlans
from clever_v4.emulator.resources import Addon, Application, Behaviour, Owner

PulsarUnits = Literal["bytes", "megabytes"]
"""Units of the Pulsar storage policies: bytes and minutes, or megabytes and days."""


@attrs.frozen(kw_only=True)
class Options:
    """
    How the emulator runs.
    """

    seed: int = 1
    """What everything random is drawn from."""

    heartbeat_s: float = attrs.field(default=2.0, validator=gt(0))
    """Seconds between two HEARTBEAT events of a stream."""

    error_generation: ErrorGeneration = attrs.field(
        default="2023", validator=in_(get_args(ErrorGeneration))
    )
    """Which generation of error bodies is answered."""

    gzip_streams: bool = False
    """Compress a stream for a client whose ``Accept-Encoding`` names gzip."""

    pulsar_units: PulsarUnits = attrs.field(default="bytes", validator=in_(get_args(PulsarUnits)))
    """Units of the Pulsar storage policies."""

    zone_names: bool = False
    """Let the dates of some log entries end in ``[UTC]``. The newer interface of the official
    client reads that; the official CLI cannot, so that the real log streams seem not to do it."""

    forgotten_deployments: int = attrs.field(default=0, validator=ge(0))
    """How many of each application's oldest deployments only v2 still knows."""

    epoch_s: float = attrs.field(factory=lambda: float(int(time.time())))
    """The moment (seconds since 1970) where history ends and live production begins."""

    clock: Callable[[], float] = attrs.field(default=time.time, repr=False)
    """What tells the time, in seconds since 1970."""


class State:
    """
    The emulated account.

    A family's ``routes(state)`` reads it, and may keep what it needs to remember in
    ``state.memory`` under its own name.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.owners: dict[str, Owner] = {}
        self.applications: dict[str, Application] = {}
        self.addons: dict[str, Addon] = {}
        self.logs: dict[tuple[str, str], EntryLog] = {}
        self.connections = Connections()
        self.faults = FaultPlans()
        self.memory: dict[str, object] = {}
        draw = self.random("credentials")
        self.credentials = Credentials(
            token=f"{draw.getrandbits(256):064x}",
            consumer_key=f"{draw.getrandbits(120):030x}",
            consumer_secret=f"{draw.getrandbits(120):030x}",
            oauth_token=f"{draw.getrandbits(128):032x}",
            oauth_secret=f"{draw.getrandbits(128):032x}",
        )
        self.authenticator = Authenticator(self.credentials)
        self._request_ids = self.random("request ids")
        self.user = self._add_owner("user", "Ada Lovelace", "ada@example.com")
        self.organisation = self._add_owner("orga", "Analytical Engines", "team@example.com")

    def random(self, *names: object) -> random.Random:
        """
        A generator of its own for a purpose: the same names give the same numbers.
        """
        return random.Random(":".join(map(str, (self.options.seed, *names))))

    def uuid(self, *names: object) -> str:
        """
        A UUID (version 4 in form) that belongs to a purpose.
        """
        return str(uuid.UUID(int=self.random("uuid", *names).getrandbits(128), version=4))

    def now_s(self) -> float:
        """
        The emulator's time, in seconds since 1970.
        """
        return self.options.clock()

    def request_id(self) -> str:
        """
        A new ULID for ``Sozu-Id``: 48 bits of time, 80 random bits, in Crockford's base 32.
        """
        number = (int(self.now_s() * 1000) << 80) | self._request_ids.getrandbits(80)
        alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        return "".join(alphabet[number >> shift & 31] for shift in range(125, -1, -5))

    def owner(self, owner_id: str) -> Owner:
        """
        The owner with this id, or 404.
        """
        try:
            return self.owners[owner_id]
        except KeyError:
            raise not_found(f"Organisation {owner_id} not found") from None

    def application(self, owner_id: str, application_id: str) -> Application:
        """
        The owner's application with this id, or 404.
        """
        self.owner(owner_id)
        application = self.applications.get(application_id)
        if application is None or application.owner_id != owner_id:
            raise not_found(f"Application {application_id} not found")
        return application

    def addon(self, owner_id: str, addon_id: str) -> Addon:
        """
        The owner's add-on with this marketplace id (``addon_...``), or 404.
        """
        self.owner(owner_id)
        addon = self.addons.get(addon_id)
        if addon is None or addon.owner_id != owner_id:
            raise not_found(f"Add-on {addon_id} not found")
        return addon

    def addon_by_real_id(self, real_id: str) -> Addon:
        """
        The add-on with this real id, whoever owns it, or 404.
        """
        for addon in self.addons.values():
            if addon.real_id == real_id:
                return addon
        raise not_found(f"Add-on {real_id} not found")

    def add_application(
        self,
        name: str,
        *,
        owner_id: str | None = None,
        zone: str = "par",
        type: str = "node",  # noqa: A002 -- the API's word
        behaviour: Behaviour = "normal",
        history: int = 0,
        rate_per_s: float = 0.0,
        history_interval_s: float = 0.0,
        services: Sequence[str] = ("bas.service", "bas-deploy.service"),
        long_lines: bool = False,
    ) -> Application:
        """
        Create an application; its id depends on the seed and on how many there are.
        """
        _check_log(history, rate_per_s, history_interval_s)
        application = Application(
            id=f"app_{self.uuid('application', len(self.applications))}",
            name=name,
            owner_id=self.organisation.id if owner_id is None else self.owner(owner_id).id,
            zone=zone,
            type=type,
            behaviour=behaviour,
            history=history,
            rate_per_s=rate_per_s,
            history_interval_s=history_interval_s,
            services=tuple(services),
            long_lines=long_lines,
        )
        self.applications[application.id] = application
        return application

    def add_addon(
        self,
        name: str,
        *,
        provider_id: str = "postgresql-addon",
        owner_id: str | None = None,
        zone: str = "par",
        behaviour: Behaviour = "normal",
        history: int = 0,
        rate_per_s: float = 0.0,
        history_interval_s: float = 0.0,
    ) -> Addon:
        """
        Create an add-on; its ids depend on the seed and on how many there are.
        """
        _check_log(history, rate_per_s, history_interval_s)
        number = len(self.addons)
        kind = provider_id.removesuffix("-addon").removeprefix("addon-")
        addon = Addon(
            id=f"addon_{self.uuid('addon', number)}",
            real_id=f"{kind}_{self.uuid('real add-on', number)}",
            name=name,
            owner_id=self.organisation.id if owner_id is None else self.owner(owner_id).id,
            zone=zone,
            provider_id=provider_id,
            behaviour=behaviour,
            history=history,
            rate_per_s=rate_per_s,
            history_interval_s=history_interval_s,
        )
        self.addons[addon.id] = addon
        return addon

    def _add_owner(self, kind: str, name: str, email: str) -> Owner:
        owner = Owner(id=f"{kind}_{self.uuid('owner', kind)}", name=name, email=email)
        self.owners[owner.id] = owner
        return owner


def _check_log(history: int, rate_per_s: float, history_interval_s: float) -> None:
    for name, value in (
        ("history", history),
        ("rate_per_s", rate_per_s),
        ("history_interval_s", history_interval_s),
    ):
        if value < 0:
            raise ValueError(f"{name} must not be negative: {value}")
