"""
Invoices over the emulator and over canned answers.
"""

from __future__ import annotations

import decimal
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from clever_v4.api.invoices import ALL, InvoiceQuery, InvoiceStatus, Money
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    BadRequestError,
    NotFoundError,
    ResponseFormatError,
)
from clever_v4.session import Session
from tests.api.canned import SOZU_ID, Canned

SUMMARY = """{"invoice_number": "F1", "status": "PAID", "emission_date": "2026-01-01T00:00:00Z",
"currency": "EUR", "total_tax_excluded": {"amount": 10.10, "currency": "EUR"},
"total_tax": {"amount": 2.020, "currency": "EUR"}}"""


async def first_number(emulator: Emulator, session: Session) -> str:
    return (await session.invoices.list(emulator.owner_id, InvoiceQuery(since=ALL)))[
        0
    ].invoice_number


async def test_since_all_asks_for_every_invoice_as_the_console_does(
    emulator: Emulator, session: Session
) -> None:
    """
    The default window is limited; `ALL` reaches back to the first invoice.
    """
    limited = await session.invoices.list(emulator.owner_id)
    everything = await session.invoices.list(emulator.owner_id, InvoiceQuery(since=ALL))
    assert len(limited) < len(everything)
    assert everything[0].emission_date == datetime(2023, 1, 1, 4, 12, tzinfo=UTC)


async def test_all_is_the_moment_that_the_console_sends(
    canned: Canned, canned_session: Session
) -> None:
    """
    `ALL` is 2010-08-01 in UTC with milliseconds.
    """
    canned.answer("[]")
    assert await canned_session.invoices.list("orga_1", InvoiceQuery(since=ALL)) == []
    assert canned.requests[0][1].endswith("/invoices?since=2010-08-01T00%3A00%3A00.000Z")


async def test_limit_and_window_are_honoured(emulator: Emulator, session: Session) -> None:
    """
    A list is bounded by its limit and by both ends of its window.
    """
    since = datetime(2024, 2, 1, tzinfo=UTC)
    query = InvoiceQuery(since=since, until=datetime(2024, 5, 1, tzinfo=UTC), limit=2)
    found = await session.invoices.list(emulator.owner_id, query)
    assert len(found) == 2
    assert all(invoice.emission_date >= since for invoice in found)


async def test_unpaid_are_those_that_are_to_be_paid(emulator: Emulator, session: Session) -> None:
    """
    The unpaid list holds pending, held and never-to-be-paid invoices, whenever emitted.
    """
    unpaid = await session.invoices.list_unpaid(emulator.owner_id)
    assert unpaid
    assert {invoice.status for invoice in unpaid} <= {
        InvoiceStatus.PENDING,
        InvoiceStatus.PAYMENTHELD,
        InvoiceStatus.WONTPAY,
    }


async def test_detail_and_summary_agree(emulator: Emulator, session: Session) -> None:
    """
    What both shapes of an invoice tell is the same, whatever they call it.
    """
    for summary in (await session.invoices.list(emulator.owner_id, InvoiceQuery(since=ALL)))[:8]:
        detail = await session.invoices.get(emulator.owner_id, summary.invoice_number)
        assert detail.total_tax_included.amount == summary.total_tax_included.amount
        assert detail.provider_transaction_id == summary.transaction_id
        assert detail.address == summary.address
        assert detail.emission_date == summary.emission_date
    assert detail.uptimes or detail.classic


async def test_total_including_tax_is_the_sum_with_the_digits_of_the_wire(
    canned: Canned, canned_session: Session
) -> None:
    """
    10.10 and 2.020 are 12.120: no digit is lost in a float.
    """
    canned.answer(f"[{SUMMARY}]")
    (invoice,) = await canned_session.invoices.list("orga_1")
    assert str(invoice.total_tax_excluded.amount) == "10.10"
    assert str(invoice.total_tax_included) == "12.120 EUR"


@pytest.mark.parametrize(
    ("excluded", "tax", "included"),
    [
        ("12.10", "2.42", "14.52"),
        ("1e2", "0.5", "100.5"),
        ("100", "20.0", "120.0"),
        ("1234567890123456789012345678", "0.01", "1234567890123456789012345678.01"),
        ("-10.00", "-2.00", "-12.00"),
    ],
)
async def test_a_sum_is_exact_in_list_and_detail(
    canned: Canned, canned_session: Session, excluded: str, tax: str, included: str
) -> None:
    """
    Whatever the precision of the caller's own decimal context.
    """
    invoice = SUMMARY.replace("10.10", excluded).replace("2.020", tax)
    canned.answer(f"[{invoice}]")
    canned.answer(invoice)
    (summary,) = await canned_session.invoices.list("orga_1")
    detail = await canned_session.invoices.get("orga_1", "F1")
    for read in (summary, detail):
        with decimal.localcontext(decimal.Context(prec=3)):
            assert str(read.total_tax_included) == f"{included} EUR"
        assert str(read.total_tax_excluded.amount) == str(Decimal(excluded))
        assert str(read.total_tax.amount) == tax


