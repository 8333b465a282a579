"""
Mistakes in arguments are told in the words that were typed, by every command.
"""

from __future__ import annotations

import re

import pytest

from clever_v4.emulator import Emulator

from .running import Command
from .test_app import COMMANDS

WINDOW = ("--since", "2024-03-27T09:59Z", "--until", "2024-03-27T10:00Z")

MISTAKES = [
    # What is typed, and what the message has to name.
    (("zones", "par", "shop-api"), "too many arguments: 'shop-api' cannot be placed"),
    (("deployments", "shop-api", "a", "b"), "too many arguments: 'a' 'b' cannot be placed"),
    (("emulator", "--demo", "x"), "too many arguments: 'x' cannot be placed"),
    (
        ("load-balancers", "shop-api", "--addon", "shop-cache"),
        "name APPLICATION or --addon, not both, got 'shop-api' and 'shop-cache'",
    ),
    (("load-balancers",), "name an application, or an add-on with --addon"),
    (("logs", "shop-api", "--limit", "0"), "--limit must be at least 1, got 0"),
    (("logs", "shop-api", "--limit", "1.5"), "--limit: it must be a whole number, got '1.5'"),
    (("logs", "shop-api", "--filter", ""), "--filter must not be empty, got ''"),
    (("logs", "shop-api", "--service", ""), "--service must not be empty, got ''"),
    (("logs", "shop-api", "--instance-id", ""), "--instance-id must not be empty, got ''"),
    (("logs", "shop-api", "--deployment-id", ""), "--deployment-id must not be empty, got ''"),
    (("logs", "shop-api", "--field", ""), "--field must not be empty, got ''"),
    (("logs", "shop-api", "--throttle", "0/1s"), "ELEMENTS of --throttle must be at least 1"),
    (("logs", "shop-api", "--throttle", "1/0s"), "the period of --throttle must be"),
    (("logs", "shop-api", "--heartbeat-timeout", "0"), "--heartbeat-timeout must be longer than 0"),
    (("logs", "shop-api", "--heartbeat-timeout", "x"), "--heartbeat-timeout must be a duration"),
    (
        ("logs", "shop-api", "--access", "--service", "x", *WINDOW),
        "--service is not a parameter of an access log, got 'x'",
    ),
    (
        ("logs", "shop-api", "--access", "--instance-id", "x", "--instance-id", "y", *WINDOW),
        "--instance-id is not a parameter of an access log, got 'x', 'y'",
    ),
    (("logs", "shop-api", "--base-url", "x"), "--base-url must be an http(s) address, got 'x'"),
    (("logs", "shop-api", "--base-url", ""), "--base-url must be an http(s) address, got ''"),
    (
        ("logs", "shop-api", "--base-url", "http://example.org"),
        "--base-url would send the credentials in clear text, got 'http://example.org'; use https\n",
    ),
    (("logs", "shop-api", "--api-token", ""), "--api-token must not be empty"),
    (("logs", "shop-api", "--api-token", "a b"), "--api-token must be printable ASCII"),
    (("logs", ""), "APPLICATION must not be empty, got ''"),
    (("logs", "--addon", ""), "--addon must not be empty, got ''"),
    (("logs", "shop-api", "--owner", ""), "--owner must not be empty, got ''"),
    (("logs", "shop-api", "--since", "x"), "--since must be a date such as"),
    (("logs", "shop-api", "--since", "1h", "--until", "2h"), "--since must not be after --until"),
    (("deployments", "shop-api", "--limit", "5000"), "--limit must be 1 to 1000, got 5000"),
    (("instances", "shop-api", "--limit", "1001"), "--limit must be 1 to 1000, got 1001"),
    (("deployments", "shop-api", "--action", ""), "--action must not be empty, got ''"),
    (("deployment", ""), "ID must be neither empty, '.' nor '..', got ''"),
    (("deployment", "..", "--app", "shop-api"), "ID must be neither empty"),
    (("deployment", "x", "--app", ""), "--application must not be empty, got ''"),
    (("deployment", "x", "--timeout", "0"), "--timeout must be longer than 0, got '0'"),
    (("deployment", "x", "--poll-interval", "0"), "--poll-interval must be longer than 0, got '0'"),
    (("instances", "shop-api", "--include-state", ""), "--include-state must not be empty"),
    (("instances", "shop-api", "--exclude-state", "up"), "--exclude-state is case sensitive"),
    (("zones", "--tag", ""), "--tag must not be empty, got ''"),
    (("zones", ""), "NAME must be neither empty, '.' nor '..', got ''"),
    (("zones", "par", "--tag", "x"), "name a zone or --tag, not both"),
    (("invoices", "--limit", "0"), "--limit must be at least 1, got 0"),
    (("invoices", "--unpaid", "--since", "1h"), "--unpaid cannot be combined with --since or"),
    (("invoice", "..", "--owner", "Ada Lovelace"), "NUMBER must be neither empty"),
    (("policies", "get", ""), "ADDON must not be empty, got ''"),
    (
        ("policies", "set", "shop-events", "--retention-duration", "1ms"),
        "--retention-duration must be whole minutes, since the server counts in minutes\n",
    ),
    (
        ("policies", "set", "shop-events", "--offload-size", "1", "--units", "megabytes"),
        "--offload-size must be a multiple of 1,000,000",
    ),
    (("policies", "set", "shop-events", "--offload-size", "x"), "--offload-size must be a size"),
    (("emulator", "--port", "99999"), "--port must be 0 to 65535, got 99999"),
    (("emulator", "--seed", "1.5"), "--seed: it must be a whole number, got '1.5'"),
    (("demo", "--seconds", "0"), "--seconds must be 1 to 86400, got 0"),
]


