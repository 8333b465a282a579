"""
How a command shows what it has to tell: the options that all commands share.
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal

import attrs
from cyclopts import Group, Parameter

__all__ = ["Display", "allows_colour", "displayed", "logs_told", "options_last"]

LIBRARY: Final = "clever_v4"
"""The logger above all of the library's."""


@Parameter(name="*", group=Group("Display", sort_key=101))
@attrs.frozen(kw_only=True)
class Display:
    """
    The options that all commands share.

    Attributes:
        color: Colours; auto: on a terminal, unless NO_COLOR or FORCE_COLOR say otherwise.
        verbose: Show the log of the library on standard error; -vv: all of it. Without it:
            nothing of it.
    """

    color: Literal["auto", "always", "never"] = "auto"
    verbose: Annotated[int, Parameter(alias="-v", count=True, show_default=False)] = 0


def displayed(command: Callable[..., Any]) -> Callable[..., Any]:
    """
    Give a command the options of `Display`, as its argument ``display``.
    """
    signature = inspect.signature(command, eval_str=True)
    display = inspect.Parameter(
        "display", inspect.Parameter.KEYWORD_ONLY, default=Display(), annotation=Display
    )

    def with_display(*args: Any, display: Display = Display(), **kwargs: Any) -> Any:  # noqa: ARG001  -- for the terminal
        return command(*args, **kwargs)

    with_display.__name__ = command.__name__
    with_display.__doc__ = command.__doc__
    with_display.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), display]
    )
    with_display.__annotations__ = {
        name: one.annotation for name, one in signature.parameters.items()
    } | {"display": Display}
    return with_display


def options_last(arguments: Sequence[str]) -> list[str]:
    """
    Put the options of `Display` that stand before the command behind all else, as others take them.
    """
    given = list(arguments)
    first: list[str] = []
    while given and (
        given[0] in {"-v", "-vv", "--verbose", "--color"} or given[0].startswith("--color=")
    ):
        count = 2 if given[0] == "--color" else 1
        first += given[:count]
        del given[:count]
    if not given:
        # As of many other commands: -v by itself asks for the version.
        return ["--version"] if first == ["-v"] else first
    end = given.index("--") if "--" in given else len(given)
    return [*given[:end], *first, *given[end:]]


def allows_colour(wanted: str, *, on_terminal: bool) -> bool:
    """
    Whether to write in colour.

    Args:
        wanted: The option ``--color``.
        on_terminal: Whether a person reads it.
    """
    if wanted != "auto":
        return wanted == "always"
    # Both when present and not an empty string, regardless of the value (https://no-color.org,
    # https://force-color.org); with both, none, as in the interpreter's own messages.
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return on_terminal and os.environ.get("TERM") != "dumb"


class _Teller(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """
        Tell of a record, in a line.
        """
        try:
            self._tell(f"{record.levelname.lower()}: {record.name}: {record.getMessage()}")
        except Exception:  # noqa: BLE001  -- as handlers do: a bad record must not end the command
            self.handleError(record)


@contextmanager
def logs_told(verbose: int, tell: Callable[[str], None]) -> Iterator[None]:
    """
    Tell what the library logs, or nothing of it.

    What is of use to a person the commands tell in their own words; so without ``-v`` not even a
    warning appears bare on standard error.

    Args:
        verbose: 0: nothing; 1: what happens (INFO); 2 and more: all.
        tell: Takes a line.
    """
    logger = logging.getLogger(LIBRARY)
    before = logger.level, logger.propagate
    handler = _Teller(tell) if verbose else logging.NullHandler()
    logger.addHandler(handler)
    if verbose:
        logger.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before
        logger.setLevel(before[0])
