"""
What the emulated API knows: its account, what is remembered of it, and the options it runs with.

Everything is a function of the seed: names, ids and contents are the same for the same seed.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Literal, get_args

import attrs

from clever_v4.emulator.auth import Authenticator, Credentials
from clever_v4.emulator.connections import Connections
from clever_v4.emulator.data.deployments import Deployments
from clever_v4.emulator.data.invoices import Invoices
from clever_v4.emulator.data.pulsar import PulsarStore
from clever_v4.emulator.data.resources import Addon, Application, Owner
from clever_v4.emulator.data.settings import Settings, SettingsStore
from clever_v4.emulator.errors import ErrorGeneration, not_found
from clever_v4.emulator.faults.plans import FaultPlans
from clever_v4.emulator.logs.entries import EntryLog
from clever_v4.validators import (
    check_callback,
    check_choice,
    check_flag,
    check_number,
    check_whole_number,
    field,
)

PulsarUnits = Literal["bytes", "megabytes"]
"""Units of the Pulsar storage policies: bytes and minutes, or megabytes and days."""

TOKEN_LIFETIME = timedelta(days=365)
"""For how long the token of the official CLI is good."""


@attrs.frozen(kw_only=True)
class Options:
    """
    How the emulator runs.

    Attributes:
        seed: What everything random is drawn from.
        heartbeat_s: Seconds between two HEARTBEAT events of a stream.
        error_generation: Which generation of error bodies is answered.
        gzip_streams: Compress a stream for a client whose ``Accept-Encoding`` names gzip.
        pulsar_units: Units of the Pulsar storage policies.
        zone_names: Let the dates of some log entries end in ``[UTC]``. The newer interface of
            the official client reads that; the official CLI cannot, so that the real log
            streams seem not to do it.
        forgotten_deployments: How many of each application's oldest deployments only v2 still
            knows.
        epoch_s: The moment (seconds since 1970) where history ends and live production begins.
        clock: What tells the time, in seconds since 1970.
    """

    seed: int = attrs.field(default=1, validator=field(check_whole_number, at_least=None))
    heartbeat_s: float = attrs.field(default=2.0, validator=field(check_number, more_than=0))
    error_generation: ErrorGeneration = attrs.field(
        default="2023", validator=field(check_choice, kind=get_args(ErrorGeneration))
    )
    gzip_streams: bool = attrs.field(default=False, validator=field(check_flag))
    pulsar_units: PulsarUnits = attrs.field(
        default="bytes", validator=field(check_choice, kind=get_args(PulsarUnits))
    )
    zone_names: bool = attrs.field(default=False, validator=field(check_flag))
    forgotten_deployments: int = attrs.field(
        default=0, validator=field(check_whole_number, at_least=0)
    )
    epoch_s: float = attrs.field(
        factory=lambda: float(int(time.time())), validator=field(check_number)
    )
    clock: Callable[[], float] = attrs.field(
        default=time.time, repr=False, validator=field(check_callback)
    )


class State:
    """
    The emulated account.

    A family's ``routes(state)`` reads it, and remembers what is changed in it.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.owners: dict[str, Owner] = {}
        self.applications: dict[str, Application] = {}
        self.addons: dict[str, Addon] = {}
        self.logs: dict[tuple[str, str], EntryLog] = {}
        self.connections: Connections = Connections()
        self.faults: FaultPlans = FaultPlans()
        self.deployments: Deployments = Deployments(self)
        self.invoices: Invoices = Invoices(self)
        self.pulsar: PulsarStore = PulsarStore()
        self.settings: SettingsStore = SettingsStore()
        draw = self.random("credentials")
        self.credentials: Credentials = Credentials(
            token=f"{draw.getrandbits(256):064x}",
            consumer_key=f"{draw.getrandbits(120):030x}",
            consumer_secret=f"{draw.getrandbits(120):030x}",
            oauth_token=f"{draw.getrandbits(128):032x}",
            oauth_secret=f"{draw.getrandbits(128):032x}",
        )
        self.authenticator: Authenticator = Authenticator(self.credentials)
        self._request_ids = self.random("request ids")
        self.user: Owner = self._add_owner("user", "Ada Lovelace", "ada@example.com")
        self.organisation: Owner = self._add_owner("orga", "Analytical Engines", "team@example.com")

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

    def settings_of(self, application: Application) -> Settings:
        """
        What an application is set to.
        """
        return self.settings.of(application.id, self.random("settings", application.id))

    def _add_owner(self, kind: str, name: str, email: str) -> Owner:
        owner = Owner(id=f"{kind}_{self.uuid('owner', kind)}", name=name, email=email)
        self.owners[owner.id] = owner
        return owner
