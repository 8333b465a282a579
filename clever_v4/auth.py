"""
Who asks: an API token, or OAuth 1.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable
from urllib.parse import quote, urlsplit

import attrs

from clever_v4.validators import check_choice, check_secret, field

__all__ = [
    "API_BASE_URL",
    "API_BRIDGE_BASE_URL",
    "API_URL_VARIABLE",
    "ApiToken",
    "Auth",
    "AuthProvider",
    "OAuth1",
    "SignatureMethod",
]

API_BASE_URL: Final = "https://api.clever-cloud.com"
"""Where OAuth 1 and requests without credentials go."""

API_BRIDGE_BASE_URL: Final = "https://api-bridge.clever-cloud.com"
"""Where API tokens go; the paths are the same."""

API_URL_VARIABLE: Final = "CLEVER_API_URL"
"""The environment variable that says where the API is."""

# The consumer of the official CLI, published in its source with the note that
# its disclosure is not a vulnerability. A token works only with the consumer
# that it was made for, so tokens of `clever login` need this one.
# https://github.com/CleverCloud/clever-tools/blob/master/src/config/config.js
CLI_CONSUMER_KEY: Final = "T5nFjKeHH4AIlEveuGhB5S3xg8T19e"
CLI_CONSUMER_SECRET: Final = "MgVMqTr6fWlf2M0tkC2MXOnhfqBWDT"  # noqa: S105 -- published, see above


@runtime_checkable
class Auth(Protocol):
    """
    What a session asks for the ``Authorization`` header of each attempt.

    `ApiToken` and `OAuth1` are two; a caller may bring another.
    """

    @property
    def base_url(self) -> str:
        """
        Where requests with these credentials go unless the session says otherwise.
        """
        ...

    def authorization(self, method: str, url: str) -> str:
        """
        Give the value of the ``Authorization`` header.

        Args:
            method: The HTTP method in capitals.
            url: The address with its query, byte for byte as it will be sent.
        """
        ...


AuthProvider: TypeAlias = Callable[[], Awaitable[Auth]]
"""An async callable that gives fresh credentials; asked once at first, and once more after a 401."""


@attrs.frozen
class ApiToken:
    """
    An API token, as made by ``clever tokens create`` or in the console.

    Sent as ``Authorization: Bearer`` to ``https://api-bridge.clever-cloud.com``.

    Attributes:
        token: What the web console or ``clever tokens create`` gave.

    Raises:
        ValueError: The token is empty or holds spaces or control characters.
        TypeError: It is no text.
    """

    token: str = attrs.field(repr=False, validator=field(check_secret))

    @property
    def base_url(self) -> str:
        """
        The API bridge: the only host that takes API tokens.
        """
        return API_BRIDGE_BASE_URL

    def authorization(self, method: str, url: str) -> str:  # noqa: ARG002 -- the protocol's signature
        """
        Give the Bearer header; it depends on neither method nor address.
        """
        return f"Bearer {self.token}"


class SignatureMethod(StrEnum):
    """
    How OAuth 1 proves the secrets.

    Attributes:
        PLAINTEXT: The secrets themselves, protected by TLS: what the official clients send
            since 2025.
        HMAC_SHA512: A signature over method, address and query: the secrets stay here.
    """

    PLAINTEXT = "PLAINTEXT"
    HMAC_SHA512 = "HMAC-SHA512"


def _signature_method(value: SignatureMethod | str) -> SignatureMethod:
    check_choice("signature_method", value, SignatureMethod)
    return SignatureMethod(value)


@attrs.frozen(kw_only=True)
class OAuth1:
    """
    OAuth 1.0a with tokens that were already obtained.

    Sent to ``https://api.clever-cloud.com``.

    Args:
        token: The access token.
        token_secret: Its secret.
        consumer_key: The consumer that the token was made for; the official
            CLI's by default, which fits tokens of ``clever login``.
        consumer_secret: Its secret.
        signature_method: ``PLAINTEXT`` by default, as the official client
            sends it; ``HMAC_SHA512`` keeps the secrets off the wire.

    Raises:
        ValueError: A member is empty or holds spaces or control characters,
            or only one half of the consumer is given.
        TypeError: A member is of another type.
    """

    token: str = attrs.field(repr=False, validator=field(check_secret))
    token_secret: str = attrs.field(repr=False, validator=field(check_secret))
    consumer_key: str = attrs.field(
        default=CLI_CONSUMER_KEY, repr=False, validator=field(check_secret)
    )
    consumer_secret: str = attrs.field(
        default=CLI_CONSUMER_SECRET, repr=False, validator=field(check_secret)
    )
    signature_method: SignatureMethod = attrs.field(
        default=SignatureMethod.PLAINTEXT, converter=_signature_method
    )

    def __attrs_post_init__(self) -> None:
        if (self.consumer_key == CLI_CONSUMER_KEY) != (self.consumer_secret == CLI_CONSUMER_SECRET):
            raise ValueError("consumer_key and consumer_secret must be given together")
        if self.signature_method is SignatureMethod.HMAC_SHA512:
            # Now, rather than in the middle of the first request: it takes 60 ms.
            import oauthlib.oauth1  # noqa: F401

    @property
    def base_url(self) -> str:
        """
        The API itself.
        """
        return API_BASE_URL

    def authorization(self, method: str, url: str) -> str:
        """
        Sign one attempt; with HMAC, each call has its own nonce and timestamp.
        """
        if self.signature_method is SignatureMethod.PLAINTEXT:
            return self._plaintext()
        return self._hmac_sha512(method, url)

    def _plaintext(self) -> str:
        # Exactly these three parameters, without a method, nonce or timestamp:
        # clever-client.js, src/lib/auth/cc-auth-oauth-v1-plaintext.ts. Each
        # secret is encoded, joined by "&", and the whole is encoded again.
        secrets = f"{_encode(self.consumer_secret)}&{_encode(self.token_secret)}"
        return (
            f'OAuth oauth_consumer_key="{_encode(self.consumer_key)}", '
            f'oauth_token="{_encode(self.token)}", '
            f'oauth_signature="{_encode(secrets)}"'
        )

    def _hmac_sha512(self, method: str, url: str) -> str:
        # Imported where they are used: they cost 60 ms, a fifth of all imports together.
        # Not oauthlib's Client.sign, which logs the token and the query.
        from oauthlib.common import generate_nonce, generate_timestamp
        from oauthlib.oauth1 import Client
        from oauthlib.oauth1.rfc5849 import parameters, signature

        # Their type stubs want a dict where a pair for each member is meant.
        normalize: Any = signature.normalize_parameters
        base_of: Any = signature.signature_base_string
        prepare: Any = parameters.prepare_headers
        signed = [
            ("oauth_consumer_key", self.consumer_key),
            ("oauth_nonce", generate_nonce()),
            ("oauth_signature_method", str(self.signature_method)),
            ("oauth_timestamp", generate_timestamp()),
            ("oauth_token", self.token),
            ("oauth_version", "1.0"),
        ]
        # Pairs to the end: each of a repeated key's is signed by itself.
        query = signature.collect_parameters(uri_query=urlsplit(url).query)
        base_string = base_of(method, signature.base_string_uri(url), normalize([*query, *signed]))
        secrets = Client(
            self.consumer_key,
            client_secret=self.consumer_secret,
            resource_owner_secret=self.token_secret,
        )
        proof = signature.sign_hmac_sha512_with_client(base_string, secrets)
        header = prepare([*signed, ("oauth_signature", proof)])
        return str(header["Authorization"])


def _encode(text: str) -> str:
    return quote(text, safe="")
