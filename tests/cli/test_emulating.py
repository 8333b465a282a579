"""
``clever-v4 emulator``.
"""

from __future__ import annotations

import io
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clever_v4.cli.emulating import export_lines
from clever_v4.emulator import Emulator

from .running import Command, start


def free_port() -> int:
    """
    A port that nobody listens on now.
    """
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def stopped_when_it_runs(number: signal.Signals) -> Iterator[None]:
    """
    Send a signal to this process once the command has said all that it says when it starts.
    """
    over = threading.Event()

    def wait() -> None:
        while not over.wait(0.005):
            told = getattr(sys.stderr, "buffer", None)
            if isinstance(told, io.BytesIO) and b"organisation " in told.getvalue():
                os.kill(os.getpid(), number)
                return

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_runs_until_it_is_stopped(command: Command, number: signal.Signals, code: int) -> None:
    """
    By Ctrl-C, or by being told to, which is how it ends; then the port is free again.
    """
    port = free_port()
    with stopped_when_it_runs(number):
        ran = command("emulator", "--port", str(port))
    assert ran.code == code
    same = Emulator()
    first, *account = ran.err.splitlines()
    assert first == f"clever-v4: the emulator runs at http://127.0.0.1:{port} (Ctrl-C stops it)"
    assert f"clever-v4: organisation Analytical Engines, {same.owner_id}:" in account
    assert f"clever-v4: user Ada Lovelace, {same.user_id}:" in account
    for application in same.applications:
        assert f"clever-v4:   application {application.name:<15} {application.id}" in account
    for addon in same.addons:
        assert f"clever-v4:   add-on      {addon.name:<15} {addon.real_id}" in account
    with socket.socket() as one:
        assert one.connect_ex(("127.0.0.1", port)) != 0


def test_an_account_without_applications(command: Command) -> None:
    """
    For who creates what is needed.
    """
    port = free_port()
    with stopped_when_it_runs(signal.SIGTERM):
        ran = command("emulator", "--port", str(port), "--no-demo")
    assert ran.code == 0
    assert ran.err.splitlines()[2:] == [
        "clever-v4:   nothing",
        f"clever-v4: organisation Analytical Engines, {Emulator().owner_id}:",
        "clever-v4:   nothing",
    ]


def test_its_two_lines_point_a_client_at_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What a shell takes from them is all that the command needs.
    """
    with start("emulator") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(2)]
        for line in lines:
            word, *settings = line.split()
            assert word == "export"
            for setting in settings:
                monkeypatch.setenv(*setting.split("=", 1))
        listed = command("deployments", "shop-api", "--limit", "1", "--format", "json")
        monkeypatch.delenv("CLEVER_API_TOKEN")
        signed = command("deployments", "shop-api", "--limit", "1", "--format", "json")
        process.terminate()
        assert (process.wait(), process.stdout.read()) == (0, "")
    assert (listed.code, len(listed.json)) == (0, 1)
    assert signed == listed


def test_the_lines_name_what_clients_read(emulator: Emulator) -> None:
    """
    Ours, programs on ``Session.from_environment()``, and the official command line.
    """
    where, who = export_lines(emulator).splitlines()
    assert where == (
        f"export CLEVER_API_URL={emulator.url} API_HOST={emulator.url}"
        f" AUTH_BRIDGE_HOST={emulator.url} CONSOLE_URL={emulator.url}"
    )
    names = [one.split("=")[0] for one in who.split()[1:]]
    assert names == [
        "CLEVER_API_TOKEN",
        "CLEVER_TOKEN",
        "CLEVER_SECRET",
        "OAUTH_CONSUMER_KEY",
        "OAUTH_CONSUMER_SECRET",
    ]


def test_a_port_that_is_taken(command: Command, emulator: Emulator) -> None:
    """
    Is named, with the reason.
    """
    port = emulator.url.rpartition(":")[2]
    ran = command("emulator", "--port", port)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"clever-v4: cannot listen on port {port}: Address already in use\n"


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_is_none(command: Command, port: str) -> None:
    """
    Is a mistake in the arguments.
    """
    ran = command("emulator", f"--port={port}")
    assert (ran.code, ran.out) == (2, "")
    assert "port" in ran.err
