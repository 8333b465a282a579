"""
An invoice as a page of HTML and as a small but valid PDF.
"""

from __future__ import annotations

import html
from typing import Any

PDF_PADDING_BYTES = 200_000
"""Real invoices are some hundred kilobytes (fonts, logo); a download has to take several reads."""


def html_of(invoice: dict[str, Any]) -> str:
    """
    The invoice as HTML.
    """
    rows = "\n".join(
        f"      <tr><td>{html.escape(what)}</td><td>{html.escape(price)}</td></tr>"
        for what, price in _rows(invoice)
    )
    number = html.escape(str(invoice["invoice_number"]))
    return f"""<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8"><title>Invoice {number}</title></head>
  <body>
    <h1>Invoice {number}</h1>
    <p>{html.escape(str(invoice["address"]["name"]))} · {html.escape(invoice["emission_date"])}</p>
    <table>
{rows}
    </table>
  </body>
</html>
"""


def pdf_of(invoice: dict[str, Any]) -> bytes:
    """
    The invoice as a PDF of one page.
    """
    lines = [f"Invoice {invoice['invoice_number']}", *(f"{a}: {b}" for a, b in _rows(invoice))]
    text = "".join(
        f"1 0 0 1 50 {780 - 16 * row} Tm ({_escape(line)}) Tj\n" for row, line in enumerate(lines)
    )
    content = f"BT /F1 11 Tf\n{text}ET".encode("latin-1", "replace")
    filler = b"%" + b"clever-v4 emulator " * (PDF_PADDING_BYTES // 19)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>"
        % b"<< /Font << /F1 5 0 R >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = bytearray(b"%PDF-1.4\n" + filler + b"\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def _rows(invoice: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        (f"{line['category']} {line['app_id']}", _price(line["price"]))
        for name in ("uptimes", "countables")
        for line in invoice[name] or ()
    ]
    rows += [(line["description"], _price(line["unit_price"])) for line in invoice["classic"] or ()]
    rows.append(("Total without tax", _price(invoice["total_tax_excluded"])))
    rows.append(("Tax", _price(invoice["total_tax"])))
    return rows


def _price(money: dict[str, Any]) -> str:
    return f"{money['amount']:.2f} {money['currency']}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
