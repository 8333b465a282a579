"""
Following logs that break off, fail, or hold what is no entry.
"""

from __future__ import annotations

import re

import pytest

from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f

from .running import Command, Ran, start

WINDOW = ("--since", "2024-03-27T09:59:30Z", "--until", "2024-03-27T10:00:00Z")
IDS = [f"862931839:{number}:1" for number in range(1984, 2000)]


def ids(ran: Ran) -> list[str]:
    """
    The ids of the entries of an array.
    """
    return [entry["id"] for entry in ran.json]


@pytest.mark.parametrize("output_format", ["human", "json", "jsonl"])
def test_a_lost_connection_is_told_and_nothing_is_missing(
    clever: Command, emulator: Emulator, output_format: str
) -> None:
    """
    On standard error, with its cause and the delay; the entries are those of an unbroken log.
    """
    expected = clever("logs", "shop-api", *WINDOW, "--format", output_format)
    emulator.faults.push(f.Cut(after_entries=5, inside="line"), f.RepeatLast(count=3))
    ran = clever("logs", "shop-api", *WINDOW, "--format", output_format)
    assert (ran.code, ran.out) == (0, expected.out)
    assert len(emulator.connections) == 3
    # A cut throws away what was not read yet: where that is all, there is nothing to repeat.
    assert re.fullmatch(
        r"clever-v4: shop-api: reconnecting in \d\.\d s: the stream broke off.*\n"
        r"clever-v4: shop-api: connected again after \d+\.\d s, nothing lost"
        r"(; 3 entries came again, left out)?\n",
        ran.err,
    )


def test_one_array_over_several_logs_and_reconnections(clever: Command, emulator: Emulator) -> None:
    """
    Each log complete and in order.
    """
    victim = emulator.applications[0]
    emulator.faults.push(f.Cut(after_entries=7), application_id=victim.id)
    ran = clever("logs", "shop-api", "shop-frontend", *WINDOW, "-F", "json")
    assert ran.code == 0
    assert "shop-api: reconnecting" in ran.err
    of_victim = [one["id"] for one in ran.json if one["applicationId"] == victim.id]
    assert of_victim == IDS
    assert len(ran.json) > len(IDS)


def test_what_is_no_entry_is_told_and_left_out(clever: Command, emulator: Emulator) -> None:
    """
    The others are shown; the exit code tells of it.
    """
    emulator.faults.push(f.Unparsable(every=5, data=("{not JSON", '["a"]')))
    ran = clever("logs", "shop-api", *WINDOW, "-F", "json")
    assert (ran.code, ids(ran)) == (1, IDS)
    told = ran.err.splitlines()
    assert told[0].startswith("clever-v4: shop-api: left out an entry that is not JSON: Expecting")
    assert told[1] == "clever-v4: shop-api: left out an entry that is not JSON: expected an object"


def test_what_does_not_fit_an_entry_is_told_and_left_out(
    clever: Command, emulator: Emulator
) -> None:
    """
    With the path of the member.
    """
    emulator.faults.push(f.Unparsable(every=8, data=('{"id":5,"date":"soon"}',)))
    ran = clever("logs", "shop-api", *WINDOW)
    assert (ran.code, len(ran.out.splitlines())) == (1, len(IDS))
    assert "clever-v4: shop-api: left out an entry: " in ran.err
    assert "$." in ran.err


def test_events_that_are_no_entries_are_passed_over(clever: Command, emulator: Emulator) -> None:
    """
    Of a name that no client knows.
    """
    emulator.faults.push(f.UnknownEvents(every=2))
    ran = clever("logs", "shop-api", *WINDOW, "-F", "json")
    assert (ran.code, ran.err, ids(ran)) == (0, "", IDS)


def test_one_failing_log_does_not_end_the_others(clever: Command, emulator: Emulator) -> None:
    """
    It is told with the name of its application; the array is well formed.
    """
    emulator.faults.push(f.Unauthorized(), application_id=emulator.applications[0].id)
    ran = clever("logs", "shop-api", "ada-blog", *WINDOW, "-F", "json")
    assert (ran.code, len(ran.json)) == (1, 30)
    assert ran.err.startswith("clever-v4: shop-api: GET http://emulator/v4/logs/")
    assert "HTTP 401" in ran.err


def test_a_log_that_breaks_for_good_leaves_an_array(clever: Command, emulator: Emulator) -> None:
    """
    After its first entries.
    """
    emulator.faults.push(f.Cut(after_entries=3), f.Unauthorized())
    ran = clever("logs", "shop-api", *WINDOW, "-F", "json")
    assert (ran.code, ids(ran)) == (1, IDS[:3])


def test_an_application_that_never_logged(clever: Command) -> None:
    """
    Is nothing in the past, and a failure where it is followed: the message says what to do.
    """
    past = clever("logs", "never-deployed", *WINDOW, "-F", "json")
    assert past == Ran(0, "[]\n", "clever-v4: never-deployed: never logged anything\n")
    live = clever("logs", "never-deployed", "-F", "json")
    assert (live.code, live.json) == (1, [])
    assert live.err.startswith(
        "clever-v4: never-deployed: never logged, or no such application "
        "(--wait-for-first-log waits): GET "
    )


def test_an_application_that_is_gone(clever: Command, emulator: Emulator) -> None:
    """
    Is no application that never logged.
    """
    emulator.faults.push(f.NotFound(error="Application not found"))
    ran = clever("logs", "shop-api")
    assert ran.code == 1
    assert "Application not found" in ran.err
    assert "--wait-for-first-log" not in ran.err


def test_a_person_is_told_what_is_followed(clever: Command, emulator: Emulator) -> None:
    """
    On a terminal, where it goes on until Ctrl-C; its failure is red.
    """
    emulator.faults.push(f.Unauthorized())
    ran = clever("logs", "shop-api", on_terminal=True)
    assert ran.code == 1
    assert ran.err.splitlines()[0] == ("\x1b[2mclever-v4: following shop-api (Ctrl-C ends)\x1b[0m")
    assert ran.err.splitlines()[1].startswith("\x1b[31mclever-v4: shop-api: GET ")


def test_a_quiet_log_is_told_to_be_back(clever_live: Command, live: Emulator) -> None:
    """
    Though it brings no entry: its connection is.
    """
    application = live.add_application("quiet")
    live.faults.push(f.EndOfFile(), f.EmptyError(status=503), application_id=application.id)
    with start("logs", application.id, emulator=live) as process:
        assert process.stderr is not None
        told = [process.stderr.readline() for _ in range(3)]
        process.terminate()
        assert (process.wait(timeout=60), process.stderr.read()) == (143, "")
    assert ["reconnecting in" in line for line in told] == [True, True, False]
    assert re.fullmatch(
        r"clever-v4: quiet: connected again after \d+\.\d s, nothing lost\n", told[-1]
    )


def test_a_log_whose_first_connection_fails_is_told_to_be_there(
    clever: Command, emulator: Emulator
) -> None:
    """
    As soon as it is.
    """
    emulator.faults.push(f.Disconnect(), application_id=emulator.applications[0].id)
    ran = clever("logs", "shop-api", *WINDOW)
    first, second = ran.err.splitlines()
    assert "reconnecting in" in first
    assert re.fullmatch(
        r"clever-v4: shop-api: connected again after \d+\.\d s, nothing lost", second
    )
