"""
``clever-v4 emulator``: the emulated API, until it is stopped.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .moments import Count
from .terminal import CommandError, Exit, Terminal, UsageError

if TYPE_CHECKING:
    from clever_v4.emulator import Emulator

__all__ = ["emulator", "export_lines"]


async def emulator(
    *,
    port: Count = 0,
    seed: Count = 1,
    demo: Annotated[bool, Parameter(negative="--no-demo", show_default="--demo")] = True,
    pulsar_units: Literal["bytes", "megabytes"] = "bytes",
    error_generation: Literal["2023", "2026"] = "2023",
    gzip_streams: bool = False,
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> int:
    """
    Run an emulated Clever Cloud API on this machine until it is stopped.

    Prints two lines for a shell: with them, this command, programs on
    `Session.from_environment()` and the official `clever` talk to it.

    Args:
        port: Which port of the loopback interface; 0 takes a free one.
        seed: What ids, names and logs are drawn from; the same seed gives the same.
        demo: Start with the demo's applications and add-ons, or without any.
        pulsar_units: The units of the Pulsar storage policies.
        error_generation: The generation of the error bodies.
        gzip_streams: Compress log streams for clients that accept it.
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"--port must be 0 to 65535, got {port}")
    from clever_v4.emulator import Emulator

    running = Emulator(
        seed=seed,
        port=port,
        demo=demo,
        pulsar_units=pulsar_units,
        error_generation=error_generation,
        gzip_streams=gzip_streams,
    )
    try:
        await running.__aenter__()
    except OSError as exc:
        # asyncio's own text repeats the address.
        reason = os.strerror(exc.errno) if exc.errno else exc
        raise CommandError(f"cannot listen on port {port}: {reason}") from exc
    try:
        await terminal.out.write(export_lines(running))
        terminal.tell(f"clever-v4: the emulator runs at {running.url} (Ctrl-C stops it)")
        for line in _account(running):
            terminal.tell(f"clever-v4: {line}")
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        if terminal.ended_by is None:
            raise
        # Being told to stop is how it ends.
    finally:
        await running.__aexit__(None, None, None)
    return Exit.SUCCESS


def export_lines(running: Emulator) -> str:
    """
    Give the two lines that point a client at it: where it is, and who asks.
    """
    from clever_v4.auth import API_URL_VARIABLE

    # The official CLI has a variable for each host that it would ask otherwise.
    hosts = (API_URL_VARIABLE, "API_HOST", "AUTH_BRIDGE_HOST", "CONSOLE_URL")
    where = dict.fromkeys(hosts, running.url)
    who = {
        "CLEVER_API_TOKEN": running.token,
        "CLEVER_TOKEN": running.oauth_token,
        "CLEVER_SECRET": running.oauth_secret,
        "OAUTH_CONSUMER_KEY": running.consumer_key,
        "OAUTH_CONSUMER_SECRET": running.consumer_secret,
    }
    return "".join(
        "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in line.items()) + "\n"
        for line in (where, who)
    )


def _account(running: Emulator) -> Iterator[str]:
    """What the account holds: names, the ids that programs want, and who owns it."""
    for owner in running.state.owners.values():
        kind = "user" if owner.is_user else "organisation"
        yield f"{kind} {owner.name}, {owner.id}:"
        held = [
            *((one.name, "application", one.id) for one in running.applications
              if one.owner_id == owner.id),
            *((one.name, "add-on", one.real_id) for one in running.addons
              if one.owner_id == owner.id),
        ]  # fmt: skip
        for name, what, id_ in held:
            yield f"  {what:<11} {name:<15} {id_}"
        if not held:
            yield "  nothing"
