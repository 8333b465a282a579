"""
Where the API may be: its base URL, and what counts as this machine.
"""

from __future__ import annotations

import pytest

from clever_v4.transport.addresses import checked_base_url, is_loopback


@pytest.mark.parametrize(
    "value",
    [
        "api.clever-cloud.com",
        "ftp://x",
        "https://",
        "/v4",
        "https://x/?a=1",
        "https://x/#a",
        "https://x:99999",
    ],
)
def test_base_url_that_is_none_is_refused(value: str) -> None:
    """
    The message names the argument.
    """
    with pytest.raises(ValueError, match=r"^base_url must"):
        checked_base_url("base_url", value)


def test_base_url_with_credentials_is_refused_without_showing_them() -> None:
    """
    Credentials in an address end in logs.
    """
    with pytest.raises(ValueError, match=r"^base_url must not hold credentials") as raised:
        checked_base_url("base_url", "https://me:hunter2@x")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("localhost", True),
        ("api.localhost", False),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("example.com", False),
        ("localhost.example.com", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, answer: bool) -> None:
    """
    A name that only begins like this machine's is another machine.
    """
    assert is_loopback(host) is answer
