"""
The emulator's invoices, read with a bare HTTP client.
"""

from __future__ import annotations

import pytest

from clever_v4.emulator import Emulator
from tests.emulator.asking import ALWAYS, Asker


@pytest.fixture
def ask(emulator: Emulator) -> Asker:
    return Asker(emulator)


@pytest.fixture
def path(emulator: Emulator) -> str:
    emulator.add_application("shop")
    emulator.add_addon("db")
    return f"/v4/billing/organisations/{emulator.owner_id}/invoices"


async def test_the_same_seed_gives_the_same_invoices(emulator: Emulator, path: str) -> None:
    """
    Two emulators of one seed and epoch agree in every byte.
    """
    answers = []
    for seed in (emulator.state.options.seed, emulator.state.options.seed, 99):
        async with Emulator(demo=False, seed=seed) as other:
            other.add_application("shop")
            other_path = f"/v4/billing/organisations/{other.owner_id}/invoices"
            answers.append((await Asker(other)(other_path, ALWAYS | {"limit": "12"})).body)
    assert answers[0] == answers[1] != answers[2]


async def test_the_detail_adds_up(ask: Asker, path: str) -> None:
    """
    The total without tax is the sum of the lines, and the tax a fifth of it.
    """
    for summary in (await ask(path, ALWAYS)).json:
        detail = (await ask(f"{path}/{summary['invoice_number']}")).json
        lines = [line["price"]["amount"] for kind in ("uptimes", "countables", "vendor_consumption") for line in detail[kind] or []]  # fmt: skip
        lines += [line["unit_price"]["amount"] for line in detail["classic"] or []]
        total, tax = detail["total_tax_excluded"]["amount"], detail["total_tax"]["amount"]
        assert sum(lines) == pytest.approx(total, abs=0.006)
        assert tax == pytest.approx(total / 5, abs=0.006)
        assert detail["total_tax"] == summary["total_tax"]


async def test_the_shapes_differ_as_in_the_sources(ask: Asker, path: str) -> None:
    """
    The list has no lines and says transaction_id, the detail provider_transaction_id.
    """
    summary = (await ask(path, ALWAYS)).json[0]
    detail = (await ask(f"{path}/{summary['invoice_number']}")).json
    assert "uptimes" not in summary
    assert summary["transaction_id"] == detail["provider_transaction_id"]
    assert "transaction_id" not in detail


async def test_every_kind_of_invoice_occurs(ask: Asker, path: str) -> None:
    """
    Most states, credit notes, dates with and without [UTC], and an absent category.
    """
    found = (await ask(path, ALWAYS)).json
    assert {one["status"] for one in found} >= {"PENDING", "PROCESSING", "PAYMENTHELD", "PAID"}
    assert any(one.get("type") == "CREDITNOTE" for one in found)
    assert any(one["emission_date"].endswith("[UTC]") for one in found)
    assert any("category" not in one for one in found)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": "0"}, ("limit", "'0' is lower than the minimum of 1")),
        ({"limit": "many"}, ("limit", "'many' is not a valid 32-bit signed integer value")),
        ({"limit": "4294967296"}, ("limit", "'4294967296' is not a valid 32-bit signed integer value")),
        ({"since": "2026-01-01"}, ("since", "'2026-01-01' is not a valid ISO-8601 date-time value")),
        ({"until": "now"}, ("until", "'now' is not a valid ISO-8601 date-time value")),
        ({"Since": "2026-01-01T00:00:00Z"}, ("Since", "'Since' is not a parameter of this endpoint")),
        ([("limit", "1"), ("limit", "2")], ("limit", "'limit' is given 2 times")),
    ],
)  # fmt: skip
async def test_wrong_parameters_are_refused(
    ask: Asker, path: str, query: object, said: tuple[str, str]
) -> None:
    """
    Type, range, casing and repetition are checked, and the 400 names the parameter.
    """
    answer = await ask(path, query)
    assert answer.status == 400
    assert answer.field == said


async def test_both_generations_of_error_bodies(path: str) -> None:
    """
    The newer body is camel case with a typed context; both carry the request's id.
    """
    async with Emulator(demo=False, error_generation="2026") as newer:
        answer = await Asker(newer)(
            f"/v4/billing/organisations/{newer.owner_id}/invoices", {"limit": "0"}
        )
    assert answer.json["context"]["type"] == "field"
    assert answer.json["apiRequestId"] == f"request_http_{answer.sozu_id}"


async def test_documents_have_their_types(ask: Asker, path: str) -> None:
    """
    HTML is a page, the PDF is a whole one with its size, and another suffix is not found.
    """
    number = (await ask(path, ALWAYS)).json[0]["invoice_number"]
    html = await ask(f"{path}/{number}.html")
    assert html.content_type == "text/html"
    assert html.body.startswith(b"<!DOCTYPE html>")
    pdf = await ask(f"{path}/{number}.pdf")
    assert pdf.content_type == "application/pdf"
    offset = int(pdf.body.split(b"startxref\n")[1].split()[0])
    assert pdf.body[offset:].startswith(b"xref")
    assert (await ask(f"{path}/{number}.doc")).status == 404


async def test_unpaid_are_those_that_are_still_to_pay(ask: Asker, path: str) -> None:
    """
    Whatever the year, by their status as the console groups them.
    """
    every, unpaid = (await ask(path, ALWAYS)).json, (await ask(f"{path}/unpaid")).json
    assert unpaid == [
        one for one in every if one["status"] in {"PENDING", "PAYMENTHELD", "WONTPAY"}
    ]
    assert len({one["status"] for one in unpaid}) >= 2
    assert (await ask(f"{path}/unpaid", {"limit": "1"})).field[0] == "limit"


async def test_strangers_are_not_found(ask: Asker, path: str) -> None:
    """
    An owner or an invoice that does not exist: 404, not an empty list.
    """
    assert (await ask("/v4/billing/organisations/orga_0/invoices")).status == 404
    for form in ("", ".html", ".pdf"):
        assert (await ask(f"{path}/F20000101-000000{form}")).status == 404
