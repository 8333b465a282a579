"""
HMAC-SHA512 signatures, computed here by the letter of RFC 5849, without the library that makes them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from urllib.parse import quote, unquote, unquote_plus

import pytest

from clever_v4.auth import OAuth1, SignatureMethod
from clever_v4.transport.addresses import checked_base_url, join, target

AUTH = OAuth1(
    token="the-token",
    token_secret="token&secret",
    consumer_key="consumer~key",
    consumer_secret="consumer%secret",
    signature_method=SignatureMethod.HMAC_SHA512,
)


def _signature(method: str, url: str, header: str) -> str:
    scheme_host_path, _, query = url.partition("?")
    # What counts is what is on the wire: the pairs, decoded, each by itself.
    pairs = [
        (unquote_plus(name), unquote_plus(value))
        for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)
    ]
    pairs += [
        (name, unquote(value))
        for name, value in re.findall(r'(\w+)="([^"]*)"', header)
        if name != "oauth_signature"
    ]
    encoded = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in pairs)
    normalized = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join((method, quote(scheme_host_path, safe=""), quote(normalized, safe="")))
    key = f"{quote(AUTH.consumer_secret, safe='')}&{quote(AUTH.token_secret, safe='')}"
    return base64.b64encode(hmac.digest(key.encode(), base.encode(), hashlib.sha512)).decode()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (("v4", "products", "zones"), []),
        (("v2", "a/b c+é~*'()!&=;%2F", "x"), []),
        (("x",), [("a", "")]),
        (("x",), [("a", " "), ("b", "+"), ("c", "%"), ("d", "~"), ("e", "/"), ("f", "%20")]),
        (("x",), [("filter", "GET /a?b=c&d=e#f"), ("ключ", "значение 🎉")]),
        (("x",), [("state", "UP"), ("state", "BOOTING"), ("state", ""), ("state", "UP")]),
        (("x",), [("b", "2"), ("a", "2"), ("a", "10"), ("a-b", "1"), ("a.b", "1"), ("A", "1")]),
        (("x",), [("since", "2026-01-01T00:00:00.000Z"), ("oauth_like", "1"), ("a;b", "c;d")]),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_signature_is_that_of_the_standard(
    method: str, path: tuple[str, ...], query: list[tuple[str, str]]
) -> None:
    """
    Over the address as it is sent, with repeated, empty and nasty members.
    """
    url = str(join(checked_base_url("base", "https://api.clever-cloud.com"), target(path, query)))
    header = AUTH.authorization(method, url)
    found = re.search(r'oauth_signature="([^"]*)"', header)
    assert found is not None
    assert unquote(found[1]) == _signature(method, url, header)


def test_header_has_what_the_api_wants() -> None:
    """
    Each parameter once, the time in seconds, and nothing of the secrets.
    """
    header = AUTH.authorization("GET", "https://api.clever-cloud.com/v2/self")
    assert header.startswith("OAuth ")
    names = re.findall(r'(\w+)="', header)
    assert sorted(names) == [
        "oauth_consumer_key",
        "oauth_nonce",
        "oauth_signature",
        "oauth_signature_method",
        "oauth_timestamp",
        "oauth_token",
        "oauth_version",
    ]
    assert re.search(r'oauth_timestamp="\d{10}"', header)
    assert "secret" not in header


def test_signing_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """
    The signing library's own way logs the token and the query.
    """
    caplog.set_level(logging.DEBUG)
    AUTH.authorization("GET", "https://api.clever-cloud.com/v2/self?filter=private")
    assert caplog.text == ""
