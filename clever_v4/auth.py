"""
Who asks: an API token or OAuth 1, given by the caller or found where the official CLI keeps it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, cast, runtime_checkable
from urllib.parse import quote, urlsplit

import attrs

from clever_v4.errors import CredentialsError

__all__ = [
    "API_BASE_URL",
    "API_BRIDGE_BASE_URL",
    "ApiToken",
    "Auth",
    "AuthProvider",
    "FoundCredentials",
    "OAuth1",
    "SignatureMethod",
    "find_credentials",
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


def _secret(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    # The value itself must not be shown: it is, or nearly is, a secret.
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name} must be a str, got {type(value).__name__}")
    if not value:
        raise ValueError(f"{attribute.name} must not be empty")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError(
            f"{attribute.name} must be printable ASCII without spaces (value not shown)"
        )


@attrs.frozen
class ApiToken:
    """
    An API token, as made by ``clever tokens create`` or in the console.

    Sent as ``Authorization: Bearer`` to ``https://api-bridge.clever-cloud.com``.

    Raises:
        ValueError: The token is empty or holds spaces or control characters.
    """

    token: str = attrs.field(repr=False, validator=_secret)

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
    """

    PLAINTEXT = "PLAINTEXT"
    """The secrets themselves, protected by TLS: what the official clients send since 2025."""
    HMAC_SHA512 = "HMAC-SHA512"
    """A signature over method, address and query: the secrets stay here."""


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
    """

    token: str = attrs.field(repr=False, validator=_secret)
    token_secret: str = attrs.field(repr=False, validator=_secret)
    consumer_key: str = attrs.field(default=CLI_CONSUMER_KEY, repr=False, validator=_secret)
    consumer_secret: str = attrs.field(default=CLI_CONSUMER_SECRET, repr=False, validator=_secret)
    signature_method: SignatureMethod = attrs.field(
        default=SignatureMethod.PLAINTEXT, converter=SignatureMethod
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
        # Imported where it is used: it costs 60 ms, a fifth of all imports together.
        from oauthlib.oauth1 import SIGNATURE_HMAC_SHA512, Client

        client = Client(
            self.consumer_key,
            client_secret=self.consumer_secret,
            resource_owner_key=self.token,
            resource_owner_secret=self.token_secret,
            signature_method=SIGNATURE_HMAC_SHA512,
        )
        _, headers, _ = client.sign(url, http_method=cast("Any", method))
        return str(headers["Authorization"])


def _encode(text: str) -> str:
    return quote(text, safe="")


# --- credentials in the environment or the official CLI's file ---------------------------


@attrs.frozen(kw_only=True)
class FoundCredentials:
    """
    Credentials and where they were found.
    """

    auth: Auth
    source: str
    """The names of the variables, or the path of the file and its profile."""
    base_url: str | None = None
    """What ``CLEVER_API_URL`` or the profile's ``API_HOST`` says; None: as the credentials say."""


def find_credentials(environ: Mapping[str, str] | None = None) -> FoundCredentials:
    """
    Find credentials, in this order.

    1. ``CLEVER_API_TOKEN``: an API token.
    2. ``CLEVER_TOKEN`` and ``CLEVER_SECRET``: OAuth 1 tokens of the official
       CLI's consumer, or of ``OAUTH_CONSUMER_KEY`` and
       ``OAUTH_CONSUMER_SECRET`` where both are set.
    3. The official CLI's file: ``CONFIGURATION_FILE``, else
       ``clever-cloud/clever-tools.json`` under ``XDG_CONFIG_HOME`` or
       ``~/.config`` (``%APPDATA%`` on Windows). Its first profile is the
       active one, and brings its own consumer and API host where it has them.

    ``CLEVER_API_URL`` says where the API is, whichever credentials are found:
    an emulator, or a platform of one's own. Other variables of the CLI, such
    as ``API_HOST``, are too generic to be obeyed outside of it: one set for
    another program would send the credentials elsewhere.

    Args:
        environ: The variables to read; those of the process when None.

    Raises:
        CredentialsError: Nothing was found, one half of a pair is missing, or
            the file is unreadable or its session expired. Names the file and
            never shows its content.
    """
    environ = os.environ if environ is None else environ
    found = _find(environ)
    address = environ.get(API_URL_VARIABLE, "").strip()
    if not address:
        return found
    if not _is_address(address):
        raise CredentialsError(f"{API_URL_VARIABLE} is not an http(s) address: {address!r}")
    return attrs.evolve(found, base_url=address)


