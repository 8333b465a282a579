"""
Ctrl-C before and after a command runs: the process ends at once, and silently.

What a command imports takes some tenths of a second, most of it this package itself, before
anything in it could catch a KeyboardInterrupt.
"""

import os
import signal
import sys
from types import FrameType

__all__ = ["end_at_once", "is_command", "raise_again"]

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


def is_command() -> bool:
    """
    Whether this process is the command: the installed script, or ``python -m clever_v4``.
    """
    started = sys.argv[0] if sys.argv else ""
    if started == "-m":
        # While a package is imported for -m, the first argument is not yet its path; which
        # package that is stands after the interpreter's own options. It may be one that uses us.
        _, _, after = " ".join(sys.orig_argv[1:]).partition("-m")
        return after.split()[:1] == [__package__]
    return os.path.basename(started).startswith("clever-v4")  # noqa: PTH119


def end_at_once() -> None:
    """
    From now on, let Ctrl-C end the process; where it is ignored, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_again() -> None:
    """
    From now on, let Ctrl-C be a KeyboardInterrupt again, for what has something to clean up.
    """
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
