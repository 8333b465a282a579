"""
What of a request must not be shown, and how it is taken out of a text. Pure.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["redact", "secrets_in"]

_QUOTED: Final = re.compile(r'"([^"]*)"')


def secrets_in(authorization: str | None) -> tuple[str, ...]:
    """
    Name the parts of an ``Authorization`` header that must not be shown.
    """
    if not authorization:
        return ()
    scheme, _, rest = authorization.partition(" ")
    parts = [rest] if scheme.lower() != "oauth" else []
    for quoted in _QUOTED.findall(rest):
        parts += [quoted, *quoted.split("%26")]
    # Short ones ("1.0", "HMAC-SHA512") are no secrets and would redact plain words.
    return tuple(
        sorted(
            {part for part in parts if len(part) >= 6 and not part.startswith("HMAC-")},
            key=len,
            reverse=True,
        )
    )


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """
    Take secrets out of a text.
    """
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    return text
