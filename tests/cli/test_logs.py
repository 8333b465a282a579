"""
``clever-v4 logs``: what is asked for, of whom, and in which format.
"""

from __future__ import annotations

import attrs
import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f

from .running import Command, Elsewhere, start

WINDOW = ("--since", "2024-03-27T09:59:30Z", "--until", "2024-03-27T10:00:00Z")
"""Half a minute before the moment at which the emulator stands still."""


def test_one_application(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    Its owner is found by itself; nothing but its entries is written.
    """
    assert clever("logs", "shop-api", *WINDOW).shown == snapshot


def test_several_are_told_apart(clever: Command, emulator: Emulator) -> None:
    """
    Each line begins with the name; each log keeps its order; one named twice comes once.
    """
    names = ("shop-api", "shop-worker", "ada-blog")
    first = emulator.applications[0]
    ran = clever("logs", *names, first.id, *WINDOW, "--service", "all")
    assert (ran.code, ran.err) == (0, "")
    lines = [line for line in ran.out.splitlines() if "| 2024-" in line]
    for name in names:
        [application] = [one for one in emulator.applications if one.name == name]
        dates = [line.split()[2] for line in lines if line.split()[0] == name]
        assert dates == [
            f"{str(entry['date'])[:23]}Z"
            for entry in emulator.produced(application.id)
            if "2024-03-27T09:59:30" <= str(entry["date"]) < "2024-03-27T10:00:00"
        ]
        assert dates
    assert {line.index("|") for line in lines} == {len("shop-worker ")}


@pytest.mark.parametrize("output_format", ["human", "json", "jsonl"])
def test_the_formats(clever: Command, snapshot: SnapshotAssertion, output_format: str) -> None:
    """
    For people, one array, one entry a line.
    """
    ran = clever("logs", "shop-api", *WINDOW, "--limit", "4", "--format", output_format)
    assert ran.shown == snapshot
    if output_format != "human":
        entries = ran.json if output_format == "json" else ran.json_lines
        assert [entry["id"].split(":")[1] for entry in entries] == ["1984", "1985", "1986", "1987"]


def test_every_option_reaches_the_api(clever: Command, emulator: Emulator) -> None:
    """
    Those of the query and the throttle, under the API's names.
    """
    ran = clever(
        *("logs", "shop-api", *WINDOW, "--limit", "5", "--filter", "GET 100%"),
        *("--service", "bas", "--service", "cron", "--deployment-id", "deployment_1"),
        *("--instance-id", "i-1", "--instance-id", "i-2", "--field", "date", "--field", "message"),
        *("--throttle", "7/250ms"),
    )
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    [connection] = emulator.connections
    assert sorted(connection.query) == [
        ("deploymentId", "deployment_1"),
        ("field", "date"),
        ("field", "message"),
        ("filter", "GET 100%"),
        ("instanceId", "i-1"),
        ("instanceId", "i-2"),
        ("limit", "5"),
        ("service", "bas"),
        ("service", "cron"),
        ("since", "2024-03-27T09:59:30.000Z"),
        ("throttleElements", "7"),
        ("throttlePerInMilliseconds", "250"),
        ("until", "2024-03-27T10:00:00.000Z"),
    ]


@pytest.mark.parametrize(
    ("throttle", "expected"),
    [("cli", ("2000", "100")), ("console", ("1000", "10")), ("server", ("100", "300"))],
)
def test_the_throttle_by_name(
    clever: Command, emulator: Emulator, throttle: str, expected: tuple[str, str]
) -> None:
    """
    The official command line's, the web console's, the server's own.
    """
    assert clever("logs", "shop-api", *WINDOW, "--limit", "1", "--throttle", throttle).code == 0
    asked = dict(emulator.connections[0].query)
    assert (asked["throttleElements"], asked["throttlePerInMilliseconds"]) == expected


def test_the_official_names_of_options(clever: Command, emulator: Emulator) -> None:
    """
    ``--after``, ``--before``, ``--search`` and ``-F`` as in the official command line.
    """
    ran = clever(
        *("logs", "shop-api", "--after", WINDOW[1], "--before", WINDOW[3]),
        *("--search", "indented", "-F", "jsonl"),
    )
    assert ran.json_lines
    assert all("indented" in entry["message"] for entry in ran.json_lines)


def test_fields_that_were_asked_for_are_shown(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    Beside date and message.
    """
    fields = ("--field", "date", "--field", "message", "--field", "severity")
    assert clever("logs", "shop-api", *WINDOW, "--limit", "3", *fields).shown == snapshot


def test_access_logs(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    HTTP, TCP and SSH alike, one line each.
    """
    assert clever("logs", "shop-api", "--access", *WINDOW).shown == snapshot


@pytest.mark.parametrize("by", ["name", "id", "real_id"])
def test_the_log_of_an_addon(clever: Command, emulator: Emulator, by: str) -> None:
    """
    By name and by either of its ids.
    """
    addon = emulator.addons[0]
    ran = clever("logs", "--addon", getattr(addon, by), *WINDOW, "--format", "jsonl")
    assert ran.code == 0
    assert ran.json_lines[0]["resourceId"] == addon.real_id
    assert addon.real_id in emulator.connections[0].path


def test_the_accesses_of_an_addon(clever: Command, emulator: Emulator) -> None:
    """
    Of its real id.
    """
    ran = clever("logs", "--access", "--addon", "shop-database", *WINDOW, "--limit", "2")
    assert (ran.code, len(ran.out.splitlines())) == (0, 2)
    assert emulator.connections[0].path.endswith(f"/{emulator.addons[0].real_id}/accesslogs")


def test_an_addon_without_a_real_id_has_no_logs(clever: Command, emulator: Emulator) -> None:
    """
    It is said, and nothing is asked for.
    """
    addon = emulator.addons[0]
    emulator.state.addons[addon.id] = attrs.evolve(addon, real_id=None)
    ran = clever("logs", "--addon", addon.id, *WINDOW)
    assert (ran.code, ran.out, len(emulator.connections)) == (2, "", 0)
    assert "the add-on shop-database has no logs: it has no real id" in ran.err


def test_owner_and_application_by_id_ask_nobody_else(clever: Command, emulator: Emulator) -> None:
    """
    Not even what there is: it works for what the credentials' summary does not show.
    """
    application = emulator.applications[0]
    emulator.faults.push(f.EmptyError(status=500), path="/v2/summary")
    ran = clever("logs", application.id, "--owner", application.owner_id, *WINDOW, "--limit", "1")
    assert ran.code == 0
    assert emulator.faults.pending == 1


MISTAKES = {
    "nothing named": (),
    "no number": ("shop-api", "--limit", "many"),
    "no entry": ("shop-api", "--limit", "0"),
    "no moment": ("shop-api", "--since", "tomorrow"),
    "a period backwards": (
        "shop-api",
        "--since",
        "2024-03-27T00:00Z",
        "--until",
        "2024-03-26T00:00Z",
    ),
    "an empty filter": ("shop-api", "--filter", ""),
    "an empty name": ("",),
    "no throttle": ("shop-api", "--throttle", "fast"),
    "no silence": ("shop-api", "--heartbeat-timeout", "0"),
    "no format": ("shop-api", "--format", "xml"),
    "no such option": ("shop-api", "--colour"),
    "a filter of accesses": ("shop-api", "--access", "--filter", "GET"),
    "services of an add-on": ("--addon", "shop-database", "--service", "all"),
    "no address": ("shop-api", "--base-url", "ftp://api"),
    "no token": ("shop-api", "--api-token", ""),
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_explained(
    clever: Command, snapshot: SnapshotAssertion, arguments: tuple[str, ...]
) -> None:
    """
    In one line, with where to read more; nothing is written and the exit code is 2.
    """
    ran = clever("logs", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.shown == snapshot


def test_one_that_is_not_found_does_not_keep_the_others(clever: Command) -> None:
    """
    But the exit code tells of it.
    """
    ran = clever("logs", "nowhere", "shop-api", *WINDOW, "--limit", "1")
    assert (ran.code, len(ran.out.splitlines())) == (1, 1)
    assert "no application 'nowhere' is visible" in ran.err


@pytest.mark.parametrize("output_format", ["json", "jsonl"])
def test_nothing_as_json(clever: Command, output_format: str) -> None:
    """
    An array without entries, or no line.
    """
    ran = clever("logs", "shop-api", *WINDOW, "--filter", "no such text", "-F", output_format)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == {"json": "[]\n", "jsonl": ""}[output_format]


def test_an_array_also_where_the_application_is_not_found(clever: Command) -> None:
    """
    Whoever reads it as JSON can.
    """
    ran = clever("logs", "nowhere", "-F", "json")
    assert (ran.code, ran.json) == (1, [])


def test_an_array_also_without_credentials(command: Command) -> None:
    """
    The message says where they were looked for.
    """
    ran = command("logs", "shop-api", "-F", "json")
    assert (ran.code, ran.json) == (1, [])
    assert "no credentials" in ran.err


def test_an_array_also_where_the_first_request_fails(clever: Command, emulator: Emulator) -> None:
    """
    As an outage makes it.
    """
    emulator.faults.push(f.Unauthorized(), path="/v2/summary")
    ran = clever("logs", "shop-api", "-F", "json")
    assert (ran.code, ran.json) == (1, [])
    assert "HTTP 401" in ran.err


def test_on_a_terminal(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    Labels, dates by severity and the messages' own colours.
    """
    ran = clever("logs", "shop-worker", "ada-blog", *WINDOW, "--limit", "12", on_terminal=True)
    lines = sorted(ran.out.splitlines())
    assert any("\x1b[36m" in line for line in lines)
    assert lines == snapshot


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_no_colour_where_it_is_not_wanted(
    clever: Command, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """
    With ``NO_COLOR``, and on a terminal that has none.
    """
    monkeypatch.setenv(variable, "dumb")
    ran = clever("logs", "shop-worker", "ada-blog", *WINDOW, on_terminal=True)
    assert ran.code == 0
    assert "\x1b" not in ran.out + ran.err


def test_no_colour_in_a_pipe(clever: Command) -> None:
    """
    Nor any other escape sequence, whatever is in the messages.
    """
    ran = clever("logs", "shop-api", "--since", "2024-03-27T09:50Z", "--until", WINDOW[3])
    assert len(ran.out.splitlines()) > 250
    assert "\x1b" not in ran.out + ran.err


def test_a_million_lines_are_cut_short_without_a_word(live: Emulator) -> None:
    """
    ``clever-v4 logs ... | head -1`` is a success.
    """
    application = live.add_application("shop", history=1_000_000)
    with start("logs", application.id, "--since", "7d", emulator=live) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("20")
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, "")


def test_a_reader_that_goes_away_ends_a_silent_log(elsewhere: Elsewhere, live: Emulator) -> None:
    """
    At once, and not with its next entry.
    """
    application = live.add_application("shop")
    with start("logs", application.id, emulator=live) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        elsewhere.call(live.connections.wait_until(active=1))
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, "")
