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

    Attributes:
        amount: How much.
        currency: ISO 4217, such as ``EUR``.
        amount_formatted: The amount alone as text, such as ``12.50``. None in the detail of an
            invoice.
        default_display: The amount with its currency as the server would show it, such as
            ``12.50 €``.
    """

    amount: Decimal
    currency: str
    amount_formatted: str | None = None
    default_display: str | None = None

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

    Attributes:
        address_id: The address' own id.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        name: Name of the person.
        company: Name of the company.
        address: Street and number.
        city: The town.
        zipcode: Postal code.
        country_alpha2: ISO 3166-1 alpha-2, such as ``FR``.
        vat_number: The customer's number for value-added tax.
        vat_percent: Rate of the value-added tax, in percent.
        customer_cost_center: What the customer wants to be told there.
        customer_purchase_order: The customer's own number of the order.
    """

    address_id: str | None = None
    owner_id: str | None = None
    name: str | None = None
    company: str | None = None
    address: str | None = None
    city: str | None = None
    zipcode: str | None = None
    country_alpha2: str | None = None
    vat_number: str | None = None
    vat_percent: Decimal | None = None
    customer_cost_center: str | None = None
    customer_purchase_order: str | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class InvoiceHead:
    """
    What a list and the detail tell of an invoice alike.

    Attributes:
        invoice_number: Such as ``F20250602-015972``.
        status: One of `InvoiceStatus`, or a value not yet known.
        emission_date: When it was made, aware UTC.
        currency: ISO 4217, such as ``EUR``.
        total_tax_excluded: What is to be paid, without the tax.
        total_tax: The tax alone; `total_tax_included` is what is to be paid.
        kind: An open set, not enumerated by any source; tells invoices from credit notes.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        address: To whom it is addressed.
        pay_date: When it was paid, aware UTC; None: it was not.
        kpi_compute_months: As the server sends it; no source explains it.
        price_factor: What prices are multiplied with.
        discount: What is taken off.
        vat_percent: Rate of the value-added tax, in percent.
        category: Such as ``PAAS``.
        payment_provider: Such as ``stripe``.
        customer_order_id: The customer's own number of the order.
    """

    invoice_number: str
    status: str
    emission_date: datetime
    currency: str
    total_tax_excluded: Money
    total_tax: Money
    kind: str | None = None
    owner_id: str | None = None
    address: InvoiceAddress | None = None
    pay_date: datetime | None = None
    kpi_compute_months: Decimal | None = None
    price_factor: Decimal | None = None
    discount: Decimal | None = None
    vat_percent: Decimal | None = None
    category: str | None = None
    payment_provider: str | None = None
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

    Attributes:
        type: ``INVOICE`` or ``CREDITNOTE``, read by the web console; often absent, which means
            an invoice.
        transaction_id: What the detail calls `Invoice.provider_transaction_id`.
        invoice_day_plan: What the server calls so; no source explains it.
    """

    type: str | None = None
    transaction_id: str | None = None
    invoice_day_plan: Decimal | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class UptimeDetail:
    """
    The time that one instance ran.

    Attributes:
        instance_id: Which instance; a UUID without prefix.
        flavor_name: Size of the instance, such as ``XS``.
        zone_id: Where it ran.
        runtime_policy_id: As the server sends it; no source explains it.
        price: What it costs.
        consumption_start: Begin of the time.
        consumption_end: End of the time.
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

    Attributes:
        item_id: The line's own id.
        price: What they cost together.
        app_id: ``app_…``.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        details: The instances one by one.
        category: What kind of thing is billed, as the server names it.
        sub_category: The same, finer.
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

    Attributes:
        consumption_start: Begin of the time.
        consumption_end: End of the time.
        plan_id: The plan it is billed by.
        quantity: How much.
        price: What it costs.
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

    Attributes:
        item_id: The line's own id.
        price: What the line costs.
        app_id: ``app_…``.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        service: As the server names it.
        unit_name: What is counted.
        zone_id: Where it ran.
        policy_id: As the server sends it; no source explains it.
        quantity: How much, over the period.
        plan_id: The plan it is billed by.
        duration: As the server writes it; its form is not documented.
        details_price: What the details cost together.
        details: The same by parts of the period.
        category: What kind of thing is billed, as the server names it.
        sub_category: The same, finer.
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
    details_price: Money | None = None
    details: tuple[CountableDetail, ...] = ()
    category: str | None = None
    sub_category: str | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class VendorConsumptionLine:
    """
    What an add-on of another vendor consumed.

    Attributes:
        item_id: The line's own id.
        price: What it costs.
        vendor_id: Who provides the add-on.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        app_id: ``app_…``.
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

    Attributes:
        item_id: The line's own id.
        unit_price: The price of one.
        quantity: How many.
        price_factor: What prices are multiplied with.
        discount: What is taken off.
        description: What it is.
        sub_description: The same, more exactly.
        classic_billing_item_id: The id of what is billed, over all invoices.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        category: What kind of thing is billed, as the server names it.
        sub_category: The same, finer.
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

    Attributes:
        item_id: The line's own id.
        zone_id: Where it ran.
        flavor_name: Size of the instance, such as ``XS``.
        host: As the server sends it; no source explains it.
        image_type: As the server sends it; no source explains it.
        start_date: Begin of the time, aware UTC.
        end_date: End of the time, aware UTC.
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

    Attributes:
        name: What the coupon is called.
        remaining: What is left of it.
    """

    name: str | None = None
    remaining: Money | None = None


@wire_style("snake")
@attrs.frozen(kw_only=True)
class Invoice(InvoiceHead):
    """
    One invoice or credit note with its consumption lines.

    Attributes:
        origin: ``automatic`` or ``manual``, or a value not yet known.
        consumption_begin_date: Begin of the period.
        consumption_end_date: End of the period.
        uptimes: What is billed by the time that instances ran.
        countables: What is billed by quantity.
        vendor_consumption: What add-ons of other vendors consumed.
        classic: What has a unit price and a quantity.
        unusable: Times that are not billed.
        credit_balance_at_emission: The owner's credit when the invoice was made.
        free_credits_available_this_period: What remained of coupons in the period.
        free_credits_available_next_period: What remains of them for the next.
        total_pending_upfront_before_emission: What had been paid in advance and not yet used.
        upfront_credit_amount: What was paid in advance.
        payment_method_id: What it was paid with.
        provider_transaction_id: What the summary calls `InvoiceSummary.transaction_id`.
        provider_last_response: What the payment provider answered last.
        vat_declaration_id: The declaration that its tax is part of.
        wannabe_invoice_id: As the server sends it; no source explains it.
    """

    origin: str | None = None
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
    provider_last_response: str | None = None
    vat_declaration_id: str | None = None
    wannabe_invoice_id: str | None = None
