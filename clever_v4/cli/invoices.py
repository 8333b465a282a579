"""
``clever-v4 invoices`` and ``clever-v4 invoice``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .account import Account, find_owner
from .moments import Count, period
from .tables import Column, Format, cell, print_table, show, show_list
from .terminal import CommandError, Terminal, UsageError, usage

if TYPE_CHECKING:
    from clever_v4.api.invoices import Invoice, InvoiceQuery, InvoiceSummary, Money, Progress
    from clever_v4.session import Session

__all__ = ["invoice", "invoices"]

COLUMNS = (
    Column("NUMBER"),
    Column("DATE", 1),
    Column("STATUS"),
    Column("KIND", 3),
    Column("WITHOUT TAX", 4, is_number=True),
    Column("TAX", 5, is_number=True),
    Column("TO PAY", is_number=True),
    Column("PAID ON", 2),
)

LINE_COLUMNS = (
    Column("WHAT"),
    Column("FOR", 1),
    Column("QUANTITY", 2, is_number=True),
    Column("PRICE", is_number=True),
)


async def invoices(
    *,
    since: str | None = None,
    until: str | None = None,
    limit: Count | None = None,
    unpaid: bool = False,
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> None:
    """
    List the invoices of an organisation or user.

    Args:
        since: Emitted at this date or later: ISO 8601 (local time without an offset), or that long
            ago such as 90d; `all` for all. Without it: what the API shows, which is not all.
        until: Emitted not later than this, likewise. Without it: up to now.
        limit: How many at most, the newest. Without it: all of that time.
        unpaid: Only those that are to be paid.
        format: human or json.
    """
    query = _query(since, until)
    if unpaid and query is not None:
        raise UsageError("--unpaid cannot be combined with --since or --until")
    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be at least 1, got {limit}")
    async with account.session() as session:
        owner_id = await find_owner(session, account)
        with usage():
            found = (
                await session.invoices.list_unpaid(owner_id)
                if unpaid
                else await session.invoices.list(owner_id, query)
            )
    if limit is not None:
        # Not by the API: which ones it leaves out, no source says.
        newest = sorted(range(len(found)), key=lambda one: found[one].emission_date)[-limit:]
        found = [found[one] for one in sorted(newest)]
    nothing = (
        "no unpaid invoices" if unpaid else "no invoices in this period (--since all shows all)"
    )
    await show_list(terminal, format, found, COLUMNS, _row, nothing=nothing, state="STATUS")


def _row(one: InvoiceSummary) -> tuple[object, ...]:
    return (
        one.invoice_number,
        one.emission_date,
        one.status,
        one.type or one.kind,
        money(one.total_tax_excluded),
        money(one.total_tax),
        money(_total(one)),
        one.pay_date,
    )


async def invoice(
    number: str,
    /,
    *,
    html: bool = False,
    pdf: bool = False,
    output: Annotated[str | None, Parameter(alias="-o", allow_leading_hyphen=True)] = None,
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> None:
    """
    Show one invoice with its lines, or save it as HTML or PDF.

    Args:
        number: Such as F20250602-015972.
        html: As a page of HTML.
        pdf: As a PDF.
        output: The file to write, complete or not at all. Without it, or with `-`: standard output.
        format: human or json, where it is neither HTML nor PDF.
    """
    if html and pdf:
        raise UsageError("choose one of --html and --pdf")
    if output is not None and not (html or pdf):
        raise UsageError("--output needs --html or --pdf")
    if pdf and output in (None, "-") and terminal.is_terminal:
        raise UsageError("a PDF is not for a terminal: name a file with -o FILE")
    async with account.session() as session:
        owner_id = await _owner_of(session, account, number)
        if html or pdf:
            download = session.invoices.download_html if html else session.invoices.download_pdf
            await _save(
                terminal,
                number,
                output,
                lambda to, on_progress: download(owner_id, number, to, on_progress=on_progress),
            )
            return
        with usage():
            found = await session.invoices.get(owner_id, number)
    await show(terminal, format, found, partial(_details, terminal, found))


async def _owner_of(session: Session, account: Account, number: str) -> str:
    """
    Give the id of the owner that was named; without a name, of the one that has the invoice.
    """
    from clever_v4.errors import NotFoundError, PermissionDeniedError

    if account.owner is not None:
        return await find_owner(session, account)
    owners = (await session.owners.summary()).owners
    if len(owners) == 1:
        return owners[0].id
    for owner in owners:
        with usage(), contextlib.suppress(NotFoundError, PermissionDeniedError):
            await session.invoices.get(owner.id, number)
            return owner.id
    names = ", ".join(owner.name or owner.id for owner in owners)
    raise CommandError(
        f"no invoice {number!r} is visible with these credentials; asked for {names}"
    )


def _query(since: str | None, until: str | None) -> InvoiceQuery | None:
    from clever_v4.api.invoices import ALL, InvoiceQuery

    if since is None and until is None:
        return None
    is_all = since == "all"
    with usage():
        begin, end = period(None if is_all else since, until, now=datetime.now(UTC))
        return InvoiceQuery(since=ALL if is_all else begin, until=end)


async def _save(
    terminal: Terminal,
    number: str,
    output: str | None,
    download: Callable[[Any, Progress | None], Awaitable[int]],
) -> None:
    if output in (None, "-"):
        with usage():
            await download(_Out(terminal), None)
        return
    assert output is not None  # noqa: S101  -- looked at above
    try:
        with usage(), _progress(terminal, number) as on_progress:
            size = await download(output, on_progress)
    except OSError as exc:
        if exc.filename is None and exc.errno is None:
            raise  # an error of the network, which is one of ours
        raise CommandError(f"cannot write {output}: {exc.strerror}") from exc
    terminal.tell(f"clever-v4: wrote {size:,} bytes to {os.fspath(output)}")


class _Out:
    """
    Standard output as a file object; written to in threads.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._out = terminal.out

    def write(self, data: bytes, /) -> int:
        """
        Write all of it.
        """
        return self._out.write_in_thread(data)


@contextmanager
def _progress(terminal: Terminal, number: str) -> Iterator[Progress | None]:
    """
    Show a progress bar on standard error, where it is a terminal.
    """
    if not terminal.tells_person:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = Console(file=terminal.stderr, no_color=not terminal.tells_in_colour)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"Invoice {cell(number)}", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


async def _details(terminal: Terminal, found: Invoice) -> None:
    facts = [
        ("Invoice", found.invoice_number),
        ("Status", found.status),
        ("Emitted", found.emission_date),
        ("Paid", found.pay_date),
        ("Addressed to", _addressee(found)),
        ("Without tax", money(found.total_tax_excluded)),
        ("Tax", money(found.total_tax)),
        ("To pay", money(_total(found))),
    ]
    width = max(len(name) for name, _ in facts)
    head = "".join(f"{name:<{width}}  {cell(value)}\n" for name, value in facts)
    await terminal.out.write(f"{head}\n")
    await print_table(terminal, LINE_COLUMNS, list(_lines(found)), nothing="no lines")


def _addressee(found: Invoice) -> str | None:
    address = found.address
    return (address.company or address.name) if address is not None else None


def _lines(found: Invoice) -> Iterator[tuple[object, ...]]:
    for uptime in found.uptimes:
        yield (uptime.category or "uptime", uptime.app_id, None, money(uptime.price))
    for countable in found.countables:
        quantity = countable.quantity
        unit = f" {countable.unit_name}" if countable.unit_name else ""
        yield (
            countable.service or countable.category,
            countable.app_id,
            None if quantity is None else f"{quantity.normalize():f}{unit}",
            money(countable.price),
        )
    for vendor in found.vendor_consumption:
        yield (vendor.vendor_id, vendor.app_id, None, money(vendor.price))
    for classic in found.classic:
        quantity = classic.quantity
        yield (
            classic.description,
            classic.sub_description,
            None if quantity is None else f"{quantity.normalize():f}",
            money(classic.unit_price),
        )


def _total(found: Any) -> Money | None:
    try:
        total: Money = found.total_tax_included
    except ValueError:
        return None  # two currencies
    return total


def money(amount: Money | None) -> str | None:
    """
    Write an amount with two decimals at least and its currency.
    """
    if amount is None:
        return None
    value = amount.amount.normalize()
    exponent = value.as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{value:,.{decimals}f} {amount.currency}"
