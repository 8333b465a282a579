"""
The first steps with the official CLI run on the emulator, and what one command changes the next
one shows.
"""

from __future__ import annotations

import re

import pytest_asyncio

from clever_v4.emulator import Emulator

from .official import Official, Printed


class Steps:
    """
    The commands of somebody who has linked a folder to an application.
    """

    def __init__(self, official: Official) -> None:
        self._official = official

    async def __call__(self, command: str) -> str:
        """
        What a command says that succeeds.
        """
        printed = await self.try_(command)
        assert printed.status == 0, f"clever {command}: {printed.err}"
        return printed.text

    async def try_(self, command: str) -> Printed:
        return await self._official.clever(*command.split())


@pytest_asyncio.fixture
async def steps(official: Official, emulator: Emulator) -> Steps:
    """
    Linked by ``clever link``, which knows no organisation.
    """
    steps = Steps(official)
    application = emulator.applications[0]
    assert f"{application.id} has been successfully linked" in await steps(f"link {application.id}")
    return steps


async def test_variables(steps: Steps, emulator: Emulator) -> None:
    """
    ``env`` reads, sets and removes; ``published-config`` and ``addon env`` likewise.
    """
    await steps("env set COLOUR blue")
    assert 'COLOUR="blue"' in await steps("env")
    await steps("env rm COLOUR")
    assert "COLOUR" not in await steps("env")
    await steps("published-config set WHERE here")
    assert 'WHERE="here"' in await steps("published-config")
    await steps("published-config rm WHERE")
    assert "WHERE" not in await steps("published-config")
    assert "POSTGRESQL_ADDON_URI" in await steps(f"addon env {emulator.addons[0].real_id}")


async def test_domains(steps: Steps) -> None:
    """
    Added, made the favourite, removed.
    """
    assert "No favourite domain set" in await steps("domain favourite")
    await steps("domain add shop.example.com")
    await steps("domain favourite set shop.example.com")
    assert "* shop.example.com/" in await steps("domain")
    await steps("domain favourite unset")
    await steps("domain rm shop.example.com")
    assert "example.com" not in await steps("domain")


async def test_services(steps: Steps, emulator: Emulator) -> None:
    """
    An add-on and an application are linked; their variables come with them.
    """
    addon, other = emulator.addons[0], emulator.applications[1]
    await steps(f"service link-addon {addon.id}")
    await steps(f"service link-app {other.id}")
    said = await steps("service")
    assert (addon.name in said, other.name in said) == (True, True)
    assert f"# Addon {addon.name}" in await steps("env")
    await steps(f"service unlink-addon {addon.id}")
    await steps(f"service unlink-app {other.id}")
    assert "No linked services found" in (await steps.try_("service")).text
    assert f" {addon.name} (" in await steps("service --show-all")


async def test_redirections(steps: Steps) -> None:
    """
    A port is given, shown, and taken away.
    """
    assert "cleverapps" in await steps("tcp-redirs list-namespaces")
    said = await steps("tcp-redirs add --namespace cleverapps")
    port = said.split()[-1]
    assert f"{port} on cleverapps" in await steps("tcp-redirs")
    await steps(f"tcp-redirs remove --namespace cleverapps {port}")
    assert "No active TCP redirection" in await steps("tcp-redirs")


async def test_sizes_and_stopping(steps: Steps) -> None:
    """
    ``scale`` changes what ``status`` shows, and after ``stop`` nothing runs.
    """
    assert "running" in await steps("status")
    await steps("scale --flavor M --min-instances 2 --max-instances 3")
    said = await steps("status")
    assert re.search(r"Scalers: 2 to 3\s+Sizes: M\n", said)
    await steps("stop")
    assert "stopped" in await steps("status")
    assert "UNDEPLOY" in (await steps("activity")).splitlines()[-1]


async def test_what_there_is(steps: Steps, emulator: Emulator) -> None:
    """
    The profile, the applications and the add-ons of an organisation.
    """
    assert "Ada Lovelace" in await steps("profile")
    assert emulator.applications[0].id in await steps("applications list")
    assert emulator.addons[0].id in await steps(f"addon list --org {emulator.owner_id}")


async def test_a_login_stays_on_this_machine(official: Official, emulator: Emulator) -> None:
    """
    ``clever login`` opens the emulator's page and has its token once somebody saw that page.
    """
    nobody = {"CLEVER_TOKEN": None, "CLEVER_SECRET": None}
    async with official.clever_running("login", **nobody) as process:
        assert process.stdout is not None
        said = b""
        while not (found := re.search(rb"Opening \S*?(/cli-oauth\?\S+)", said)):
            more = await process.stdout.readline()
            assert more, said
            said += re.sub(rb"\x1b\[\d+m", b"", more)
        assert (await official.curl(found[1].decode())).status == 0
        out, err = await process.communicate()
    assert process.returncode == 0, err
    assert b"Login successful" in out
    printed = await official.clever("profile", **nobody)
    assert "Ada Lovelace" in printed.text
