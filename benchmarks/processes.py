"""
The processes of a run: the server, and beside it one reader at a time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

READER_TIMEOUT_S = 120

# glibc gives the top of its heap back to the system after large reads, or not, by how the heap
# happens to lie; where it does, each event costs 0.4 µs more. Nobody is measured with that luck.
_KEEP_HEAP = {
    "MALLOC_MMAP_THRESHOLD_": str(128 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 1024 * 1024),
}


@contextmanager
def server() -> Iterator[str]:
    """
    Run the server process and give its base URL.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()


def seen_by_server(base_url: str, application: str) -> dict[str, Any]:
    """
    Return what the server says of a scenario of many streams.
    """
    with urlopen(f"{base_url}/statistics/{application}") as answer:
        seen: dict[str, Any] = json.load(answer)
    return seen


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """
    Return the command that runs a module of the benchmarks.
    """
    return (sys.executable, "-m", f"benchmarks.{module}", *arguments)


def run_reader(command: tuple[str, ...], *arguments: str) -> dict[str, Any]:
    """
    Return what one reader process measured, or what it failed with.
    """
    try:
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            timeout=READER_TIMEOUT_S,
            env=os.environ | _KEEP_HEAP,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {READER_TIMEOUT_S} s"}
    if done.returncode:
        # A group of exceptions ends with a line that is drawn.
        lines = [line for line in done.stderr.splitlines() if line.strip(" +-|")]
        # Paths of this machine do not belong in the tables.
        said = lines[-1].strip(" |").partition(" (/")[0] if lines else f"exit {done.returncode}"
        return {"error": said.partition(": b'")[0][:120]}
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured
