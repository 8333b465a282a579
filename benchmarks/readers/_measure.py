"""
What every Python reader measures: its processor time from opening the stream to its end.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any


class Meter:
    """
    Measures processor and wall time from its creation, just before the stream is opened.

    Interpreter start, imports and making the session are left out; connecting and first calls are
    in, shared by all events.
    """

    def __init__(self) -> None:
        self._wall_s = time.perf_counter()
        self._cpu_s = cpu_s()

    def report(self, events: int, **more: Any) -> None:
        """
        Print the line that the runner reads.
        """
        cpu = cpu_s() - self._cpu_s
        wall = time.perf_counter() - self._wall_s
        print(json.dumps({"events": events, "cpu_s": cpu, "wall_s": wall, **more}))


def cpu_s() -> float:
    """
    Return the processor time of this process so far, in user and system, in seconds.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def arguments(*modes: str) -> argparse.Namespace:
    """
    Read the command line that all readers share.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=modes)
    parser.add_argument("base_url")
    parser.add_argument("application")
    parser.add_argument("count", type=int)
    parsed = parser.parse_args()
    parsed.url = logs_url(parsed.base_url, parsed.application)
    return parsed


def logs_url(base_url: str, application: str) -> str:
    """
    Return the address of the log stream of *application*.
    """
    return f"{base_url}/v4/logs/organisations/orga_1/applications/{application}/logs"
