"""
What the billing API answers: the summary of a list and the detail of one invoice.

The two are different shapes. The reference shows the summary for both; the
detail with its consumption lines is known from the official JavaScript client
(CleverCloud/clever-client.js, src/clients/cc-api/commands/invoice/). Only what
makes an invoice an invoice is required, everything else may be absent or null.
"""

from __future__ import annotations

import decimal
import enum
from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs

from clever_v4.wire.names import wire_style

# The caller's own context may round to fewer digits than an amount has, and says so to nobody.
_EXACT: Final = decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


class InvoiceStatus(enum.StrEnum):
    """
    The known values of an invoice's status; the server may send others.
    """

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    PAYMENTHELD = "PAYMENTHELD"
    PAID = "PAID"
    CANCELED = "CANCELED"
    REFUNDED = "REFUNDED"
    WONTPAY = "WONTPAY"


@wire_style("snake")
@attrs.frozen(kw_only=True)
class Money:
    """
    An amount in a currency, with the digits that the server sent.
    """

    amount: Decimal
    currency: str
    """ISO 4217, such as ``EUR``."""
    amount_formatted: str | None = None
    """The amount alone as text, such as ``12.50``. None in the detail of an invoice."""
    default_display: str | None = None
    """The amount with its currency as the server would show it, such as ``12.50 €``."""

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=_EXACT.add(self.amount, other.amount), currency=self.currency)

    def __str__(self) -> str:
        return self.default_display or f"{self.amount} {self.currency}"


@wire_style("snake")
@attrs.frozen(kw_only=True)
class InvoiceAddress:
    """
    To whom an invoice is addressed.
    """

    address_id: str | None = None
    owner_id: str | None = None
    name: str | None = None
    company: str | None = None
    address: str | None = None
    city: str | None = None
    zipcode: str | None = None
    country_alpha2: str | None = None
    """ISO 3166-1 alpha-2, such as ``FR``."""
    vat_number: str | None = None
    vat_percent: Decimal | None = None
    customer_cost_center: str | None = None
    customer_purchase_order: str | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class InvoiceHead:
    """
    What a list and the detail tell of an invoice alike.
    """

    invoice_number: str
    """Such as ``F20250602-015972``."""
    status: str
    """One of `InvoiceStatus`, or a value not yet known."""
    emission_date: datetime
    currency: str
    total_tax_excluded: Money
    total_tax: Money
    """The tax alone; `total_tax_included` is what is to be paid."""
    kind: str | None = None
    """An open set, not enumerated by any source; tells invoices from credit notes."""
    owner_id: str | None = None
    address: InvoiceAddress | None = None
    pay_date: datetime | None = None
    kpi_compute_months: Decimal | None = None
    price_factor: Decimal | None = None
    discount: Decimal | None = None
    vat_percent: Decimal | None = None
    category: str | None = None
    """Such as ``PAAS``."""
    payment_provider: str | None = None
    """Such as ``stripe``."""
    customer_order_id: str | None = None

    @property
    def total_tax_included(self) -> Money:
        """
        What is to be paid: the total without tax plus the tax.

        Raises:
            ValueError: The two are in different currencies.
        """
        return self.total_tax_excluded + self.total_tax


@wire_style("snake")
@attrs.frozen(kw_only=True)
class InvoiceSummary(InvoiceHead):
    """
    An invoice or credit note as a list shows it, without its consumption lines.
    """

    type: str | None = None
    """``INVOICE`` or ``CREDITNOTE``, read by the web console; often absent, which means an invoice."""
    transaction_id: str | None = None
    """What the detail calls `Invoice.provider_transaction_id`."""
    invoice_day_plan: Decimal | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class UptimeDetail:
    """
    The time that one instance ran.
    """

    instance_id: str | None = None
    flavor_name: str | None = None
    zone_id: str | None = None
    runtime_policy_id: str | None = None
    price: Money | None = None
    consumption_start: datetime | None = None
    consumption_end: datetime | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class UptimeLine:
    """
    The instances of one application over the period of the invoice.
    """

    item_id: str | None = None
    price: Money | None = None
    app_id: str | None = None
    owner_id: str | None = None
    details: tuple[UptimeDetail, ...] = ()
    category: str | None = None
    sub_category: str | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class CountableDetail:
    """
    A quantity consumed over a part of the period.
    """

    consumption_start: datetime | None = None
    consumption_end: datetime | None = None
    plan_id: str | None = None
    quantity: Decimal | None = None
    price: Money | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class CountableLine:
    """
    What is billed by quantity: storage, traffic, build time.
    """

    item_id: str | None = None
    price: Money | None = None
    app_id: str | None = None
    owner_id: str | None = None
    service: str | None = None
    unit_name: str | None = None
    zone_id: str | None = None
    policy_id: str | None = None
    quantity: Decimal | None = None
    plan_id: str | None = None
    duration: str | None = None
    """As the server writes it; its form is not documented."""
    details_price: Money | None = None
    details: tuple[CountableDetail, ...] = ()
    category: str | None = None
    sub_category: str | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class VendorConsumptionLine:
    """
    What an add-on of another vendor consumed.
    """

    item_id: str | None = None
    price: Money | None = None
    vendor_id: str | None = None
    owner_id: str | None = None
    app_id: str | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class ClassicLine:
    """
    A line with a unit price and a quantity, such as support or a service.
    """

    item_id: str | None = None
    unit_price: Money | None = None
    quantity: Decimal | None = None
    price_factor: Decimal | None = None
    discount: Decimal | None = None
    description: str | None = None
    sub_description: str | None = None
    classic_billing_item_id: str | None = None
    owner_id: str | None = None
    category: str | None = None
    sub_category: str | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class UnusableLine:
    """
    A time in which the platform could not be used, and is therefore not billed.
    """

    item_id: str | None = None
    zone_id: str | None = None
    flavor_name: str | None = None
    host: str | None = None
    image_type: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class FreeCredit:
    """
    What remains of a coupon.
    """

    name: str | None = None
    remaining: Money | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class Invoice(InvoiceHead):
    """
    One invoice or credit note with its consumption lines.
    """

    origin: str | None = None
    """``automatic`` or ``manual``, or a value not yet known."""
    consumption_begin_date: datetime | None = None
    consumption_end_date: datetime | None = None
    uptimes: tuple[UptimeLine, ...] = ()
    countables: tuple[CountableLine, ...] = ()
    vendor_consumption: tuple[VendorConsumptionLine, ...] = ()
    classic: tuple[ClassicLine, ...] = ()
    unusable: tuple[UnusableLine, ...] = ()
    credit_balance_at_emission: Money | None = None
    free_credits_available_this_period: tuple[FreeCredit, ...] = ()
    free_credits_available_next_period: tuple[FreeCredit, ...] = ()
    total_pending_upfront_before_emission: Money | None = None
    upfront_credit_amount: Money | None = None
    payment_method_id: str | None = None
    provider_transaction_id: str | None = None
    """What the summary calls `InvoiceSummary.transaction_id`."""
    provider_last_response: str | None = None
    vat_declaration_id: str | None = None
    wannabe_invoice_id: str | None = None
