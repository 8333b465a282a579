"""
Our models in the shapes that the official client gives to the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from clever_v4 import InvoiceSummary, LoadBalancer, Zone

from .content import content, of_models

RENAMED = {
    # Where the official client's name is not the wire's in camel case.
    "address_id": "id",
    "country_alpha2": "country",
    "app_id": "applicationId",
    "zone_id": "zone",
    "runtime_policy_id": "policyId",
    "consumption_begin_date": "consumptionStartDate",
    "consumption_start": "consumptionStartDate",
    "consumption_end": "consumptionEndDate",
    "start_date": "consumptionStartDate",
    "end_date": "consumptionEndDate",
}


def renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """
    The same members under other names.
    """
    return {names.get(name, name): one for name, one in value.items()}


def without(values: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """
    Entries without the members that the official client drops.
    """
    return [{name: one for name, one in value.items() if name not in names} for value in values]


def by_number(invoices: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    Sorted by number: several invoices may be of the same day.
    """
    return sorted(invoices, key=lambda one: str(one["invoiceNumber"]))


def by_id(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    Sorted by id: the official client has an order of its own.
    """
    return sorted(values, key=lambda one: str(one["id"]))


def summary(invoice: InvoiceSummary) -> dict[str, Any]:
    """
    Our summary as the official client has it: without owner and type, money with its wire names.
    """
    wire = {
        name: one for name, one in of_models(invoice).items() if name not in {"owner_id", "type"}
    }
    money = {name: wire.pop(name) for name in ("total_tax_excluded", "total_tax")}
    named: dict[str, Any] = camel(wire)
    return named | {camel_name(name): one for name, one in money.items()}


def detail(invoice: dict[str, Any]) -> dict[str, Any]:
    """
    Our invoice as the official client has it.
    """
    wire = {name: one for name, one in invoice.items() if name != "owner_id"}
    made: dict[str, Any] = camel(wire)
    for name in ("uptimes", "countables", "classic", "unusable"):
        made[name] = [renamed(line, {"itemId": "id"}) for line in made[name]]
    return made


def camel(value: Any) -> Any:
    """
    Billing's names as the official client writes them; money is an amount and a currency.
    """
    match value:
        case {"amount": amount, "currency": currency}:
            return {"amount": amount, "currency": currency}
        case dict():
            named = {name: camel(one) for name, one in value.items()}
            # The official client drops the owner of an address.
            if "address_id" in named:
                named.pop("owner_id", None)
            return {RENAMED.get(name, camel_name(name)): one for name, one in named.items()}
        case list():
            return [camel(one) for one in value]
        case _:
            return value


def camel_name(name: str) -> str:
    """
    A wire name of billing in camel case.
    """
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def legacy(deployment: dict[str, Any]) -> Any:
    """
    What v2's list and v4's have in common.
    """
    dropped = {"index", "instances", "author"}
    return content({name: one for name, one in deployment.items() if name not in dropped})


def instance(one: dict[str, Any]) -> Any:
    """
    Without the date of deletion, where the official client gives that of creation.
    """
    return content({name: value for name, value in one.items() if name != "deletionDate"})


def load_balancer(one: LoadBalancer) -> Any:
    """
    Our load balancer as the official client has it: it calls its name a zone.
    """
    return renamed(of_models(one), {"name": "zone"})


def zones(found: list[Zone]) -> list[dict[str, Any]]:
    """
    Our zones as the official client sorts them, their addresses and their tags.
    """
    return sorted(
        (
            of_models(one) | {"outboundIPs": sorted(one.outbound_ips), "tags": sorted(one.tags)}
            for one in found
        ),
        key=lambda one: str(one["name"]),
    )


def access(entry: dict[str, Any]) -> dict[str, Any]:
    """
    Our entry of an HTTP access as the official client has it.
    """
    http = entry.pop("http")
    entry.pop("region", None)
    http["response"].pop("serviceTime", None)
    return entry | {"type": "http", "detail": http}
