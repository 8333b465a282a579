"""
What must not be shown.
"""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.auth import ApiToken, Auth, OAuth1, SignatureMethod
from clever_v4.transport.redaction import REDACTED, Hidden, redact, secrets_in

FRAGMENT = 12


def test_secrets_of_a_header_are_its_values() -> None:
    """
    Bearer tokens and signatures count; version and method do not.
    """
    assert secrets_in("Bearer abcdefgh") == ("abcdefgh",)
    assert secrets_in(None) == secrets_in("") == ()
    signed = (
        'OAuth oauth_signature_method="HMAC-SHA512", oauth_version="1.0", oauth_nonce="1234567"'
    )
    assert secrets_in(signed) == ("1234567",)
    assert redact("a abcdefgh b", ("abcdefgh",)) == "a [redacted] b"


def test_empty_value_before_a_secret_hides_nothing_of_it() -> None:
    """
    ``realm=""`` is a value of its own; what stands between two values is none.
    """
    assert secrets_in('OAuth realm="", oauth_token="the-token"') == ("the-token",)


def test_secret_that_is_the_beginning_of_another_leaves_nothing_of_it() -> None:
    """
    The longer one is taken out first.
    """
    header = 'OAuth oauth_token="abcdef", oauth_signature="abcdefghij%26abcdef"'
    assert secrets_in(header) == (
        "abcdefghij%26abcdef",
        "abcdefghij&abcdef",
        "abcdefghij",
        "abcdef",
    )
    assert redact("abcdefghij and abcdef", secrets_in(header)) == "[redacted] and [redacted]"


def test_secrets_of_basic_credentials_are_the_password_too() -> None:
    """
    As it is sent, and as who decodes it sees it; the user's name alone is none.
    """
    encoded = b64encode(b"somebody:the-password").decode()
    assert set(secrets_in(f"Basic {encoded}")) == {encoded, "somebody:the-password", "the-password"}
    assert secrets_in("Basic not-base64") == ("not-base64",)


def test_part_of_a_secret_that_was_cut_is_taken_out_as_far_as_it_goes() -> None:
    """
    A line that was cut at some length, or a body at its limit; a few equal letters are by chance.
    """
    secrets = ("0123456789abcdefghij",)
    assert redact("x 0123456789abcde", secrets) == "x [redacted]"
    assert redact("89abcdefghij x 456789abcdefg!", secrets) == "[redacted] x [redacted]!"
    assert redact("0123456789a 0123456789ab", secrets) == "0123456789a [redacted]"


def test_hidden_value_is_a_text_like_any_other_but_for_its_repr() -> None:
    """
    It is sent as it is.
    """
    hidden = Hidden("Bearer abc")
    assert (hidden, f"{hidden}", repr(hidden)) == ("Bearer abc", "Bearer abc", f"'{REDACTED}'")


# Printable ASCII without a space, as credentials are; without the brackets of what replaces them.
SECRET = st.text(
    st.characters(codec="ascii", min_codepoint=33, exclude_characters="[]\x7f"), min_size=6
)


@st.composite
def auths(draw: st.DrawFn) -> Auth:
    if draw(st.booleans()):
        return ApiToken(draw(SECRET))
    token, token_secret, key, secret = (draw(SECRET) for _ in range(4))
    # One may be the beginning of another.
    token_secret = draw(st.sampled_from((token_secret, token + token_secret)))
    return OAuth1(
        token=token,
        token_secret=token_secret,
        consumer_key=key,
        consumer_secret=secret,
        signature_method=draw(st.sampled_from(SignatureMethod)),
    )


def _held(auth: Auth) -> list[str]:
    if isinstance(auth, ApiToken):
        return [auth.token]
    assert isinstance(auth, OAuth1)
    sent = [auth.token, auth.consumer_key]
    if auth.signature_method is SignatureMethod.PLAINTEXT:
        sent += [auth.token_secret, auth.consumer_secret]
    return sent


@given(auths(), st.data())
def test_nothing_of_a_secret_survives_however_it_is_echoed(auth: Auth, data: st.DataObject) -> None:
    """
    The header or a secret of it, whole or cut anywhere, as text, JSON or ``repr``: no whole secret
    is left, and no part of one that is longer than by chance.
    """
    header = auth.authorization("GET", "https://api.example.com/x?a=b")
    secrets = secrets_in(header)
    echoed = data.draw(st.sampled_from([header, *_held(auth)]))
    shown = data.draw(st.sampled_from((str, json.dumps, repr, lambda it: repr(it.encode()))))(
        echoed
    )
    # Shares of its length, since each signature has a nonce of another length.
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, 100)] * 2)))
    first, last = len(shown) * begin // 100, len(shown) * end // 100
    text = redact(f"before {shown[first:last]} after", secrets)
    assert text.startswith("before ")
    assert text.endswith(" after")
    for secret in secrets:
        assert secret not in text
        for index in range(len(secret) - FRAGMENT + 1):
            assert secret[index : index + FRAGMENT] not in text
    if (first, last) == (0, len(shown)):
        assert [one for one in _held(auth) if one in text] == []


@given(st.text("abc.-", min_size=6), st.text(st.sampled_from("xyz 12\n")))
def test_text_without_secrets_is_left_as_it_is(secret: str, text: str) -> None:
    """
    Nothing but secrets is taken out.
    """
    secrets = secrets_in(f"Bearer {secret}")
    assert redact(text, secrets) == text


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "OAuth ", 'OAuth a="', "Basic ", "x"])
def test_broken_header_holds_no_secret(header: str) -> None:
    """
    There is nothing in it that could be shown.
    """
    assert secrets_in(header) == ()
