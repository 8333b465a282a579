"""
Reading and checking query parameters as the API does: a wrong type, range or casing is a 400
whose body names the parameter.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from aiohttp import web

from clever_v4.emulator.errors import bad_request

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The moment that milliseconds are counted from."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
"""The extended form, as clients send it; Python reads others too, such as weeks and spaces."""


def moment_ms(text: str) -> int:
    """
    Milliseconds since 1970 of an ISO-8601 moment with its offset.

    Raises:
        ValueError: It is not ISO-8601 in its extended form, or has no offset.
    """
    if _MOMENT.fullmatch(text) is None:
        raise ValueError(f"not a moment: {text!r}")
    moment = datetime.fromisoformat(text)
    return (moment - EPOCH) // timedelta(milliseconds=1)


class Query:
    """
    The query parameters of one request, read by name and kind.

    Each method answers None (or nothing) for a parameter that is absent. A parameter that is not
    a list but comes more than once is refused: a client that sends it twice has a mistake.
    """

    def __init__(self, request: web.Request) -> None:
        self._query = request.query

    def only(self, *names: str) -> None:
        """
        Refuse every parameter with another name, so that a misspelt one does not go unseen.
        """
        for name in self._query:
            # Credentials may stand in the query too.
            if name not in names and name != "authorization":
                raise bad_request(name, f"'{name}' is not a parameter of this endpoint")

    def text(self, name: str) -> str | None:
        """
        The value as it is.
        """
        values = self._query.getall(name, [])
        if len(values) > 1:
            raise bad_request(name, f"'{name}' is given {len(values)} times")
        return values[0] if values else None

    def texts(self, name: str) -> tuple[str, ...]:
        """
        The values of a repeated parameter, in order.
        """
        return tuple(self._query.getall(name, []))

    def integer(
        self, name: str, *, minimum: int | None = None, maximum: int | None = None, bits: int = 64
    ) -> int | None:
        """
        A signed integer of so many bits, within bounds that are themselves allowed.
        """
        text = self.text(name)
        if text is None:
            return None
        digits = text[1:] if text[:1] in {"-", "+"} else text
        value = int(text) if digits.isascii() and digits.isdigit() else None
        if value is None or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise bad_request(name, f"'{text}' is not a valid {bits}-bit signed integer value")
        if minimum is not None and value < minimum:
            raise bad_request(name, f"'{text}' is lower than the minimum of {minimum}")
        if maximum is not None and value > maximum:
            raise bad_request(name, f"'{text}' is greater than the maximum of {maximum}")
        return value

    def boolean(self, name: str) -> bool | None:
        """
        ``true`` or ``false``, in lower case.
        """
        text = self.text(name)
        if text is None:
            return None
        if text not in {"true", "false"}:
            raise bad_request(name, f"'{text}' is not a valid boolean value")
        return text == "true"

    def moment_ms(self, name: str) -> int | None:
        """
        An ISO-8601 moment with its offset, in milliseconds since 1970.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            return moment_ms(text)
        except ValueError:
            raise bad_request(name, f"'{text}' is not a valid ISO-8601 date-time value") from None

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """
        One of a closed set, case sensitive.
        """
        text = self.text(name)
        if text is not None:
            _check_choice(name, text, choices)
        return text

    def choices(self, name: str, choices: Collection[str]) -> tuple[str, ...]:
        """
        A repeated parameter whose every value is of a closed set, case sensitive.
        """
        values = self.texts(name)
        for value in values:
            _check_choice(name, value, choices)
        return values


def _check_choice(name: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise bad_request(name, f"'{value}' is not one of {', '.join(choices)}")
