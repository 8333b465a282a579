"""
Every default of the options is part of the promise: a table, from the design and not from the code.
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import attrs
import pytest

from clever_v4 import LogQuery, Pacing, Reconnect, Retry, Session, StreamOptions, Throttle, Timeout
from clever_v4.api.logs import Logs
from clever_v4.streaming.policy import is_transient

MEBIBYTE = 1024 * 1024

DEFAULTS: dict[type, dict[str, Any]] = {
    StreamOptions: {
        "heartbeat_timeout": timedelta(seconds=10),
        "settle_time": timedelta(seconds=16),
        "reconnect": Reconnect(),
        "max_event_bytes": 16 * MEBIBYTE,
        "compress": False,
        "wait_for_first_log": False,
    },
    Reconnect: {
        "initial": timedelta(seconds=1),
        "factor": 2.0,
        "max_delay": timedelta(seconds=30),
        "max_asked_delay": timedelta(minutes=5),
        "healthy_after": timedelta(seconds=10),
        "attempts": None,
        "first_attempts": 6,
        "is_transient": is_transient,
    },
    LogQuery: {
        "since": None,
        "until": None,
        "limit": None,
        "deployment_id": None,
        "instance_ids": (),
        "fields": (),
        "filter": None,
        "services": (),
    },
    Timeout: {
        "connect": timedelta(seconds=10),
        "read": timedelta(seconds=30),
        "total": timedelta(seconds=60),
    },
    Retry: {
        "attempts": 3,
        "timeout": timedelta(seconds=90),
        "wait_initial": timedelta(milliseconds=200),
        "wait_max": timedelta(seconds=10),
        "wait_jitter": timedelta(seconds=1),
        "retry_after_max": timedelta(seconds=60),
    },
    Pacing: {
        "concurrency": 32,
        "per_second": 100.0,
        "jitter": timedelta(milliseconds=100),
    },
}


@pytest.mark.parametrize("options", DEFAULTS, ids=lambda options: options.__name__)
def test_every_default_is_the_promised_one(options: type) -> None:
    """
    What a caller gets who says nothing: no member more, none less.
    """
    made = options()
    names = [field.name for field in attrs.fields(options)]
    assert {name: getattr(made, name) for name in names} == DEFAULTS[options]


def test_every_default_of_a_session_is_the_promised_one() -> None:
    """
    Nothing in clear text, no proxy that is not asked for, and bounds for all that a server sends.
    """
    parameters = inspect.signature(Session).parameters
    assert {name: one.default for name, one in parameters.items()} == {
        "auth": None,
        "http": None,
        "stream_http": None,
        "base_url": None,
        "retry": Retry(),
        "timeout": Timeout(),
        "on_response": None,
        "allow_insecure_http": False,
        "ssl": True,
        "proxy": None,
        "trust_env": False,
        "max_connections": 100,
        "max_streams": 10_000,
        "max_response_bytes": 64 * MEBIBYTE,
        "max_header_bytes": 8190,
    }


def test_the_throttles_are_those_of_the_server_and_of_the_official_clients() -> None:
    """
    As the reference of the API and the official clients' sources say.
    """
    assert [
        (throttle.elements, throttle.per)
        for throttle in (Throttle.SERVER_DEFAULT, Throttle.CLI, Throttle.CONSOLE)
    ] == [
        (100, timedelta(milliseconds=300)),
        (2000, timedelta(milliseconds=100)),
        (1000, timedelta(milliseconds=10)),
    ]
    with pytest.raises(TypeError):
        Throttle()  # type: ignore[call-arg]  # neither member has a default


@pytest.mark.parametrize("open_stream", ["stream", "addon_stream", "access_stream"])
def test_a_stream_asks_only_not_to_be_held_up(open_stream: str) -> None:
    """
    From now on, as fast as the official command line, and no callbacks.
    """
    parameters = list(inspect.signature(getattr(Logs, open_stream)).parameters.values())[3:]
    assert {one.name: one.default for one in parameters} == dict.fromkeys(
        ("query", "options", "resume_from", "on_reconnection", "on_bad_entry", "on_lag")
    ) | {"throttle": Throttle.CLI}
