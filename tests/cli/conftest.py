"""
The command inside this process, against an emulator on an event loop of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clever_v4.emulator import Emulator

from .running import EPOCH_S, Command, Elsewhere


@pytest.fixture(autouse=True)
def blockbuster() -> None:
    """
    No watch over blocking calls: a command imports what it needs and reads files while it runs.
    """


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """
    An event loop in a thread, since a command brings its own.
    """
    with Elsewhere() as loop:
        yield loop


@pytest.fixture
def emulator(elsewhere: Elsewhere) -> Emulator:
    """
    The demo's account at a moment that does not pass: what it answers is always the same.
    """
    return elsewhere.enter(Emulator(epoch_s=EPOCH_S, clock=lambda: EPOCH_S))


@pytest.fixture
def live(elsewhere: Elsewhere) -> Emulator:
    """
    An account without applications, in which time passes.
    """
    return elsewhere.enter(Emulator(demo=False))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """
    ``clever-v4`` without credentials, in a terminal of 100 columns where it has one.
    """
    for name in ("CLEVER_API_URL", "CLEVER_API_TOKEN", "CLEVER_TOKEN", "CLEVER_SECRET", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONFIGURATION_FILE", "/nonexistent/clever-tools.json")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TZ", "UTC")
    return Command(monkeypatch)


@pytest.fixture
def clever(command: Command, emulator: Emulator) -> Command:
    """
    ``clever-v4`` with the credentials of the emulator whose time stands still.
    """
    return command.pointed_at(emulator)


@pytest.fixture
def clever_live(command: Command, live: Emulator) -> Command:
    """
    ``clever-v4`` with the credentials of the emulator in which time passes.
    """
    return command.pointed_at(live)