def test_amounts_of_different_currencies_are_not_added() -> None:
    """
    Adding dollars to euros is an error that names both.
    """
    euro = Money(amount=Decimal(1), currency="EUR")
    with pytest.raises(ValueError, match="cannot add USD to EUR"):
        euro + Money(amount=Decimal(1), currency="USD")


async def test_an_unknown_status_is_kept_as_text(canned: Canned, canned_session: Session) -> None:
    """
    A status not yet known breaks nothing and compares as text.
    """
    canned.answer("[" + SUMMARY.replace("PAID", "HALFPAID") + "]")
    (invoice,) = await canned_session.invoices.list("orga_1")
    assert invoice.status == "HALFPAID"
    assert invoice.status != InvoiceStatus.PAID


@pytest.mark.parametrize("unpaid", [False, True])
async def test_a_list_that_is_not_found_is_empty(
    canned: Canned, canned_session: Session, unpaid: bool
) -> None:
    """
    A 404 of a list is no invoice at all, as in the official client.
    """
    canned.answer('{"code": "clever.core.not-found", "error": "no"}', status=404)
    invoices = canned_session.invoices
    found = invoices.list_unpaid("o") if unpaid else invoices.list("o")
    assert await found == []


async def test_an_unknown_invoice_is_not_found(emulator: Emulator, session: Session) -> None:
    """
    One invoice that is not there is an error, in every form.
    """
    invoices = session.invoices
    for get in (invoices.get, invoices.get_html, invoices.get_pdf):
        with pytest.raises(NotFoundError, match="F0 not found"):
            await get(emulator.owner_id, "F0")


async def test_a_misfit_names_its_path_and_the_sozu_id(
    canned: Canned, canned_session: Session
) -> None:
    """
    A wrong type deep in the fourth invoice is told by its path on the wire.
    """
    bad = SUMMARY[:-1] + ', "address": {"vat_percent": "a fifth"}}'
    canned.answer(f"[{SUMMARY}, {SUMMARY}, {SUMMARY}, {bad}]")
    with pytest.raises(ResponseFormatError) as caught:
        await canned_session.invoices.list("orga_1")
    assert caught.value.paths == ("$[3].address.vat_percent",)
    assert caught.value.request_id == SOZU_ID
    assert SOZU_ID in str(caught.value)


async def test_one_invoice_may_come_as_an_array_of_one(
    canned: Canned, canned_session: Session
) -> None:
    """
    The server's OpenAPI description says array where the official client takes an object.
    """
    canned.answer(f" [{SUMMARY}]")
    assert (await canned_session.invoices.get("o", "F1")).invoice_number == "F1"
    canned.answers.clear()
    canned.answer(f"[{SUMMARY}, {SUMMARY}]")
    with pytest.raises(ResponseFormatError, match="expected one Invoice, got an array of 2"):
        await canned_session.invoices.get("o", "F1")


async def test_html_is_text_and_pdf_is_bytes(emulator: Emulator, session: Session) -> None:
    """
    Both documents can be had whole.
    """
    number = await first_number(emulator, session)
    html = await session.invoices.get_html(emulator.owner_id, number)
    assert html.startswith("<!DOCTYPE html>")
    assert number in html
    pdf = await session.invoices.get_pdf(emulator.owner_id, number)
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"limit": 0}, ValueError, "limit must be at least 1, got 0"),
        ({"limit": True}, TypeError, "limit must be a whole number, got True"),
        ({"since": datetime(2026, 1, 1)}, ValueError, "since must be an aware datetime"),  # noqa: DTZ001
        (
            {"since": timedelta(hours=1), "until": timedelta(hours=2)},
            ValueError,
            "since must not be after until",
        ),
        (
            {"since": datetime(2026, 2, 1, tzinfo=UTC), "until": datetime(2026, 1, 1, tzinfo=UTC)},
            ValueError,
            "since must not be after until",
        ),
        ({"until": "yesterday"}, TypeError, "until must be an aware datetime or a timedelta"),
    ],
)
def test_options_refuse_nonsense(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """
    Each mistake is told by the argument's name and value.
    """
    with pytest.raises(error, match=message):
        InvoiceQuery(**arguments)


@pytest.mark.parametrize("bad", ["", ".", ".."])
async def test_ids_have_to_be_path_safe(session: Session, bad: str) -> None:
    """
    An id that would change the path is refused by its name.
    """
    with pytest.raises(ValueError, match="owner_id"):
        await session.invoices.list(bad)
    with pytest.raises(ValueError, match="invoice_number"):
        await session.invoices.get_pdf("orga_1", bad)


async def test_the_servers_refusal_names_the_parameter(
    emulator: Emulator, session: Session
) -> None:
    """
    What passes here and not there is a `BadRequestError` that says which parameter.
    """
    with pytest.raises(BadRequestError, match="malformed") as caught:
        await session.invoices.list(emulator.owner_id, InvoiceQuery(limit=2**40))
    assert caught.value.context["OVDErrorFieldContext"]["fieldName"] == "limit"
