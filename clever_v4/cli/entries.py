"""
Log entries as lines of text for people and as JSON for programs; pure.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import msgspec
from rich.cells import cell_len

from .text import coloured_lines, lines_of, painted, plain

__all__ = ["HumanFormat", "as_json", "date_text", "label_width"]

_LABEL_CODES: Final = ("36", "35", "34", "33", "32", "96", "95", "94", "93", "92")
_SEVERE: Final = {"emerg": "1;31", "alert": "1;31", "crit": "1;31", "err": "31", "warning": "33"}
_DIM: Final = "2"
_DATE_WIDTH: Final = len("2024-03-27T10:00:00.000Z")
_AS_WE_WRITE_IT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def date_text(date: datetime) -> str:
    """
    Write a moment in UTC: milliseconds, or microseconds where it has them.
    """
    text = date.astimezone(UTC).isoformat(
        timespec="microseconds" if date.microsecond % 1000 else "milliseconds"
    )
    return text.replace("+00:00", "Z")


@attrs.frozen(kw_only=True)
class HumanFormat:
    """
    Entries of one source as lines for people.

    Attributes:
        in_colour: Whether colours are shown, those in messages included; else nothing but text.
        label: What stands before every line; empty for a source that is alone.
        number: Which source it is: chooses the label's colour.
        fields: Fields that were asked for by name: they are shown, too.
    """

    in_colour: bool
    label: str = ""
    label_width: int = 0
    number: int = 0
    fields: tuple[str, ...] = ()
    _prefix: str = attrs.field(
        init=False, default=attrs.Factory(lambda self: self._make_prefix(), takes_self=True)
    )

    def lines(self, entry: Any) -> str:
        """
        Give an entry as one or more lines, each with its end.
        """
        if hasattr(entry, "bytes_in"):
            date, severity, message = entry.date, None, self._access(entry)
        else:
            date, severity, message = entry.date, entry.severity, entry.message
        parts = coloured_lines(message or "") if self.in_colour else lines_of(message or "")
        if not self.in_colour:
            parts = [plain(part) for part in parts]
        head = []
        if date is not None:
            head.append(self._paint(_to_the_millisecond(date), _SEVERE.get(severity or "", _DIM)))
        if self.fields:
            head += self._asked(entry)
        if message is not None or not head:
            head.append(parts[0])
        first = _line(self._prefix + " ".join(head))
        if len(parts) == 1:
            return first
        indent = self._prefix + (" " * (_DATE_WIDTH + 1) if date is not None else "")
        return first + "".join(_line(indent + part) for part in parts[1:])

    def _make_prefix(self) -> str:
        if not self.label:
            return ""
        label = plain(self.label)
        # Cells of the terminal, of which one wide character takes two.
        label += " " * (self.label_width - cell_len(label))
        return self._paint(f"{label} |", _LABEL_CODES[self.number % len(_LABEL_CODES)]) + " "

    def _paint(self, text: str, code: str) -> str:
        return painted(text, code) if self.in_colour else text

    def _asked(self, entry: Any) -> list[str]:
        shown = []
        for name in self.fields:
            if name in {"date", "message"}:
                continue
            value = getattr(entry, _snake(name), None)
            if isinstance(value, str | int | float):
                shown.append(f"{plain(name)}={plain(str(value))}")
        return shown

    def _access(self, entry: Any) -> str | None:
        if self.fields and entry.source is None and entry.http is None:
            return None
        where = entry.source
        words = [(where.ip if where else None) or "-"]
        if where is not None and (where.country_code or where.city):
            words.append("/".join(filter(None, (where.country_code, where.city))))
        if entry.http is None:
            words.append(str(entry.kind))
        else:
            response, request = entry.http.response, entry.http.request
            status = response.status_code if response else None
            words.append(self._paint(str(status or "-"), _status_code(status)))
            words += [request.method or "-", request.path or "-"] if request else ["-"]
        words.append(f"in={_or_dash(entry.bytes_in)} out={_or_dash(entry.bytes_out)}")
        return " ".join(words)


def _line(text: str) -> str:
    # The spaces at the end of a message are its own; those of an empty one are only our indent.
    return f"{text}\n" if text and not text.isspace() else "\n"


def _to_the_millisecond(date: datetime) -> str:
    # So that the messages stand below each other.
    utc = date if date.tzinfo is UTC else date.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[: _DATE_WIDTH - 1] + "Z"


def _or_dash(value: object) -> object:
    return "-" if value is None else value


def _status_code(status: int | None) -> str:
    if status is None or status >= 500:
        return "31"
    return "33" if status >= 400 else "36" if status >= 300 else "32"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), name)


def as_json(data: str, parse_date: Callable[[object], datetime]) -> str:
    """
    Give an entry as one line of JSON: every member as the API sent it, the date in one form.

    The API's dates may end in ``[UTC]`` or have nanoseconds; programs read ISO 8601. An entry
    whose date needs no change is passed on as it came, which is most of them, and costs a sixth.

    Raises:
        ValueError: It is not a JSON object.
    """
    if _needs_no_change(data):
        return data
    try:
        entry = json.loads(data, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(entry, dict):
        raise ValueError("expected an object")
    date = entry.get("date")
    if isinstance(date, str | int | float) and not isinstance(date, bool):
        # One that is no date is shown as it came.
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            entry["date"] = date_text(parse_date(date))
    # A number that is too large for a float would become Infinity, which is not JSON: refused.
    text = json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if text.isascii() or _is_encodable(text):
        return text
    return json.dumps(entry, separators=(",", ":"))


def _needs_no_change(data: str) -> bool:
    """
    Whether it is a JSON object on one line whose date, if any, is as we write dates.
    """
    if "\n" in data or "\r" in data:
        return False
    try:
        entry = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        # Half a surrogate pair, for one: the other reader decides.
        return False
    if not isinstance(entry, dict):
        return False
    date = entry.get("date")
    return date is None or (isinstance(date, str) and bool(_AS_WE_WRITE_IT.fullmatch(date)))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _is_encodable(text: str) -> bool:
    # Half a surrogate pair is JSON but not text: it stays an escape.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def label_width(labels: Sequence[str]) -> int:
    """
    Give the width in cells that all labels fit in; a very long one may stand out.
    """
    return min(max((cell_len(plain(label)) for label in labels), default=0), 32)
