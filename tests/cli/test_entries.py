"""
Log entries as lines for people and as JSON.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from rich.cells import cell_len

from clever_v4 import AccessLogEntry, LogEntry
from clever_v4.cli.entries import HumanFormat, as_json, date_text, label_width
from clever_v4.cli.text import plain
from clever_v4.wire.converter import converter
from clever_v4.wire.scalars import parse_moment

DATE = datetime(2024, 3, 27, 10, tzinfo=UTC)
PLAIN = HumanFormat(in_colour=False)
COLOURED = HumanFormat(in_colour=True)


def entry(message: str | None, **members: Any) -> LogEntry:
    """
    An entry of an application.
    """
    given = {"id": "1:2:3", "date": "2024-03-27T10:00:00.000Z", "message": message}
    return converter.structure({**given, **members}, LogEntry)


def access(**members: Any) -> AccessLogEntry:
    """
    An entry of an access log.
    """
    given = {"id": "1:2:3", "date": "2024-03-27T10:00:00.000Z"}
    return converter.structure({**given, **members}, AccessLogEntry)


@pytest.mark.parametrize(
    ("date", "text"),
    [
        (DATE, "2024-03-27T10:00:00.000Z"),
        (DATE + timedelta(microseconds=1), "2024-03-27T10:00:00.000001Z"),
        (DATE.astimezone(timezone(timedelta(hours=2))), "2024-03-27T10:00:00.000Z"),
    ],
)
def test_a_date_is_written_in_utc(date: datetime, text: str) -> None:
    """
    With microseconds only where it has them.
    """
    assert date_text(date) == text


def test_the_lines_of_a_message_stand_below_each_other() -> None:
    """
    Indentation is kept; an empty message is its date.
    """
    assert PLAIN.lines(entry("Traceback\n  File\n\nend")) == (
        "2024-03-27T10:00:00.000Z Traceback\n"
        "                           File\n"
        "\n"
        "                         end\n"
    )
    assert PLAIN.lines(entry("")) == "2024-03-27T10:00:00.000Z \n"
    assert PLAIN.lines(entry("  two  ")) == "2024-03-27T10:00:00.000Z   two  \n"


def test_a_date_in_another_zone_or_with_more_digits_is_shown_in_utc() -> None:
    """
    To the millisecond.
    """
    shown = PLAIN.lines(entry("x", date="2024-03-27T12:00:00.123456789+02:00"))
    assert shown == "2024-03-27T10:00:00.123Z x\n"


def test_colours_are_shown_only_where_they_are_wanted() -> None:
    """
    Those of the message too; the severity colours the date.
    """
    failing = entry("\x1b[31mred\x1b[0m \x1b[2J", severity="err")
    assert PLAIN.lines(failing) == "2024-03-27T10:00:00.000Z red \n"
    assert COLOURED.lines(failing) == (
        "\x1b[31m2024-03-27T10:00:00.000Z\x1b[0m \x1b[31mred\x1b[0m \x1b[0m\n"
    )
    assert COLOURED.lines(entry("x")) == "\x1b[2m2024-03-27T10:00:00.000Z\x1b[0m x\n"


def test_a_label_stands_before_every_line() -> None:
    """
    As wide as the widest; each source has its own colour.
    """
    labelled = HumanFormat(in_colour=False, label="shop", label_width=6)
    assert labelled.lines(entry("a\nb")) == (
        "shop   | 2024-03-27T10:00:00.000Z a\nshop   |                          b\n"
    )
    coloured = HumanFormat(in_colour=True, label="shop", label_width=4, number=1)
    assert coloured.lines(entry("a")).startswith("\x1b[35mshop |\x1b[0m \x1b[2m2024")
    assert label_width(["a", "abc"]) == 3
    assert label_width([]) == 0
    assert label_width(["x" * 80]) == 32


@pytest.mark.parametrize("label", ["東京-api", "shop", "cafe\u0301", "🚀 launch", "a\x1b[31mb"])
def test_the_bars_of_labels_stand_below_each_other(label: str) -> None:
    """
    Counted in cells of the terminal: a wide character takes two, an accent of its own none.
    """
    labels = [label, "a-longer-name"]
    for in_colour in (False, True):
        shown = [
            HumanFormat(in_colour=in_colour, label=one, label_width=label_width(labels)).lines(
                entry("x")
            )
            for one in labels
        ]
        cells = {cell_len(re.sub(r"\x1b\[\d+m", "", line).partition("|")[0]) for line in shown}
        assert cells == {14}
        assert label_width([label]) == cell_len(plain(label))


def test_what_was_asked_for_by_name_is_shown() -> None:
    """
    By its name on the wire; what is absent is left out, and a message that was not asked for.
    """
    asking = HumanFormat(in_colour=False, fields=("date", "instanceId", "pid", "zone"))
    shown = asking.lines(entry(None, instanceId="i-1", pid=7))
    assert shown == "2024-03-27T10:00:00.000Z instanceId=i-1 pid=7\n"
    without_date = converter.structure({"id": "1:2:3", "message": "a\nb"}, LogEntry)
    assert PLAIN.lines(without_date) == "a\nb\n"
    nothing = converter.structure({"id": "1:2:3"}, LogEntry)
    assert PLAIN.lines(nothing) == "\n"


HTTP = {
    "source": {"ip": "203.0.113.7", "countryCode": "FR", "city": "Nantes"},
    "http": {
        "request": {"method": "GET", "path": "/a?b"},
        "response": {"statusCode": 200},
    },
    "bytesIn": 10,
    "bytesOut": 20,
}


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        (HTTP, "203.0.113.7 FR/Nantes 200 GET /a?b in=10 out=20"),
        ({"source": {"ip": "203.0.113.7"}}, "203.0.113.7 "),
        ({"http": {"request": None, "response": None}}, "- - - in=- out=-"),
        ({"http": {"request": {}, "response": {"statusCode": 503}}}, "- 503 - - in=- out=-"),
    ],
)
def test_an_access_is_one_line(members: dict[str, Any], shown: str) -> None:
    """
    Who, from where, what came of it; what is not known is a dash.
    """
    assert shown in PLAIN.lines(access(**members))


@pytest.mark.parametrize(
    ("status", "code"), [(200, "32"), (304, "36"), (404, "33"), (500, "31"), (None, "31")]
)
def test_the_status_of_an_access_is_coloured(status: int | None, code: str) -> None:
    """
    Green, cyan, yellow, red; red too where there is none.
    """
    shown = COLOURED.lines(access(http={"request": None, "response": {"statusCode": status}}))
    assert f"\x1b[{code}m{status or '-'}\x1b[0m" in shown


def test_an_access_of_which_nothing_else_was_asked_for_is_its_date() -> None:
    """
    And the members that were.
    """
    asking = HumanFormat(in_colour=False, fields=("date", "bytesIn"))
    assert asking.lines(access(bytesIn=5)) == "2024-03-27T10:00:00.000Z bytesIn=5\n"


@pytest.mark.parametrize(
    "data",
    [
        '{"date":"2024-03-27T10:00:00.000Z","message":"é \\u00e9","new":{"a":[1.50,1e2]}}',
        '{"message":"no date"}',
        '{"date":null, "n":100000000000000000000000000000000}',
    ],
)
def test_an_entry_as_json_is_what_the_api_sent(data: str) -> None:
    """
    To the character: members that are new, digits and spaces.
    """
    assert as_json(data, parse_moment) == data


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (
            '{"date":"2024-03-27T10:00:00.123456Z[UTC]"}',
            '{"date":"2024-03-27T10:00:00.123456Z"}',
        ),
        ('{"date":"2024-03-27T12:00:00+02:00"}', '{"date":"2024-03-27T10:00:00.000Z"}'),
        ('{"date":1711533600000}', '{"date":"2024-03-27T10:00:00.000Z"}'),
        ('{"date":"soon"}', '{"date":"soon"}'),
        ('{"date":true}', '{"date":true}'),
        ('{"date":[1]}', '{"date":[1]}'),
        ('{\n "message":\r\n "é"\n}', '{"message":"é"}'),
        ('{"message":"half \\ud83d"}', '{"message":"half \\ud83d"}'),
    ],
)
def test_an_entry_as_json_is_one_line_with_a_date_in_one_form(data: str, written: str) -> None:
    """
    A date that is none, and half a surrogate pair, stay what they are.
    """
    assert as_json(data, parse_moment) == written
    assert json.loads(written) is not None


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{not JSON",
        "[1]",
        "null",
        '{"a":NaN}',
        '{"a":01}',
        '{"id":',
        "[" * 100_000,
        '{"n":1e999}',
    ],
)
def test_what_is_no_entry_is_refused(data: str) -> None:
    """
    So that every line is an object.
    """
    with pytest.raises(ValueError):
        as_json(data, parse_moment)
