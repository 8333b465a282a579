"""
Credentials: what they put on the wire, and what they never show.
"""

from __future__ import annotations

from typing import Any

import pytest

from clever_v4.auth import (
    API_BASE_URL,
    API_BRIDGE_BASE_URL,
    CLI_CONSUMER_KEY,
    ApiToken,
    Auth,
    OAuth1,
    SignatureMethod,
)

URL = "https://api.clever-cloud.com/v4/products/zones"


def oauth(**members: Any) -> OAuth1:
    return OAuth1(
        **{
            "token": "THE-TOKEN",
            "token_secret": "TOKEN-SECRET",
            "consumer_key": "CONSUMER-KEY",
            "consumer_secret": "CONSUMER-SECRET",
            **members,
        }
    )


def test_api_token_is_sent_as_bearer_to_the_bridge() -> None:
    """
    Only the bridge takes API tokens.
    """
    auth = ApiToken("abc123")
    assert auth.authorization("GET", URL) == "Bearer abc123"
    assert auth.base_url == API_BRIDGE_BASE_URL == "https://api-bridge.clever-cloud.com"


def test_plaintext_is_what_the_official_client_sends() -> None:
    """
    Three parameters in this order, no method, nonce or timestamp.
    """
    assert oauth().authorization("GET", URL) == (
        'OAuth oauth_consumer_key="CONSUMER-KEY", oauth_token="THE-TOKEN", '
        'oauth_signature="CONSUMER-SECRET%26TOKEN-SECRET"'
    )
    assert oauth().base_url == API_BASE_URL == "https://api.clever-cloud.com"


def test_plaintext_encodes_each_secret_and_then_the_whole() -> None:
    """
    RFC 5849, section 3.4.4: an ampersand inside a secret stays inside.
    """
    header = oauth(token_secret="a&b", consumer_secret="c%d").authorization("GET", URL)
    assert 'oauth_signature="c%2525d%26a%2526b"' in header


def test_hmac_signs_each_attempt_afresh() -> None:
    """
    A nonce serves once, so the same request is signed differently the second time.
    """
    auth = oauth(signature_method=SignatureMethod.HMAC_SHA512)
    first, second = auth.authorization("GET", URL), auth.authorization("GET", URL)
    assert 'oauth_signature_method="HMAC-SHA512"' in first
    assert 'oauth_version="1.0"' in first
    assert first != second
    assert "SECRET" not in first


def test_signature_method_may_be_its_name() -> None:
    """
    A configuration file has text, not enums.
    """
    assert oauth(signature_method="HMAC-SHA512").signature_method is SignatureMethod.HMAC_SHA512
    with pytest.raises(ValueError, match=r"^signature_method must be one of .*, got 'HMAC-MD5'"):
        oauth(signature_method="HMAC-MD5")


def test_consumer_is_the_official_cli_s_by_default() -> None:
    """
    Tokens of ``clever login`` need no more than themselves.
    """
    auth = OAuth1(token="t", token_secret="s")
    assert auth.consumer_key == CLI_CONSUMER_KEY


def test_half_a_consumer_is_refused() -> None:
    """
    A key without its secret is a mistake, not a mixture.
    """
    with pytest.raises(
        ValueError, match=r"^consumer_key and consumer_secret must be given together"
    ):
        OAuth1(token="t", token_secret="s", consumer_key="k")


@pytest.mark.parametrize("auth", [ApiToken("abc123"), oauth()])
def test_repr_shows_no_secret(auth: Auth) -> None:
    """
    Neither a token nor a secret is in a repr.
    """
    for secret in ("abc123", "THE-TOKEN", "SECRET", "CONSUMER-KEY"):
        assert secret not in repr(auth)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("", ValueError),
        ("with space", ValueError),
        ("with\nnewline", ValueError),
        ("accént", ValueError),
        (b"bytes", TypeError),
        (None, TypeError),
    ],
)
def test_token_that_cannot_be_sent_is_refused_and_not_shown(
    value: Any, error: type[Exception]
) -> None:
    """
    The message names the argument; the value may be nearly the secret.
    """
    with pytest.raises(error, match=r"^token must ") as raised:
        ApiToken(value)
    assert "with" not in str(raised.value).replace("without", "")
    with pytest.raises(error, match=r"^token_secret must "):
        oauth(token_secret=value)
