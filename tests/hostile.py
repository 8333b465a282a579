"""
Run the tests where everything is set that could mislead them: ``python -m tests.hostile ARGS``.
"""

from __future__ import annotations

import os
import sys

from tests.shell import HOSTILE

if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
    os.execve(sys.executable, command, os.environ | HOSTILE)
