"""
The invoices of the emulated owners: one a month with its consumption lines, and some credit notes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from clever_v4.emulator.data.resources import Application

if TYPE_CHECKING:
    from clever_v4.emulator.state import State

FIRST_MONTH = (2023, 1)
"""The month of an owner's first invoice."""

VAT_PERCENT = 20.0
_FLAVORS = (("pico", 4.5), ("nano", 6.0), ("XS", 16.0), ("S", 32.0), ("M", 64.0))

Json = dict[str, Any]


class Invoices:
    """
    Every invoice of every owner in detail, oldest first: one a month, and a few credit notes.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._made: dict[str, list[Json]] = {}

    def of(self, owner_id: str) -> list[Json]:
        """
        The invoices of an owner.

        Raises:
            Problem: 404, there is no such owner.
        """
        owner_id = self._state.owner(owner_id).id
        if owner_id not in self._made:
            months = list(_months(datetime.fromtimestamp(self._state.options.epoch_s, UTC)))
            self._made[owner_id] = [
                one
                for position, month in enumerate(months)
                for one in _month_of(
                    self._state, owner_id, month, position, age=len(months) - 1 - position
                )
            ]
        return self._made[owner_id]


def _months(until: datetime) -> Iterable[datetime]:
    year, month = FIRST_MONTH
    while (emission := datetime(year, month, 1, 4, 12, tzinfo=UTC)) <= until:
        yield emission
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _month_of(
    state: State, owner_id: str, emission: datetime, position: int, *, age: int
) -> list[Json]:
    """
    The invoice of a month; every eleventh comes with a credit note for a part of it.
    """
    draw = state.random("invoice", owner_id, position)
    status = {0: "PENDING", 1: "PROCESSING", 3: "PAYMENTHELD"}.get(age, "PAID")
    if status == "PAID" and position % 13 == 7:
        status = ("CANCELED", "WONTPAY", "REFUNDED")[position // 13 % 3]
    invoice = _detail(state, owner_id, emission, f"{draw.randrange(10**6):06}", status, position)
    made = [invoice]
    if position % 11 == 5:
        refund = round(invoice["total_tax_excluded"]["amount"] / 4, 2)
        credit = invoice | {
            "invoice_number": f"{invoice['invoice_number']}-C",
            "kind": "CREDITNOTE",
            "origin": "manual",
            "status": "REFUNDED",
            "emission_date": _iso(emission + timedelta(days=9)),
            "uptimes": None,
            "countables": None,
            "vendor_consumption": None,
            "classic": [_classic(owner_id, state.uuid("credit", position), -refund)],
            "unusable": None,
            "total_tax_excluded": _total(-refund),
            "total_tax": _total(round(-refund * VAT_PERCENT / 100, 2)),
        }
        if emission + timedelta(days=9) <= datetime.fromtimestamp(state.options.epoch_s, UTC):
            made.append(credit)
    return made


def _detail(
    state: State, owner_id: str, emission: datetime, suffix: str, status: str, position: int
) -> Json:
    draw = state.random("invoice lines", owner_id, position)
    end = emission.replace(hour=0, minute=0)
    begin = (end - timedelta(days=1)).replace(day=1)
    mine = [one for one in state.applications.values() if one.owner_id == owner_id]
    addons = [one for one in state.addons.values() if one.owner_id == owner_id]
    uptimes: list[Json] = [_uptime(state, one, begin, end, position) for one in mine]
    countables: list[Json] = [
        _countable(state, owner_id, one.real_id, one.zone, begin, end, position) for one in addons
    ]
    vendors: list[Json] = [
        {
            "item_id": state.uuid("vendor line", position),
            "price": _money(round(draw.uniform(1, 30), 2)),
            "vendor_id": "mailpace",
            "owner_id": owner_id,
            "app_id": None,
        }
    ]
    classic: list[Json] = [_classic(owner_id, state.uuid("classic line", position), 50.0)]
    lines = [line["price"]["amount"] for line in uptimes + countables + vendors]
    total = round(sum(lines) + 50.0, 2)
    is_paid = status in {"PAID", "REFUNDED"}
    method = None if status in {"PENDING", "WONTPAY"} else "stripe"
    invoice: Json = {
        "invoice_number": f"F{emission:%Y%m%d}-{suffix}",
        "kind": "INVOICE",
        "origin": "automatic",
        "owner_id": owner_id,
        "address": _address(state, owner_id),
        "emission_date": _iso(emission) + ("[UTC]" if position % 5 == 2 else ""),
        "pay_date": _iso(emission + timedelta(days=3, minutes=7)) if is_paid else None,
        "status": status,
        "consumption_begin_date": _iso(begin),
        "consumption_end_date": _iso(end),
        "currency": "EUR",
        "kpi_compute_months": 1,
        "price_factor": 1.0,
        "discount": 0.0,
        "vat_percent": VAT_PERCENT,
        "category": "PAAS",
        "uptimes": uptimes,
        "countables": countables,
        "vendor_consumption": vendors,
        "classic": classic,
        "unusable": [_unusable(state, begin, position)] if position % 4 == 1 else None,
        "credit_balance_at_emission": _money(round(draw.uniform(0, 20), 2)),
        "free_credits_available_this_period": [{"name": "WELCOME", "remaining": _money(20.0)}],
        "free_credits_available_next_period": [],
        "total_pending_upfront_before_emission": _money(0.0),
        "upfront_credit_amount": _money(0.0),
        "customer_order_id": None,
        "payment_provider": method,
        "payment_method_id": None if method is None else f"pm_{draw.getrandbits(64):016x}",
        "provider_transaction_id": None if method is None else f"ch_{draw.getrandbits(80):020x}",
        "provider_last_response": None,
        "vat_declaration_id": None,
        "wannabe_invoice_id": state.uuid("wannabe", owner_id, position),
        "total_tax_excluded": _total(total),
        "total_tax": _total(round(total * VAT_PERCENT / 100, 2)),
    }
    if position % 6 == 4:
        # Documented as absent at times.
        del invoice["category"]
    return invoice


def _uptime(
    state: State, application: Application, begin: datetime, end: datetime, position: int
) -> Json:
    draw = state.random("uptime", application.id, position)
    details: list[Json] = []
    prices: list[float] = []
    for number in range(draw.randrange(1, 4)):
        flavor, price = draw.choice(_FLAVORS)
        start = begin + timedelta(hours=draw.randrange(48))
        prices.append(round(price * draw.uniform(0.1, 1), 4))
        details.append(
            {
                "instance_id": state.uuid("billed instance", application.id, position, number),
                "flavor_name": flavor,
                "zone_id": application.zone,
                "runtime_policy_id": state.uuid("policy", flavor),
                "price": _money(prices[-1]),
                "consumption_start": _iso(start),
                "consumption_end": _iso(min(start + timedelta(hours=draw.randrange(1, 600)), end)),
            }
        )
    return {
        "item_id": state.uuid("uptime line", application.id, position),
        "price": _money(round(sum(prices), 4)),
        "app_id": application.id,
        "owner_id": application.owner_id,
        "details": details,
        "category": "Runtime",
        "sub_category": application.type,
    }


def _countable(
    state: State,
    owner_id: str,
    real_id: str,
    zone: str,
    begin: datetime,
    end: datetime,
    position: int,
) -> Json:
    quantity = state.random("countable", real_id, position).randrange(10**8, 10**10)
    price = _money(round(quantity * 1e-9, 6))
    plan_id = state.uuid("countable plan", real_id)
    return {
        "item_id": state.uuid("countable line", real_id, position),
        "price": price,
        "app_id": real_id,
        "owner_id": owner_id,
        "service": "addon-storage",
        "unit_name": "byte",
        "zone_id": zone,
        "policy_id": state.uuid("countable policy", zone),
        "quantity": quantity,
        "plan_id": plan_id,
        "duration": "PT720H" if position % 2 else None,
        "details_price": price,
        "details": [
            {
                "consumption_start": _iso(begin),
                "consumption_end": _iso(end),
                "plan_id": plan_id,
                "quantity": quantity,
                "price": price,
            }
        ],
        "category": "Add-on",
        "sub_category": real_id.partition("_")[0],
    }


def _classic(owner_id: str, item_id: str, amount: float) -> Json:
    return {
        "item_id": item_id,
        "unit_price": _money(amount),
        "quantity": 1,
        "price_factor": 1.0,
        "discount": None,
        "description": "Support" if amount > 0 else "Commercial gesture",
        "sub_description": None,
        "classic_billing_item_id": None,
        "owner_id": owner_id,
        "category": "Service",
        "sub_category": "Support",
    }


def _unusable(state: State, begin: datetime, position: int) -> Json:
    return {
        "item_id": state.uuid("unusable line", position),
        "zone_id": "par",
        "flavor_name": "S",
        "host": f"hv-par-{position:03}",
        "image_type": None,
        "start_date": _iso(begin + timedelta(days=2)),
        "end_date": _iso(begin + timedelta(days=2, minutes=11)),
    }


def _address(state: State, owner_id: str) -> Json:
    owner = state.owner(owner_id)
    return {
        "address_id": state.uuid("address", owner_id),
        "owner_id": owner_id,
        "name": owner.name,
        "company": None if owner.is_user else owner.name,
        "address": "3 rue de l'Allier",
        "city": "Nantes",
        "zipcode": "44000",
        "country_alpha2": "FR",
        "vat_number": None if owner.is_user else "FR87524172699",
        "vat_percent": VAT_PERCENT,
        "customer_cost_center": None,
        "customer_purchase_order": None,
    }


def _money(amount: float) -> Json:
    return {"currency": "EUR", "amount": amount}


def _total(amount: float) -> Json:
    return _money(amount) | {
        "amount_formatted": f"{amount:.2f}",
        "default_display": f"{amount:.2f} €",
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
