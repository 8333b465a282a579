"""
Run a module where everything is set that could mislead the tests: ``python -m tests.hostile pytest``.
"""

from __future__ import annotations

import os
import sys

from tests.shell import HOSTILE

if __name__ == "__main__":
    command = [sys.executable, "-m", *sys.argv[1:]]
    os.execve(sys.executable, command, os.environ | HOSTILE)
