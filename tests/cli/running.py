"""
Running ``clever-v4``: in this process with its outputs caught or on a terminal, and as a process.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import attrs
import pytest

from clever_v4.cli.app import run_command
from clever_v4.emulator import Emulator

T = TypeVar("T")

EPOCH_S = 1_711_533_600.0
"""2024-03-27T10:00:00Z."""

SOZU_ID = re.compile(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b")


class Elsewhere:
    """
    An event loop in a thread of its own, and what was entered on it.
    """

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._entered = AsyncExitStack()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.call(self._entered.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """
        Run a coroutine there and give its result.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def enter(self, emulator: Emulator) -> Emulator:
        """
        Start an emulator that stops with the loop.
        """
        return self.call(self._entered.enter_async_context(emulator))


@attrs.frozen
class Ran:
    """
    How a command ended and what it wrote.
    """

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        """
        All of it as one text, for a snapshot.
        """
        return f"exit {self.code}\n--- output\n{self.out}--- messages\n{self.err}"

    @property
    def json(self) -> Any:
        """
        Standard output as JSON.
        """
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """
        Standard output as JSON, line by line.
        """
        return [json.loads(line) for line in self.out.splitlines()]


class Caught:
    """
    A stream in place of ``sys.stdout``, caught in memory or on a terminal.
    """

    def __init__(self, *, on_terminal: bool) -> None:
        self._data = io.BytesIO()
        self._reader: threading.Thread | None = None
        if not on_terminal:
            self.stream = io.TextIOWrapper(self._data, encoding="utf-8")
            return
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        # The other end is closed: Linux says EIO, others nothing more.
        try:
            while data := os.read(self._master, 65536):
                self._data.write(data)
        except OSError:
            pass
        os.close(self._master)

    def text(self) -> str:
        """
        Close it and give what was written.
        """
        self.stream.flush()
        data = self._data.getvalue()
        if self._reader is not None:
            self.stream.close()
            self._reader.join()
            data = self._data.getvalue()
        # What is no text comes back with ``encode("utf-8", "surrogateescape")``.
        return data.decode("utf-8", "surrogateescape")


class Command:
    """
    ``clever-v4`` inside this process.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._emulator: Emulator | None = None

    def pointed_at(self, emulator: Emulator) -> Self:
        """
        Give it the credentials of an emulator.
        """
        self._emulator = emulator
        self._monkeypatch.setenv("CLEVER_API_URL", emulator.url)
        self._monkeypatch.setenv("CLEVER_API_TOKEN", emulator.token)
        return self

    def __call__(self, *arguments: str, on_terminal: bool = False) -> Ran:
        """
        Run a command; what differs from run to run is written in one way.
        """
        return self.catch(lambda: run_command(arguments), on_terminal=on_terminal)

    def catch(self, work: Callable[[], int], *, on_terminal: bool = False) -> Ran:
        """
        Run what gives an exit code.
        """
        with self._monkeypatch.context() as patch:
            out, err = Caught(on_terminal=on_terminal), Caught(on_terminal=on_terminal)
            patch.setattr(sys, "stdout", out.stream)
            patch.setattr(sys, "stderr", err.stream)
            try:
                code = work()
            finally:
                written = out.text(), err.text()
        return Ran(code, *map(self._steady, written))

    def _steady(self, text: str) -> str:
        if self._emulator is not None:
            text = text.replace(self._emulator.url, "http://emulator")
        return SOZU_ID.sub("SOZU-ID", text)


class Started(subprocess.Popen[Any]):
    """
    A process that does not outlive a test which fails or is ended for hanging.
    """

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is not None:
            self.kill()
        super().__exit__(exc_type, exc, traceback)


def start(*arguments: str, emulator: Emulator | None = None, **options: Any) -> Started:
    """
    Start ``clever-v4`` as a process, with its outputs in pipes.
    """
    environment: Mapping[str, str] = {
        **os.environ,
        "PYTHONUTF8": "1",
        **(
            {}
            if emulator is None
            else {"CLEVER_API_URL": emulator.url, "CLEVER_API_TOKEN": emulator.token}
        ),
    }
    return Started(
        [sys.executable, "-m", "clever_v4", *arguments],
        env=environment,
        **{"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )
