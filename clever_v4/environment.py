"""
Credentials found in the environment, or where the official CLI keeps them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from clever_v4.auth import API_URL_VARIABLE, ApiToken, Auth, OAuth1
from clever_v4.errors import CredentialsError
from clever_v4.validators import check_text

__all__ = ["FoundCredentials", "find_credentials"]


@attrs.frozen(kw_only=True)
class FoundCredentials:
    """
    Credentials and where they were found.

    Attributes:
        auth: What a `Session` takes.
        source: The names of the variables, or the path of the file and its profile.
        base_url: What ``CLEVER_API_URL`` or the profile's ``API_HOST`` says; None: as the
            credentials say.
    """

    auth: Auth
    source: str
    base_url: str | None = None


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
        TypeError: *environ* is no mapping of texts.
    """
    if environ is not None:
        _check_environ(environ)
    found = _find(os.environ if environ is None else environ)
    # Raised here, where nothing of the file is left that a traceback, its locals
    # or the chain of exceptions could show: a parser's error holds all of it.
    if isinstance(found, _Problem):
        raise CredentialsError(found.text)
    return found


def _check_environ(environ: Mapping[str, str]) -> None:
    if not isinstance(environ, Mapping):
        raise TypeError(f"environ must be a mapping, got a value of {type(environ)}")
    for name, value in environ.items():
        check_text("each name of environ", name)
        # No value is shown: some are secrets.
        if not isinstance(value, str):
            raise TypeError(f"environ[{name!r}] must be text, got a value of another type")


@attrs.frozen
class _Problem:
    """
    Why credentials cannot be used, without a word of them.
    """

    text: str


def _find(environ: Mapping[str, str]) -> FoundCredentials | _Problem:
    def variable(name: str) -> str | None:
        return environ.get(name, "").strip() or None

    found = _from_variables(variable) or _from_file(environ, variable)
    address = variable(API_URL_VARIABLE)
    if address is None or isinstance(found, _Problem):
        return found
    if not _is_address(address):
        shown = " (value not shown)" if "@" in address else f": {address!r}"
        return _Problem(f"{API_URL_VARIABLE} is not an http(s) address{shown}")
    return attrs.evolve(found, base_url=address)


def _from_variables(
    variable: Callable[[str], str | None],
) -> FoundCredentials | _Problem | None:
    if api_token := variable("CLEVER_API_TOKEN"):
        return _made("CLEVER_API_TOKEN", lambda: ApiToken(api_token))
    token, secret = variable("CLEVER_TOKEN"), variable("CLEVER_SECRET")
    if token and secret:
        consumer = (variable("OAUTH_CONSUMER_KEY"), variable("OAUTH_CONSUMER_SECRET"))
        return _made("CLEVER_TOKEN and CLEVER_SECRET", lambda: _oauth1(token, secret, *consumer))
    if token or secret:
        absent = "CLEVER_SECRET" if token else "CLEVER_TOKEN"
        return _Problem(f"{absent} is not set: CLEVER_TOKEN and CLEVER_SECRET are needed together")
    return None


def _made(
    source: str, make: Callable[[], Auth], base_url: str | None = None
) -> FoundCredentials | _Problem:
    try:
        return FoundCredentials(auth=make(), source=source, base_url=base_url)
    except (ValueError, TypeError) as exc:
        return _Problem(f"the credentials in {source} cannot be used: {exc}")


def _oauth1(token: str, secret: str, key: str | None, consumer_secret: str | None) -> OAuth1:
    if key is None and consumer_secret is None:
        return OAuth1(token=token, token_secret=secret)
    if key is None or consumer_secret is None:
        raise ValueError("OAUTH_CONSUMER_KEY and OAUTH_CONSUMER_SECRET are needed together")
    return OAuth1(
        token=token, token_secret=secret, consumer_key=key, consumer_secret=consumer_secret
    )


# --- the official CLI's file -------------------------------------------------------------


def _cli_file(environ: Mapping[str, str]) -> Path | _Problem:
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
    try:
        home = Path(environ.get("HOME") or Path.home())
    except RuntimeError:  # a container's user without an entry in /etc/passwd
        return _Problem(_nothing("there is no home directory with the official CLI's file"))
    return home / ".config" / "clever-cloud" / "clever-tools.json"


def _nothing(file: str) -> str:
    return (
        f"no credentials: neither CLEVER_API_TOKEN nor CLEVER_TOKEN and CLEVER_SECRET are set, and "
        f"{file}; set one, or run `clever login`"
    )


def _from_file(
    environ: Mapping[str, str], variable: Callable[[str], str | None]
) -> FoundCredentials | _Problem:
    path = _cli_file(environ)
    if isinstance(path, _Problem):
        return path
    profile = _active_profile(path)
    if isinstance(profile, _Problem):
        return profile
    alias = profile.get("alias")
    source = f"{path} (profile {alias})" if isinstance(alias, str) else str(path)
    token, secret = profile.get("token"), profile.get("secret")
    if not (isinstance(token, str) and token and isinstance(secret, str) and secret):
        return _Problem(f"{source} holds no token and secret; run `clever login`")
    expiration = _moment(profile.get("expirationDate"))
    if expiration is not None and expiration <= datetime.now(UTC):
        when = f"{expiration:%Y-%m-%d %H:%M}"
        return _Problem(f"the session in {source} expired at {when} UTC; run `clever login`")
    overrides = profile.get("overrides")
    if not isinstance(overrides, dict):
        overrides = {}

    def override(name: str) -> str | None:
        value = overrides.get(name)
        return value if isinstance(value, str) and value else None

    def consumer(name: str) -> str | None:
        return variable(name) or override(name)

    host = override("API_HOST")
    if host is not None and not _is_address(host):
        return _Problem(f"{source} has an API_HOST that is not an http(s) address")
    return _made(
        source,
        lambda: _oauth1(
            token, secret, consumer("OAUTH_CONSUMER_KEY"), consumer("OAUTH_CONSUMER_SECRET")
        ),
        host,
    )


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _active_profile(path: Path) -> dict[str, Any] | _Problem:
    """
    Read the first profile of the current format, or the only one of the old flat format.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _Problem(_nothing(f"{path} does not exist"))
    except OSError as exc:
        return _Problem(f"cannot read {path}: {exc.strerror}")
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return _Problem(f"{path} is not JSON; run `clever login` to write it anew")
    if isinstance(parsed, dict) and "profiles" in parsed:
        profiles = parsed["profiles"]
        parsed = profiles[0] if isinstance(profiles, list) and profiles else None
    if not isinstance(parsed, dict):
        return _Problem(f"{path} holds no profile; run `clever login`")
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
