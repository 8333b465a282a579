"""
The official clients as processes, pointed at an emulator.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import attrs

from clever_v4.emulator import Emulator

from .install import node_of

SCRIPT = Path(__file__).with_name("client.mjs")
SIGNING_SCRIPT = Path(__file__).with_name("signing_client.mjs")


@attrs.frozen
class Printed:
    """
    What a command left behind.
    """

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """
        What it wrote to stdout.
        """
        return self.out.decode()

    @property
    def json(self) -> Any:
        """
        What it wrote to stdout, as one JSON document.
        """
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """
        What it wrote to stdout, as one JSON document per line.
        """
        return [json.loads(line) for line in self.out.splitlines()]


class Official:
    """
    Runs the official CLI and the official client against one emulator.

    Each has a home of its own, and nothing of this process's environment but the path to its
    programs: neither the credentials nor the proxies of who runs the tests.
    """

    def __init__(self, emulator: Emulator, *, installed: Path, home: Path) -> None:
        self._emulator = emulator
        self._installed = installed
        self._node = node_of(installed)
        self._home = home
        home.mkdir(exist_ok=True)

    def pointed_at(self, emulator: Emulator) -> Official:
        """
        The same clients, pointed at another emulator.
        """
        return Official(emulator, installed=self._installed, home=self._home)

    def environment(self, **variables: str | None) -> dict[str, str]:
        """
        The environment that points a command at the emulator; a variable that is None is not set.
        """
        emulator = self._emulator
        every = {
            "PATH": os.pathsep.join((str(self._node.parent), os.environ.get("PATH", os.defpath))),
            "HOME": str(self._home),
            "XDG_CONFIG_HOME": str(self._home / "config"),
            "TZ": "UTC",
            "NO_UPDATE_NOTIFIER": "1",
            "API_HOST": emulator.url,
            "AUTH_BRIDGE_HOST": emulator.url,
            "CONSOLE_URL": emulator.url,
            "OAUTH_CONSUMER_KEY": emulator.consumer_key,
            "OAUTH_CONSUMER_SECRET": emulator.consumer_secret,
            "CLEVER_TOKEN": emulator.oauth_token,
            "CLEVER_SECRET": emulator.oauth_secret,
        } | variables
        return {name: value for name, value in every.items() if value is not None}

    async def clever(self, *arguments: str, **variables: str | None) -> Printed:
        """
        Run ``clever ARGUMENTS`` to its end.
        """
        async with self.clever_running(*arguments, **variables) as process:
            out, err = await process.communicate()
        assert process.returncode is not None
        return Printed(process.returncode, out, err.decode())

    async def clever_v4(self, *arguments: str) -> Printed:
        """
        Run our own ``clever-v4 ARGUMENTS`` to its end, with the same credentials.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clever_v4", *arguments),
            env=self.environment(CLEVER_API_URL=self._emulator.url),
            cwd=Path(__file__).parents[2],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Printed(process.returncode, out, err.decode())

    async def curl(self, path: str, *arguments: str) -> Printed:
        """
        Run ``clever curl`` on a path of the emulator; stderr has curl's own faults.
        """
        url = f"{self._emulator.url}{path}"
        return await self.clever("curl", "--silent", "--show-error", *arguments, url)

    @contextlib.asynccontextmanager
    async def clever_running(
        self, *arguments: str, **variables: str | None
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """
        Run ``clever ARGUMENTS`` for as long as the block lasts.
        """
        program = self._installed / "node_modules" / "clever-tools" / "bin" / "clever.js"
        async with self._running(str(program), *arguments, **variables) as process:
            yield process

    async def send(self, calls: Iterable[dict[str, Any]], *, auth: str = "oauth") -> list[Any]:
        """
        Run commands of the official client, one after the other, in one process.

        Args:
            calls: ``module`` (below ``cc-api-commands/``), ``command`` (the class's name) and
                ``params`` of each; ``stream`` with the stream's options for a log stream.
            auth: ``oauth``, ``token`` or ``none``.

        Returns:
            For each what it answered, or ``{"error": {...}}``.
        """
        emulator = self._emulator
        methods: dict[str, object] = {
            "none": None,
            "token": {"type": "api-token", "apiToken": emulator.token},
            "oauth": {
                "type": "oauth-v1",
                "oauthTokens": {
                    "consumerKey": emulator.consumer_key,
                    "consumerSecret": emulator.consumer_secret,
                    "token": emulator.oauth_token,
                    "secret": emulator.oauth_secret,
                },
            },
        }
        job = {
            "modules": str(self._installed),
            "baseUrl": emulator.url,
            "authMethod": methods[auth],
            "calls": list(calls),
        }
        return await self._answers(SCRIPT, job)

    async def send_signed(
        self, requests: Iterable[dict[str, Any]], *, secret: str | None = None
    ) -> list[Any]:
        """
        Send requests with the last official client that signs with HMAC-SHA512.

        Args:
            requests: ``path`` and ``query`` of each; ``stream`` with true for a log stream,
                with ``ownerId``, ``appId`` and the query for its constructor.
            secret: Instead of the token's secret.
        """
        emulator = self._emulator
        job = {
            "modules": str(self._installed),
            "baseUrl": emulator.url,
            "tokens": {
                "OAUTH_CONSUMER_KEY": emulator.consumer_key,
                "OAUTH_CONSUMER_SECRET": emulator.consumer_secret,
                "API_OAUTH_TOKEN": emulator.oauth_token,
                "API_OAUTH_TOKEN_SECRET": secret or emulator.oauth_secret,
            },
            "requests": list(requests),
        }
        return await self._answers(SIGNING_SCRIPT, job)

    async def _answers(self, script: Path, job: dict[str, Any]) -> list[Any]:
        async with self._running(str(script)) as process:
            out, err = await process.communicate(json.dumps(job).encode())
        assert process.returncode == 0, err.decode()
        answers: list[Any] = json.loads(out)
        return answers

    @contextlib.asynccontextmanager
    async def _running(
        self, program: str, *arguments: str, **variables: str | None
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            self._node,
            program,
            *arguments,
            env=self.environment(**variables),
            cwd=self._home,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
                await process.communicate()


def call(module: str, **params: object) -> dict[str, Any]:
    """
    A call of the command that a module is named after.
    """
    name = module.rpartition("/")[2]
    command = "".join(part.title() for part in name.split("-"))
    return {"module": module, "command": command, "params": params}
