"""
Lists as tables that fit the terminal, or as JSON.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

import attrs

from .entries import date_text
from .terminal import Terminal
from .text import plain, without_controls

__all__ = [
    "Column",
    "Format",
    "cell",
    "print_table",
    "show",
    "show_list",
    "state_style",
    "table_text",
]

Format = Literal["human", "json"]

T = TypeVar("T")

_GOOD = {"SUCCEEDED", "PAID", "UP", "READY"}
_BAD = {"FAILED", "CANCELLED", "CANCELED", "PAYMENTHELD", "WONTPAY", "GHOST"}
_DONE = {"DELETED", "REFUNDED"}


@attrs.frozen
class Column:
    """
    One column of a table.

    Attributes:
        weight: What is left out first where the terminal is narrow: the highest; 0 is always
            shown.
    """

    title: str
    weight: int = 0
    is_number: bool = False


def cell(value: object) -> str:
    """
    Write a value for people; what is not known is a dash.
    """
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, datetime):
        # As in the logs and in JSON: it says its zone, and --since reads it as the same moment.
        return date_text(value).replace(".000Z", "Z")
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value)) or "-"
    return plain(str(value))


def duration_text(value: timedelta) -> str:
    """
    Write a duration with its two largest units: ``1 d 2 h``, ``3 min 20 s``.
    """
    seconds = round(value.total_seconds())
    parts = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def state_style(state: str) -> str:
    """
    Give the colour of a state; an unknown one has none.
    """
    if state in _GOOD:
        return "green"
    if state in _BAD:
        return "red"
    return "dim" if state in _DONE else "yellow"


async def show(
    terminal: Terminal, format: Format, value: object, human: Callable[[], Awaitable[None]]
) -> None:
    """
    Print one thing in the form that was asked for.

    Args:
        terminal: Where to.
        format: ``human`` or ``json``.
        value: The model, or what has its members by the API's names.
        human: Prints it for people.
    """
    if format == "json":
        await print_json(terminal, value)
    else:
        await human()


async def show_list(
    terminal: Terminal,
    format: Format,
    found: Sequence[T],
    columns: Sequence[Column],
    row: Callable[[T], Sequence[object]],
    *,
    nothing: str,
    state: str | None = None,
) -> None:
    """
    Print many things in the form that was asked for.

    Args:
        terminal: Where to.
        format: ``human`` or ``json``.
        found: The models.
        columns: The columns of the table for people.
        row: Gives one's values for them.
        nothing: What people are told when there are none.
        state: The column whose values are coloured as states.
    """

    async def table() -> None:
        await print_table(terminal, columns, map(row, found), nothing=nothing, state=state)

    await show(terminal, format, found, table)


async def print_table(
    terminal: Terminal,
    columns: Sequence[Column],
    rows: Iterable[Sequence[object]],
    *,
    nothing: str,
    state: str | None = None,
) -> None:
    """
    Print a table, or tell that there is nothing.

    Args:
        terminal: Where to.
        columns: The columns.
        rows: A value for each column.
        nothing: What to tell when there are no rows.
        state: The column whose values are coloured as states.
    """
    given = list(rows)
    if not given:
        terminal.tell(f"clever-v4: {nothing}")
        return
    text = table_text(
        columns, given, width=terminal.width, in_colour=terminal.in_colour, state=state
    )
    await terminal.out.write(text)


def table_text(
    columns: Sequence[Column],
    rows: Sequence[Sequence[object]],
    *,
    width: int | None,
    in_colour: bool,
    state: str | None = None,
) -> str:
    """
    Lay a table out: as wide as it needs for a program, not wider than the terminal for a person.
    """
    from rich.console import Console
    from rich.measure import Measurement

    def console(columns_count: int) -> Console:
        return Console(
            file=io.StringIO(),
            width=columns_count,
            force_terminal=in_colour,
            color_system="standard" if in_colour else None,
            no_color=not in_colour,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
        )

    shown = list(range(len(columns)))
    unbounded = console(100_000)
    while True:
        table = _table(columns, rows, shown, state)
        needed = Measurement.get(unbounded, unbounded.options, table).maximum
        # The columns that matter least go first; those that are left then wrap.
        droppable = [one for one in shown if columns[one].weight]
        if width is None or needed <= width or not droppable:
            break
        shown.remove(max(droppable, key=lambda one: columns[one].weight))
    target = console(needed if width is None else min(needed, width))
    target.print(table)
    file = target.file
    assert isinstance(file, io.StringIO)  # noqa: S101  -- given above
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def _table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[object]],
    shown: Sequence[int],
    state: str | None,
) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for index in shown:
        column = columns[index]
        table.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            overflow="fold",
        )
    for row in rows:
        cells = []
        for index in shown:
            text = cell(row[index])
            is_state = columns[index].title == state
            cells.append(Text(text, style=state_style(text) if is_state else ""))
        table.add_row(*cells)
    return table


async def print_json(terminal: Terminal, value: object) -> None:
    """
    Print models as JSON with the API's names; amounts keep the digits that the API sent.
    """
    import msgspec

    from clever_v4.wire.converter import converter

    encoded = msgspec.json.Encoder(decimal_format="number", order=None).encode(
        converter.unstructure(value)
    )
    text = msgspec.json.format(encoded.decode(), indent=2)
    if terminal.is_terminal:
        text = without_controls(text)
    # JSON is UTF-8, whatever the terminal is.
    await terminal.out.write(f"{text}\n".encode())
