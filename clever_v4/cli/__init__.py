"""
The command ``clever-v4``; needs the extra ``[cli]``.
"""

from __future__ import annotations

import importlib.util
import sys

__all__ = ["main"]


def main() -> None:
    """
    Run the command line with the arguments of the process, and exit with its code.
    """
    missing = [name for name in ("cyclopts", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"clever-v4: the command line needs {' and '.join(missing)}: "
            "python -m pip install 'clever-v4[cli]'\n"
        )
        sys.exit(2)
    try:
        from .app import run_command

        code = run_command(sys.argv[1:])
    except KeyboardInterrupt:
        # Ctrl-C while it starts, or once more while it ends.
        code = 130
    sys.exit(code)
