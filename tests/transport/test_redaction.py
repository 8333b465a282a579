"""
What must not be shown.
"""

from __future__ import annotations

from clever_v4.transport.redaction import redact, secrets_in


def test_secrets_of_a_header_are_its_values() -> None:
    """
    Bearer tokens and signatures count; version and method do not.
    """
    assert secrets_in("Bearer abcdefgh") == ("abcdefgh",)
    assert secrets_in(None) == ()
    signed = (
        'OAuth oauth_signature_method="HMAC-SHA512", oauth_version="1.0", oauth_nonce="1234567"'
    )
    assert secrets_in(signed) == ("1234567",)
    assert redact("a abcdefgh b", ("abcdefgh",)) == "a [redacted] b"