@pytest.mark.parametrize(("arguments", "told"), MISTAKES, ids=lambda one: str(one)[:50])
def test_a_mistake_is_told_in_the_words_that_were_typed(
    clever: Command, arguments: tuple[str, ...], told: str
) -> None:
    """
    It names the option or argument, and nothing that only a program in Python knows.
    """
    ran = clever(*arguments)
    assert (ran.code, ran.out) == (2, ""), ran.err
    assert told in ran.err
    message = ran.err.splitlines()[0]
    assert not re.search(r"\b[a-z]+_[a-z_]+\b|datetime|\(.*,\)|\bstr\b|=True", message), message


def test_a_variable_is_named_where_it_was_set(
    clever: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    And not the option that could have been given.
    """
    for address in ("http://example.org", "ftp://example.org"):
        monkeypatch.setenv("CLEVER_API_URL", address)
        for token in ((), ("--api-token", "t")):
            ran = clever("logs", "shop-api", *token)
            assert ran.err.startswith("clever-v4: CLEVER_API_URL "), ran.err
            assert "base" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (("shop-api",), "message, applicationId,"),
        (("--addon", "shop-database"), "message, resourceId,"),
        (("shop-api", "--access"), "date, applicationId, instanceId, requestId,"),
        (
            ("shop-api", "--addon", "shop-database"),
            "facility, version, region, resourceId, hostname",
        ),
    ],
)
def test_a_field_that_no_entry_has(
    clever: Command, emulator: Emulator, arguments: tuple[str, ...], known: str
) -> None:
    """
    Is refused with those that there are, before anybody is asked.
    """
    ran = clever("logs", *arguments, "--field", "date", "--field", "nope", *WINDOW)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("clever-v4: no entry has the --field 'nope'; there are id, date, ")
    assert known in ran.err
    assert len(emulator.connections) == 0


@pytest.mark.parametrize("until", ["1h", "now", "2024-03-27T09:00Z"])
def test_an_end_in_the_past_needs_a_beginning(clever: Command, until: str) -> None:
    """
    Without one a log is read from now on, so that nothing could come.
    """
    ran = clever("logs", "shop-api", "--until", until)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(
        f"clever-v4: --until {until} is past, and without --since a log is read from now on: "
        "nothing can come (--since 7d is all that the API keeps)\n"
    )


def test_each_option_s_default_is_in_its_help(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As a value, or in words where nothing stands for it; a flag is off without it.
    """
    monkeypatch.setenv("COLUMNS", "1000")
    seen, without = 0, []
    for names in COMMANDS:
        for line in command(*names, "--help").out.splitlines():
            option = re.match(r"│ (--?\S+(?: --?\S+)*)(?: ([A-Z]\S*))? ", line)
            if option is None or option[2] is None:
                continue
            seen += 1
            if not re.search(r"\[default: .+\]|[Ww]ithout it", line):
                without.append((*names, option[1]))
    assert seen > 60
    assert without == []