def _find(environ: Mapping[str, str]) -> FoundCredentials:
    def variable(name: str) -> str | None:
        return environ.get(name, "").strip() or None

    if api_token := variable("CLEVER_API_TOKEN"):
        return _found("CLEVER_API_TOKEN", lambda: ApiToken(api_token))

    consumer = (variable("OAUTH_CONSUMER_KEY"), variable("OAUTH_CONSUMER_SECRET"))
    token, secret = variable("CLEVER_TOKEN"), variable("CLEVER_SECRET")
    if token and secret:
        return _found("CLEVER_TOKEN and CLEVER_SECRET", lambda: _oauth1(token, secret, consumer))
    if token or secret:
        absent = "CLEVER_SECRET" if token else "CLEVER_TOKEN"
        raise CredentialsError(
            f"{absent} is not set: CLEVER_TOKEN and CLEVER_SECRET are needed together"
        )
    return _from_file(_cli_file(environ), consumer)


def _found(source: str, make: Callable[[], Auth], base_url: str | None = None) -> FoundCredentials:
    try:
        return FoundCredentials(auth=make(), source=source, base_url=base_url)
    except (ValueError, TypeError) as exc:
        raise CredentialsError(f"the credentials in {source} cannot be used: {exc}") from None


def _oauth1(token: str, secret: str, consumer: tuple[str | None, str | None]) -> OAuth1:
    key, consumer_secret = consumer
    if key is None and consumer_secret is None:
        return OAuth1(token=token, token_secret=secret)
    if key is None or consumer_secret is None:
        raise ValueError("OAUTH_CONSUMER_KEY and OAUTH_CONSUMER_SECRET are needed together")
    return OAuth1(
        token=token, token_secret=secret, consumer_key=key, consumer_secret=consumer_secret
    )


def _cli_file(environ: Mapping[str, str]) -> Path:
    """
    Name the official CLI's file (clever-tools, src/config/paths.js).
    """
    if chosen := environ.get("CONFIGURATION_FILE"):
        return Path(chosen)
    if sys.platform == "win32" and (app_data := environ.get("APPDATA")):
        return Path(app_data) / "clever-cloud" / "clever-tools.json"
    # On macOS too: the CLI does not use ~/Library.
    if config_home := environ.get("XDG_CONFIG_HOME"):
        return Path(config_home) / "clever-cloud" / "clever-tools.json"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".config" / "clever-cloud" / "clever-tools.json"


def _from_file(path: Path, consumer: tuple[str | None, str | None]) -> FoundCredentials:
    profile = _active_profile(path)
    alias = profile.get("alias")
    source = f"{path} (profile {alias})" if isinstance(alias, str) else str(path)
    token, secret = profile.get("token"), profile.get("secret")
    if not (isinstance(token, str) and token and isinstance(secret, str) and secret):
        raise CredentialsError(f"{source} holds no token and secret; run `clever login`")
    expiration = _moment(profile.get("expirationDate"))
    if expiration is not None and expiration <= datetime.now(UTC):
        raise CredentialsError(
            f"the session in {source} expired at {expiration:%Y-%m-%d %H:%M} UTC; run `clever login`"
        )
    overrides = profile.get("overrides")
    if not isinstance(overrides, dict):
        overrides = {}

    def override(name: str) -> str | None:
        value = overrides.get(name)
        return value if isinstance(value, str) and value else None

    key = consumer[0] or override("OAUTH_CONSUMER_KEY")
    consumer_secret = consumer[1] or override("OAUTH_CONSUMER_SECRET")
    host = override("API_HOST")
    if host is not None and not _is_address(host):
        raise CredentialsError(f"{source} has an API_HOST that is not an http(s) address")
    return _found(source, lambda: _oauth1(token, secret, (key, consumer_secret)), host)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _active_profile(path: Path) -> dict[str, Any]:
    """
    Read the first profile of the current format, or the only one of the old flat format.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CredentialsError(
            f"no credentials: neither CLEVER_API_TOKEN nor CLEVER_TOKEN and CLEVER_SECRET are set, and {path} "
            "does not exist; set one, or run `clever login`",
        ) from None
    except OSError as exc:
        raise CredentialsError(f"cannot read {path}: {exc.strerror}") from exc
    # "from None" everywhere: the parser's message and traceback show the content.
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        raise CredentialsError(f"{path} is not JSON; run `clever login` to write it anew") from None
    if isinstance(parsed, dict) and "profiles" in parsed:
        profiles = parsed["profiles"]
        parsed = profiles[0] if isinstance(profiles, list) and profiles else None
    if not isinstance(parsed, dict):
        raise CredentialsError(f"{path} holds no profile; run `clever login`")
    return parsed


def _moment(value: object) -> datetime | None:
    """
    Read an expiration; what is missing or unreadable never expires (clevertools.go, commit 61443bf).
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
