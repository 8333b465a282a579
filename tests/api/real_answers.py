"""
One answer of every kind that the library reads, as the emulator gives it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import attrs

from clever_v4.api.deployments import Deployment
from clever_v4.api.instances import Instance
from clever_v4.api.invoices import ALL, Invoice, InvoiceSummary
from clever_v4.api.load_balancers import LoadBalancer, LoadBalancerKind
from clever_v4.api.logs import AccessLogEntry, AddonLogEntry, LogEntry, LogQuery
from clever_v4.api.owners import Summary
from clever_v4.api.owners.models import SummaryOnTheWire, summary_from
from clever_v4.api.pulsar import StoragePolicies
from clever_v4.api.pulsar.units import policies_from
from clever_v4.api.zones import Zone
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.session import Session
from clever_v4.transport.resources import read_one
from clever_v4.transport.responses import Response
from clever_v4.wire.converter import converter

Path = tuple[str | int, ...]

REQUEST_ID: Final = "S"


@attrs.frozen
class Kind:
    """
    An answer: what it is read as, and the members that it cannot do without.
    """

    type_: Any
    required: frozenset[str] = frozenset()
    is_single: bool = False
    """Read by `read_one`, which also takes an array of one."""

    @property
    def is_entry(self) -> bool:
        """Whether it comes in a stream, without a Sozu-Id of its own."""
        return self.type_ in (LogEntry, AddonLogEntry, AccessLogEntry)

    def read(self, body: bytes) -> object:
        """Take a body to a model as the library does."""
        response = Response(status=200, headers={}, body=body, request_id=REQUEST_ID)
        if self.type_ is StoragePolicies:
            return policies_from(response)
        if self.type_ is Summary:
            return summary_from(response.json(SummaryOnTheWire))
        if self.is_single:
            return read_one(self.type_, response)
        if self.is_entry:
            return converter.get_loads_hook(self.type_)(body)
        return response.json(self.type_)

    def read_leniently(self, body: bytes) -> object:
        """Take a body to a model by way of cattrs alone."""
        return converter.loads_leniently(body, self.type_)

    def needs(self, path: Path) -> bool:
        """Whether nothing fits without a member."""
        names = [part for part in path if isinstance(part, str)]
        return ".".join(names) in self.required or (
            names[-1:] in (["amount"], ["currency"]) and len(names) > 1
        )


INVOICE: Final = frozenset(
    {
        "invoice_number",
        "status",
        "emission_date",
        "currency",
        "total_tax_excluded",
        "total_tax",
    }
)
DEPLOYMENT: Final = frozenset({"id", "state", "steps.state"})
OWNER: Final = ("id", "applications.id", "addons.id")
KINDS: Final = {
    "invoices": Kind(list[InvoiceSummary], INVOICE),
    "invoice": Kind(Invoice, INVOICE, is_single=True),
    "invoice in an array": Kind(Invoice, INVOICE, is_single=True),
    "deployments": Kind(list[Deployment], DEPLOYMENT),
    "deployment": Kind(Deployment, DEPLOYMENT, is_single=True),
    "deployment in an array": Kind(Deployment, DEPLOYMENT, is_single=True),
    "instances": Kind(list[Instance], frozenset({"id", "state"})),
    "instance in an array": Kind(Instance, frozenset({"id", "state"}), is_single=True),
    "load balancers": Kind(list[LoadBalancer], frozenset({"id"})),
    "zones": Kind(list[Zone], frozenset({"name"})),
    "zone": Kind(Zone, frozenset({"name"}), is_single=True),
    "policies": Kind(StoragePolicies),
    "older policies": Kind(StoragePolicies),
    "summary": Kind(
        Summary,
        frozenset({"user", *(f"{owner}.{name}" for owner in ("user", "organisations") for name in OWNER)}),
    ),
    "log entry": Kind(LogEntry),
    "add-on log entry": Kind(AddonLogEntry),
    "access log entry": Kind(AccessLogEntry),
}  # fmt: skip
JSON_KINDS: Final = {name: kind for name, kind in KINDS.items() if kind.type_ not in (StoragePolicies, Summary)}  # fmt: skip
"""Those whose model is on the wire as it is in Python."""


async def ask_for_all() -> dict[str, Any]:
    """
    Ask an emulator for one answer of each kind.
    """
    async with (
        Emulator(pulsar_units="megabytes") as older,
        Emulator() as emulator,
        Session(ApiToken(older.token), base_url=older.url) as older_session,
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
    ):
        owner, app = emulator.owner_id, emulator.applications[0].id

        async def ask(path: str, query: dict[str, Any] | None = None, on: Session = session) -> Any:
            answer = await on.request("GET", path, query=query or {})
            return _short(json.loads(answer.body))

        async def policies(of: Emulator, on: Session) -> Any:
            addon = next(one for one in of.addons if one.provider_id == "addon-pulsar")
            base = "/v4/addon-providers/addon-pulsar/addons"
            return await ask(f"{base}/{addon.real_id}/storage-policies", on=on)

        billing = f"/v4/billing/organisations/{owner}/invoices"
        orchestration = f"/v4/orchestration/organisations/{owner}/applications/{app}"
        balancers = f"/v4/load-balancers/organisations/{owner}/applications/{app}/load-balancers"
        invoices = await ask(billing, {"since": ALL, "limit": 8})
        deployments = await ask(f"{orchestration}/deployments")
        instances = await ask(f"{orchestration}/instances")
        zones = await ask("/v4/products/zones")
        one_invoice = await ask(f"{billing}/{invoices[1]['invoice_number']}")
        entries = {}
        past = LogQuery(since=timedelta(hours=1), limit=40)
        addon = emulator.addons[0].real_id
        for name, stream in (
            ("log entry", session.logs.stream(owner, app, past)),
            ("add-on log entry", session.logs.addon_stream(owner, addon, past)),
            ("access log entry", session.logs.access_stream(owner, app, past)),
        ):
            seen = [json.loads(event.data) async for event in stream.events()]
            entries[name] = max(seen, key=lambda entry: len(str(entry)))
        return entries | {
            "invoices": invoices,
            "invoice": one_invoice,
            "invoice in an array": [one_invoice],
            "deployments": deployments,
            "deployment": await ask(f"{orchestration}/deployments/{deployments[0]['id']}"),
            "deployment in an array": deployments[1:2],
            "instances": instances,
            "instance in an array": instances[:1],
            "load balancers": await ask(f"{balancers}/{LoadBalancerKind.DEFAULT}"),
            "zones": zones,
            "zone": await ask(f"/v4/products/zones/{zones[0]['name']}"),
            "policies": await policies(emulator, session),
            "older policies": await policies(older, older_session),
            "summary": await ask("/v2/summary"),
        }


def _short(value: Any) -> Any:
    """
    Keep two members of each list: more of the same only takes time.
    """
    if isinstance(value, dict):
        return {name: _short(member) for name, member in value.items()}
    return [_short(member) for member in value[:2]] if isinstance(value, list) else value


def places(value: Any, path: Path = ()) -> Iterable[Path]:
    """
    Every place in a value that can be dropped or replaced.
    """
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        yield (*path, name)
        if isinstance(member, dict | list):
            yield from places(member, (*path, name))


def parent_of(value: Any, path: Path) -> Any:
    """
    What holds a place.
    """
    for part in path[:-1]:
        value = value[part]
    return value


def as_text(path: Path) -> str:
    """
    Write a place as an error does.
    """
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
