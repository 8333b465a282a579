"""
What of the shell that starts the tests could mislead them: all of it is cleared for each test.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["HOSTILE", "cleared", "misleads"]

HOSTILE = {
    # What we read ourselves.
    "API_HOST": "https://hostile.invalid",
    "APPDATA": "/nonexistent",
    "CLEVER_API_TOKEN": "hostile",
    "CLEVER_API_URL": "http://127.0.0.1:9",
    "CLEVER_SECRET": "hostile",
    "CLEVER_TOKEN": "hostile",
    "CONFIGURATION_FILE": "/nonexistent/clever-tools.json",
    "OAUTH_CONSUMER_KEY": "hostile",
    "OAUTH_CONSUMER_SECRET": "hostile",
    "XDG_CONFIG_HOME": "/nonexistent",
    # Proxies and credentials, for us and for the clients that tests use.
    "ALL_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NETRC": "/nonexistent",
    "NO_PROXY": "clever-cloud.com",
    "all_proxy": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "no_proxy": "clever-cloud.com",
    # The terminal, the language and the time zone.
    "CLICOLOR": "0",
    "CLICOLOR_FORCE": "1",
    "COLORTERM": "truecolor",
    "COLUMNS": "23",
    "FORCE_COLOR": "1",
    "LANG": "C",
    "LANGUAGE": "fr",
    "LC_ALL": "C",
    "LC_TIME": "fr_FR.UTF-8",
    "LINES": "5",
    "NO_COLOR": "1",
    "PYTHONIOENCODING": "latin-1",
    "TERM": "dumb",
    "TTY_COMPATIBLE": "1",
    "TTY_INTERACTIVE": "1",
    "TZ": "Asia/Kolkata",
    # What the SDK of OpenTelemetry reads.
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_SDK_DISABLED": "true",
    # A home in which nobody may write, root neither: it is below a file.
    "HOME": f"{__file__}/home",
}
"""
An environment in which everything is set that could mislead, for ``python -m tests.hostile``.
"""

_KINDS = ("LC_", "OTEL_")


def misleads(name: str) -> bool:
    """
    Whether a variable may change what a test sees.
    """
    return name in HOSTILE or name.startswith(_KINDS) or name.lower().endswith("_proxy")


@contextmanager
def cleared(home: Path) -> Iterator[None]:
    """
    Clear them, for this process and those that it starts; the home is empty, the time zone UTC.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if misleads(name)]:
            patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
