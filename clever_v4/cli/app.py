"""
The commands, put together; from arguments to an exit code.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError, Parameter

from . import policies
from .demo import demo
from .deployments import deployment, deployments
from .display import Display, displayed, options_last
from .emulating import emulator
from .invoices import invoice, invoices
from .logs import logs
from .mistakes import parse_mistake
from .resources import instances, load_balancers
from .terminal import Exit, run
from .text import plain
from .zones import zones

__all__ = ["make_app", "run_command"]


def make_app() -> App:
    """
    Put the commands together.
    """
    app = App(
        name="clever-v4",
        help="Clever Cloud API v4: live logs and more.",
        version=lambda: importlib.metadata.version("clever-v4"),
        version_flags=("--version", "-V"),
        help_format="markdown",
        default_parameter=Parameter(negative=(), show_default=_default_text),
    )
    stored = App(name="policies", help="Show or change the storage policies of a Pulsar add-on.")
    stored.command(displayed(policies.get))
    stored.command(displayed(policies.set_), name="set")
    commands: tuple[Any, ...] = (
        *(logs, deployments, deployment, instances, load_balancers, zones),
        *(invoices, invoice, stored, emulator, demo),
    )
    for position, command in enumerate(commands):
        if isinstance(command, App):
            command.sort_key = position
            app.command(command)
        else:
            app.command(displayed(command), sort_key=position)
    return app


def _default_text(value: object) -> str | None:
    """
    Write a default for the help; what nothing stands for is told in words there.
    """
    return None if value is None or value is False or value == () else str(value)


def run_command(arguments: Sequence[str]) -> int:
    """
    Run the command that the arguments name, and give its exit code.
    """
    app = make_app()
    arguments = options_last(arguments)
    try:
        command, bound, ignored = app.parse_args(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as exc:
        _tell(f"clever-v4: {plain(parse_mistake(exc))}\n{_hint(app, arguments)}\n")
        return Exit.USAGE
    if "terminal" not in ignored:
        return _print(lambda: command(*bound.args, **bound.kwargs))
    return run(
        lambda terminal: command(*bound.args, **bound.kwargs, terminal=terminal),
        hint=_hint(app, arguments),
        display=bound.arguments.get("display", Display()),
    )


def _hint(app: App, arguments: Sequence[str]) -> str:
    """
    Say where the options are explained of the command that was meant.
    """
    names, _apps, _rest = app.parse_commands(list(arguments))
    return " ".join(("Try: clever-v4", *names, "--help"))


def _print(show: Any) -> int:
    """
    Show the help or the version; a pager that was left early is no failure.
    """
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        show()
        sys.stdout.flush()
    except SystemExit:
        # rich's way to end after a closed pipe; it has silenced the output already.
        return Exit.SUCCESS
    except OSError as exc:
        if sys.stdout is not None:
            # The interpreter flushes once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(exc, BrokenPipeError):
            return Exit.SUCCESS
        _tell(f"clever-v4: cannot write the output: {exc.strerror}\n")
        return Exit.FAILURE
    return Exit.SUCCESS


def _tell(text: str) -> None:
    """
    Write to standard error, where there is one.
    """
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
