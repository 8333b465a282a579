"""
What importing clever_v4 costs beside importing what it depends on.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

# What every use of the library needs; oauthlib is left out, since only OAuth 1 imports it.
DEPENDENCIES = (
    "aiohttp",
    "aiohttp_sse_client.client",
    "attrs",
    "cattrs.preconf.msgspec",
    "msgspec",
    "multidict",
    "stamina",
    "yarl",
)


def import_ms(*modules: str) -> float:
    """
    Return the processor time that a new interpreter takes to import *modules*, in milliseconds.
    """
    program = (
        "import time; start = time.process_time()\n"
        f"import {', '.join(modules)}\n"
        "print((time.process_time() - start) * 1e3)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return float(answer.stdout)


def measure(rounds: int) -> dict[str, float]:
    """
    Return the medians of interleaved rounds, after one round that warms the file cache.
    """
    ways = {"dependencies": DEPENDENCIES, "clever_v4": ("clever_v4",)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, modules in ways.items():
            took = import_ms(*modules)
            if number:
                times[name].append(took)
    return {name: statistics.median(values) for name, values in times.items()}
