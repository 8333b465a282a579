"""
From a command to an exit code: signals, retries, outputs that go away.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TextIO

import pytest

from clever_v4.cli.app import run_command
from clever_v4.cli.following import json_lines
from clever_v4.cli.tables import print_json
from clever_v4.cli.terminal import CommandError, Exit, Terminal, UsageError, explained, run
from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f
from clever_v4.errors import ConnectionFailedError

from .running import Command, Elsewhere, Ran, start


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UsageError("not so"), Exit.USAGE, "clever-v4: not so\nTry: this\n"),
        (CommandError("failed"), Exit.FAILURE, "clever-v4: failed\n"),
        (ConnectionFailedError("no way"), Exit.FAILURE, "clever-v4: no way\n"),
    ],
)
def test_errors_become_exit_codes(command: Command, error: Exception, code: int, told: str) -> None:
    """
    And one line, with a hint after a mistake.
    """

    async def work(terminal: Terminal) -> None:
        raise error

    assert command.catch(lambda: run(work, hint="Try: this")) == Ran(code, "", told)


def test_what_is_no_error_of_ours_is_a_traceback(command: Command) -> None:
    """
    A mistake of this program is not hidden.
    """

    async def work(terminal: Terminal) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command.catch(lambda: run(work, hint=""))


def test_a_message_cannot_act_on_the_terminal(command: Command) -> None:
    """
    Whatever the API answered.
    """

    async def work(terminal: Terminal) -> None:
        terminal.fail("a\x1b[2Jb\nc")

    assert command.catch(lambda: run(work, hint="")) == Ran(0, "", "clever-v4: ab␊c\n")


def test_an_error_is_explained_with_what_was_behind_it() -> None:
    """
    Where that is one of ours.
    """
    error = CommandError("cannot do it")
    error.__cause__ = ConnectionFailedError("no way")
    assert explained(error) == "cannot do it: no way"
    error.__cause__ = ValueError("inner")
    assert explained(error) == "cannot do it"
    assert explained(CommandError()) == "CommandError"


def test_without_a_terminal_nothing_is_known_of_its_width() -> None:
    """
    A closed or strange stream is no terminal.
    """
    strange = Terminal(stdout=object(), stderr=object())
    assert (strange.is_terminal, strange.width, strange.in_colour) == (False, None, False)


def test_a_retry_is_told_in_words(clever: Command, emulator: Emulator) -> None:
    """
    With its cause and the delay, and nothing else; the hooks of others are as they were.
    """
    from stamina.instrumentation import get_on_retry_hooks

    before = get_on_retry_hooks()
    emulator.faults.push(f.EmptyError(status=503, retry_after="0"), path="/v2/summary")
    ran = clever("load-balancers", "shop-api", "--format", "json")
    assert ran.code == 0, ran.err
    assert ran.err.startswith("clever-v4: GET http://emulator/v2/summary: HTTP 503")
    assert ran.err.endswith("; trying again in 0.0 s\n")
    assert len(ran.err.splitlines()) == 1
    assert get_on_retry_hooks() == before


def interrupt(elsewhere: Elsewhere, emulator: Emulator, number: signal.Signals) -> threading.Thread:
    """
    Send a signal to this process as soon as a stream is open.
    """

    async def wait() -> None:
        await emulator.connections.wait_until(active=1)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=lambda: elsewhere.call(wait()))
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_an_array_is_closed_when_it_is_interrupted(
    clever_live: Command, live: Emulator, elsewhere: Elsewhere, number: signal.Signals, code: int
) -> None:
    """
    By Ctrl-C, SIGTERM and SIGHUP; nothing is said about it.
    """
    application = live.add_application("shop", history=10)
    thread = interrupt(elsewhere, live, number)
    ran = clever_live("logs", application.id, "--since", "1h", "--format", "json")
    thread.join()
    assert (ran.code, ran.err) == (code, "")
    assert isinstance(ran.json, list)
    assert elsewhere.call(closed(live)) == 0


async def closed(emulator: Emulator) -> int:
    """
    How many streams are open, once all are closed.
    """
    await emulator.connections.wait_until(active=0)
    return emulator.connections.active


def test_a_process_ends_by_ctrl_c_without_a_traceback(live: Emulator) -> None:
    """
    In the middle of a live log, with what it wrote complete.
    """
    application = live.add_application("shop", history=10)
    with start("logs", application.id, "--since", "1h", "-F", "json", emulator=live) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        begin = "".join(process.stdout.readline() for _ in range(10))
        process.send_signal(signal.SIGINT)
        written = begin + process.stdout.read()
        assert (process.wait(), process.stderr.read()) == (130, "")
    assert len(json.loads(written)) == 10


def test_messages_that_nobody_reads_are_no_failure(clever: Command) -> None:
    """
    The command goes on.
    """
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed_pipe:
        ran = clever.catch(lambda: _with_messages_to(closed_pipe, "logs", "nowhere", "-F", "json"))
    assert (ran.code, ran.json) == (1, [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_failure(clever: Command) -> None:
    """
    With its reason.
    """
    ran = clever.catch(lambda: _with_data_to("/dev/full", "zones"))
    told = "clever-v4: cannot write the output: No space left on device\n"
    assert ran == Ran(1, "", told)


def _with_data_to(path: str, *arguments: str) -> int:
    with Path(path).open("w") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        return run_command(arguments)


def _with_messages_to(file: TextIO, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", file)
        return run_command(arguments)


@pytest.mark.parametrize("on_terminal", [True, False])
def test_json_cannot_act_on_a_terminal_either(command: Command, on_terminal: bool) -> None:
    """
    Control characters are escaped there; elsewhere the text is what the API sent.
    """
    nasty = "a\x9b2Jb\x9d0;c\x9c\x7f\u202ed\u2028é"

    async def work(terminal: Terminal) -> None:
        await print_json(terminal, {"name": nasty})
        async with json_lines(terminal, "jsonl") as lines:
            assert lines is not None
            await lines.write(json.dumps({"name": nasty}, ensure_ascii=False))

    ran = command.catch(lambda: run(work, hint=""), on_terminal=on_terminal)
    text = ran.out.replace("\n", "")
    assert text.isprintable() is on_terminal
    assert text.count(nasty) == (0 if on_terminal else 2)
    *document, line = ran.out.splitlines() if on_terminal else ran.out.split("\n")[:-1]
    assert json.loads(line) == json.loads("".join(document)) == {"name": nasty}
