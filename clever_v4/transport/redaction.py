"""
What of a request must not be shown, and how it is taken out of a text. Pure.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64Error
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

__all__ = ["REDACTED", "Hidden", "redact", "secrets_in"]

REDACTED: Final = "[redacted]"

_QUOTED: Final = re.compile(r'"([^"]*)"')
# Shorter ones ("1.0", "bot") are no secrets, and would redact plain words.
_SHORTEST: Final = 6
# A part of a secret, where a text was cut in the middle of it. Longer than a timestamp, whose
# beginning stands in many an answer.
_FRAGMENT: Final = 12


class Hidden(str):
    """
    A header's value that no repr shows: neither aiohttp's errors', nor that of a traceback's locals.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{REDACTED}'"


def secrets_in(authorization: str | None) -> tuple[str, ...]:
    """
    Name the parts of an ``Authorization`` or ``Proxy-Authorization`` header that must not be shown.

    Each as it is sent, as a server reads it, and as it stands in JSON or a
    ``repr``; the longest come first, since one may be the beginning of another.
    """
    if not authorization:
        return ()
    found = {form for part in _parts(authorization) for form in _forms(part)}
    return tuple(
        sorted(
            (one for one in found if len(one) >= _SHORTEST and not one.startswith("HMAC-")),
            key=lambda one: (-len(one), one),
        )
    )


def _parts(authorization: str) -> Iterator[str]:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "oauth":
        yield rest
    if scheme.lower() == "basic":
        yield from _user_and_password(rest)
    for quoted in _QUOTED.findall(rest):
        yield quoted
        # A PLAINTEXT signature is both secrets.
        yield from quoted.split("%26")


def _forms(part: str) -> Iterator[str]:
    # What a PLAINTEXT signature is made of is encoded twice.
    for read in (part, unquote(part), unquote(unquote(part))):
        escaped = read.replace("\\", "\\\\")
        yield read
        yield escaped.replace('"', '\\"')
        yield escaped.replace("'", "\\'")


def _user_and_password(encoded: str) -> Iterator[str]:
    try:
        decoded = b64decode(encoded, validate=True).decode("utf-8", "replace")
    except (NotBase64Error, ValueError):
        return
    yield decoded
    yield decoded.partition(":")[2]


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """
    Take secrets out of a text, and longer parts of them, where something cut them off.

    Args:
        text: What a server or a library says.
        secrets: As `secrets_in` gives them, the longest first.
    """
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    for secret in secrets:
        text = _without_fragments(text, secret)
    return text


def _without_fragments(text: str, secret: str) -> str:
    if len(text) < len(secret):
        # Most texts hold nothing secret; for a short one that is seen sooner from its side.
        last = len(text) - _FRAGMENT
        if not any(text[first : first + _FRAGMENT] in secret for first in range(last + 1)):
            return text
    for first in range(len(secret) - _FRAGMENT + 1):
        begin = 0
        while (begin := text.find(secret[first : first + _FRAGMENT], begin)) >= 0:
            # As far as it goes on as the secret does.
            length = _FRAGMENT
            while (
                secret[first + length : first + length + 1]
                == text[begin + length : begin + length + 1]
                != ""
            ):
                length += 1
            text = text[:begin] + REDACTED + text[begin + length :]
            begin += len(REDACTED)
    return text
