"""
Checking who asks: an API token (Bearer) or OAuth 1.0a (PLAINTEXT, HMAC), in the header or as
``?authorization=<base64 of the header's value>``.

Written from RFC 5849, apart from the client's signing, so that each finds the other's mistakes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from urllib.parse import parse_qsl, quote, unquote

import attrs
from aiohttp import web

from clever_v4.emulator.errors import unauthorized

HMAC_DIGESTS = {
    "HMAC-SHA1": hashlib.sha1,
    "HMAC-SHA256": hashlib.sha256,
    "HMAC-SHA512": hashlib.sha512,
}
"""Signature methods with a digest; PLAINTEXT is the one without."""

CLOCK_SKEW_S = 300
"""How far ``oauth_timestamp`` may be from the server's clock, in seconds."""

NONCES_AT_LEAST = 10_000
"""How many nonces are remembered before the old ones are looked for."""


@attrs.frozen
class Credentials:
    """
    The secrets that the emulator accepts.

    Attributes:
        token: Of an API token.
        consumer_key: Of the application that signs.
        consumer_secret: Its secret.
        oauth_token: Of the user who signs.
        oauth_secret: Its secret.
    """

    token: str = attrs.field(repr=False)
    consumer_key: str
    consumer_secret: str = attrs.field(repr=False)
    oauth_token: str
    oauth_secret: str = attrs.field(repr=False)


class Authenticator:
    """
    Decides whether a request is the owner's.

    A nonce is accepted once, so a client that sends a signed request again without signing it
    afresh is refused. Those whose timestamp is too old anyway are forgotten.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._nonces: set[tuple[int, str]] = set()
        self._most_nonces = NONCES_AT_LEAST

    def check(self, request: web.Request, *, now_s: float) -> None:
        """
        Let a request pass.

        Raises:
            Problem: 401, whatever is wrong; the API does not say what.
        """
        scheme, _, rest = _authorization(request).partition(" ")
        if scheme == "Bearer":
            accepted = _same(rest.strip(), self._credentials.token)
        elif scheme == "OAuth":
            accepted = self._is_signed(request, _header_parameters(rest), now_s)
        else:
            accepted = False
        if not accepted:
            raise unauthorized()

    def _is_signed(
        self, request: web.Request, parameters: list[tuple[str, str]], now_s: float
    ) -> bool:
        oauth = dict(parameters)
        known = self._credentials
        if len(oauth) != len(parameters):
            return False
        if not _same(oauth.get("oauth_consumer_key", ""), known.consumer_key):
            return False
        if not _same(oauth.get("oauth_token", ""), known.oauth_token):
            return False
        signature = oauth.get("oauth_signature", "")
        key = f"{_escape(known.consumer_secret)}&{_escape(known.oauth_secret)}"
        # The official JavaScript client names no method and means PLAINTEXT.
        method = oauth.get("oauth_signature_method", "PLAINTEXT")
        if method == "PLAINTEXT":
            return _same(signature, key)
        if method not in HMAC_DIGESTS or not self._is_fresh(oauth, now_s):
            return False
        text = base_string(request, parameters)
        digest = hmac.new(key.encode(), text.encode(), HMAC_DIGESTS[method]).digest()
        if not _same(signature, base64.b64encode(digest).decode()):
            return False
        self._remember(int(oauth["oauth_timestamp"]), oauth["oauth_nonce"], now_s)
        return True

    def _is_fresh(self, oauth: dict[str, str], now_s: float) -> bool:
        timestamp, nonce = oauth.get("oauth_timestamp", ""), oauth.get("oauth_nonce", "")
        if not nonce or not timestamp.isascii() or not timestamp.isdigit():
            return False
        if abs(int(timestamp) - now_s) > CLOCK_SKEW_S or oauth.get("oauth_version", "1.0") != "1.0":
            return False
        return (int(timestamp), nonce) not in self._nonces

    def _remember(self, timestamp: int, nonce: str, now_s: float) -> None:
        self._nonces.add((timestamp, nonce))
        if len(self._nonces) > self._most_nonces:
            self._nonces = {one for one in self._nonces if one[0] >= now_s - CLOCK_SKEW_S}
            # Twice what is left, so that each request costs the same in the long run.
            self._most_nonces = max(2 * len(self._nonces), NONCES_AT_LEAST)


def base_string(request: web.Request, oauth: list[tuple[str, str]]) -> str:
    """
    The signature base string of a request (RFC 5849, section 3.4.1).

    Every pair of the query counts, so each value of a repeated key is signed. The raw target is
    taken as it came over the wire, before any normalisation.
    """
    path, _, query = request.raw_path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=False)
    pairs += [(name, value) for name, value in oauth if name not in {"oauth_signature", "realm"}]
    encoded = sorted((_escape(name), _escape(value)) for name, value in pairs)
    normalised = "&".join(f"{name}={value}" for name, value in encoded)
    uri = f"{request.scheme}://{_host(request)}{path}"
    return "&".join((request.method.upper(), _escape(uri), _escape(normalised)))


def _host(request: web.Request) -> str:
    host = request.host.lower()
    default = ":443" if request.scheme == "https" else ":80"
    return host.removesuffix(default)


def _authorization(request: web.Request) -> str:
    header = request.headers.get("Authorization")
    if header is not None:
        return header
    encoded = request.query.get("authorization")
    if encoded is None:
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _header_parameters(text: str) -> list[tuple[str, str]]:
    parameters = []
    for part in text.split(","):
        name, separator, value = part.strip().partition("=")
        if not separator or len(value) < 2 or value[0] != '"' or value[-1] != '"':
            return []
        parameters.append((unquote(name), unquote(value[1:-1])))
    return parameters


def _escape(text: str) -> str:
    return quote(text, safe="-._~")


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(), expected.encode())
