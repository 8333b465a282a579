"""
``/v4/billing``: invoices as a list (summaries), one by one (with their lines), as HTML and PDF.

The list and the detail are different shapes, as the official JavaScript client reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import web

from clever_v4.emulator.data.invoice_documents import html_of, pdf_of
from clever_v4.emulator.data.invoices import Json
from clever_v4.emulator.errors import not_found
from clever_v4.emulator.query import Query, moment_ms
from clever_v4.emulator.state import State

DEFAULT_LIMIT = 1000

UNPAID = ("PENDING", "PAYMENTHELD", "WONTPAY")
_LIST_MEMBERS = (
    "invoice_number",
    "kind",
    "owner_id",
    "address",
    "emission_date",
    "pay_date",
    "status",
    "currency",
    "kpi_compute_months",
    "price_factor",
    "discount",
    "vat_percent",
    "total_tax_excluded",
    "total_tax",
    "category",
    "payment_provider",
    "customer_order_id",
)


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """

    async def list_invoices(request: web.Request) -> web.Response:
        query = Query(request)
        query.only("since", "until", "limit")
        now_ms = int(state.now_s() * 1000)
        since = query.moment_ms("since")
        if since is None:
            # Left open, the window is the current year (official client, list-invoice-command.ts).
            year = datetime.fromtimestamp(state.now_s(), UTC).year
            since = int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)
        until = query.moment_ms("until")
        until = now_ms if until is None else until
        limit = query.integer("limit", minimum=1, bits=32) or DEFAULT_LIMIT
        found = [
            summary_of(invoice)
            for invoice in state.invoices.of(request.match_info["owner"])
            if since <= moment_ms(invoice["emission_date"].removesuffix("[UTC]")) <= until
        ]
        return web.json_response(found[:limit])

    async def list_unpaid(request: web.Request) -> web.Response:
        Query(request).only()
        found = state.invoices.of(request.match_info["owner"])
        return web.json_response([summary_of(one) for one in found if one["status"] in UNPAID])

    async def get_invoice(request: web.Request) -> web.Response:
        Query(request).only()
        number, _, form = request.match_info["number"].partition(".")
        invoice = _invoice(state, request.match_info["owner"], number)
        if form == "html":
            return web.Response(text=html_of(invoice), content_type="text/html")
        if form == "pdf":
            name = {"Content-Disposition": f'attachment; filename="{number}.pdf"'}
            return web.Response(body=pdf_of(invoice), content_type="application/pdf", headers=name)
        if form:
            raise not_found(f"Invoice {request.match_info['number']} not found")
        return web.json_response(invoice)

    prefix = "/v4/billing/organisations/{owner}/invoices"
    return (
        web.get(prefix, list_invoices),
        web.get(f"{prefix}/unpaid", list_unpaid),
        web.get(f"{prefix}/{{number}}", get_invoice),
    )


def _invoice(state: State, owner_id: str, number: str) -> Json:
    for invoice in state.invoices.of(owner_id):
        if invoice["invoice_number"] == number:
            return invoice
    raise not_found(f"Invoice {number} not found")


def summary_of(invoice: Json) -> Json:
    """
    What a list shows of an invoice.
    """
    summary = {name: invoice[name] for name in _LIST_MEMBERS if name in invoice}
    summary["transaction_id"] = invoice["provider_transaction_id"]
    if invoice["kind"] == "CREDITNOTE":
        summary["type"] = "CREDITNOTE"
    return summary
