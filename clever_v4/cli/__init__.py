"""
The command ``clever-v4``; needs the extra ``[cli]``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys

from clever_v4 import _interruption

__all__ = ["main"]


def main() -> None:
    """
    Run the command line with the arguments of the process, and exit with its code.
    """
    _interruption.end_at_once()
    _fill_standard_descriptors()
    missing = [name for name in ("cyclopts", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        if sys.stderr is not None:
            with contextlib.suppress(OSError):
                sys.stderr.write(
                    f"clever-v4: the command line needs {' and '.join(missing)}: "
                    "python -m pip install 'clever-v4[cli]'\n"
                )
        sys.exit(2)
    from .app import run_command

    sys.exit(run_command(sys.argv[1:]))


def _fill_standard_descriptors() -> None:
    """
    Let nothing else get the number of a closed standard input, output or error.

    Who starts a daemon may close them. A connection with the number 2 would get what the
    interpreter or a library in C writes to standard error.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
