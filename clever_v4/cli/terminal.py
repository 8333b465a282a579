"""
Where a command writes: data to standard output, everything else to standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

from clever_v4 import _interruption
from clever_v4.errors import APIError, AuthenticationError, CleverError

from .display import Display, allows_colour, logs_told
from .mistakes import in_typed_words
from .output import Output, OutputClosedError, OutputFailedError
from .text import harmless, painted, plain

__all__ = ["CommandError", "Exit", "Terminal", "UsageError", "explained", "run", "usage"]


class Exit:
    """
    Exit codes.

    Attributes:
        INTERRUPTED: 128 and the number of SIGINT, as shells have it.
        SIGNALLED: The same for other signals: to be added to their number.
    """

    SUCCESS: Final = 0
    FAILURE: Final = 1
    USAGE: Final = 2
    INTERRUPTED: Final = 130
    SIGNALLED: Final = 128


class CommandError(Exception):
    """
    A failure that one line on standard error explains.
    """


class UsageError(Exception):
    """
    The arguments cannot be meant.
    """


@contextlib.contextmanager
def usage(**names: str) -> Iterator[None]:
    """
    Take what the library says about a bad argument for a mistake in the command's arguments.

    Args:
        names: What stands on the command line for an argument of the library, where it is not
            what stands for it in most commands.
    """
    try:
        yield
    except CleverError:
        raise
    except (ValueError, TypeError) as exc:
        raise UsageError(in_typed_words(str(exc), names)) from exc


class Terminal:
    """
    Both outputs of a command, and what they are able to show.
    """

    def __init__(self, stdout: Any = None, stderr: Any = None, *, color: str = "auto") -> None:
        self.stdout: Any = sys.stdout if stdout is None else stdout
        self.stderr: Any = sys.stderr if stderr is None else stderr
        self.out: Output = Output(self.stdout)
        self.err: Output = Output(self.stderr, is_vital=False)
        self.is_terminal: bool = _is_terminal(self.stdout)
        """Whether data goes to a person rather than to a program or file."""
        self.tells_person: bool = _is_terminal(self.stderr)
        """Whether messages go to a person: then progress is shown."""
        self.in_colour: bool = allows_colour(color, on_terminal=self.is_terminal)
        self.tells_in_colour: bool = allows_colour(color, on_terminal=self.tells_person)
        self.ended_by: int | None = None
        """The number of the signal that ends the command: SIGTERM or SIGHUP."""

    @property
    def width(self) -> int | None:
        """
        Columns of the terminal; None where lines may be of any length.
        """
        return shutil.get_terminal_size().columns if self.is_terminal else None

    def tell(self, message: str, *, code: str = "2") -> None:
        """
        Tell something that is no data; does not wait.
        """
        line = harmless(message) if self.tells_in_colour else plain(message)
        if self.tells_in_colour and code:
            line = painted(line, code)
        self.err.post(f"{line}\n")

    def fail(self, message: str) -> None:
        """
        Tell of a failure.
        """
        self.tell(f"clever-v4: {message}", code="31")


def run(
    work: Callable[[Terminal], Awaitable[int | None]], *, hint: str, display: Display = Display()
) -> int:
    """
    Run a command to its end and give its exit code.

    Args:
        work: The command.
        hint: What to tell after a mistake in its arguments.
        display: The options that all commands share.
    """
    terminal = Terminal(color=display.color)
    _interruption.raise_again()
    try:
        with logs_told(display.verbose, terminal.tell):
            return asyncio.run(_supervised(work, terminal, hint)) or Exit.SUCCESS
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    finally:
        if _interruption.is_command():
            _interruption.end_at_once()


async def _supervised(
    work: Callable[[Terminal], Awaitable[int | None]], terminal: Terminal, hint: str
) -> int | None:
    async with terminal.err, _retries_told(terminal):
        try:
            with _terminable(terminal):
                async with terminal.out:
                    return await work(terminal)
        except OutputClosedError:
            return Exit.SUCCESS
        except UsageError as exc:
            terminal.fail(str(exc))
            terminal.tell(hint, code="")
            return Exit.USAGE
        except (CommandError, OutputFailedError, CleverError) as exc:
            terminal.fail(explained(exc))
            return Exit.FAILURE
        except asyncio.CancelledError:
            if terminal.ended_by is None:
                raise
            return Exit.SIGNALLED + terminal.ended_by


@asynccontextmanager
async def _retries_told(terminal: Terminal) -> AsyncIterator[None]:
    """
    Tell why a request takes longer, in place of the bare log record that stamina writes.
    """
    from stamina.instrumentation import RetryDetails, get_on_retry_hooks, set_on_retry_hooks

    def tell(details: RetryDetails) -> None:
        cause = explained(details.caused_by)
        terminal.tell(f"clever-v4: {cause}; trying again in {details.wait_for:.1f} s", code="33")

    before = get_on_retry_hooks()
    set_on_retry_hooks([tell])
    try:
        yield
    finally:
        set_on_retry_hooks(before)


@contextlib.contextmanager
def _terminable(terminal: Terminal) -> Iterator[None]:
    """
    Let SIGTERM and SIGHUP end the command as Ctrl-C does: a JSON array is closed, a half file removed.

    One that is ignored, as ``nohup`` has it, stays so.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  -- we are in a coroutine

    def stop(number: int) -> None:
        terminal.ended_by = number
        task.cancel()

    heeded = []
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) == signal.SIG_IGN:
            continue
        # Not on Windows, and only in the main thread.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop, number)
            heeded.append(number)
    try:
        yield
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)


def explained(error: BaseException) -> str:
    """
    Say what went wrong in one line, with what was behind it.
    """
    text = str(error) or type(error).__name__
    if isinstance(error, AuthenticationError):
        # Without the place of the credentials, which what to do names as well.
        text = f"{APIError.__str__(error)}; {_what_to_do(error.credentials_source)}"
    cause = error.__cause__
    if cause is not None and type(cause).__module__.startswith("clever_v4.") and str(cause):
        text += f": {cause}"
    return text


def _what_to_do(source: str | None) -> str:
    """
    Say what to do about credentials that were refused, by where they were found.
    """
    if source is None:
        return "--api-token was refused: give another"
    if source.startswith("CLEVER_"):
        are_several = " and " in source
        was = (
            "were refused: set new ones, or unset them"
            if are_several
            else ("was refused: set a new one, or unset it")
        )
        return f"{source} {was} to use what `clever login` left"
    return f"what {source} holds was refused: run `clever login`"


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False
