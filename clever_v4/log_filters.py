"""
Ready-made ``where`` predicates over log entries.

Two made alike are equal, and then evaluated once per batch, however many subscribers
have them. Combine them with ``&``, ``|`` and ``~``.
"""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from clever_v4.api.logs import Severity
from clever_v4.fanout.filters import Contains, Matches, OneOf, Predicate
from clever_v4.validators import check_text, check_whole_number, field

__all__ = [
    "Predicate",
    "SeverityAtLeast",
    "containing",
    "from_deployment",
    "from_instance",
    "from_service",
    "matching",
    "severity_at_least",
]

# The order of the enum is that of syslog's priorities; others write some of them in full.
_PRIORITIES: Final = {
    **{severity.value: priority for priority, severity in enumerate(Severity)},
    "emergency": 0,
    "panic": 0,
    "critical": 2,
    "error": 3,
    "warn": 4,
    "information": 6,
    "informational": 6,
}


@attrs.frozen
class SeverityAtLeast(Predicate):
    """
    Accepts entries that are at least as severe as syslog's *priority*: 0 is the most severe.

    The word in ``severity`` decides, else the number in ``priority``. A word that is not
    known is accepted, so that nothing grave is hidden; an entry with neither is not.

    Attributes:
        priority: The syslog priority of the least severe that is accepted, 0 (emergency) to 7
            (debug).
    """

    priority: int = attrs.field(validator=field(check_whole_number, at_least=0, at_most=7))

    def __call__(self, entry: Any, /) -> bool:  # noqa: D102
        severity = entry.severity
        if severity is not None:
            return _PRIORITIES.get(severity.lower(), 0) <= self.priority
        number = entry.priority
        return number is not None and number <= self.priority


def severity_at_least(severity: Severity | str) -> Predicate:
    """
    Entries at least as severe as this, such as ``Severity.WARNING``.

    Raises:
        ValueError: *severity* is not a word of syslog.
        TypeError: It is no text.
    """
    check_text("severity", severity)
    priority = _PRIORITIES.get(str(severity).lower())
    if priority is None:
        raise ValueError(f"severity must be one of {', '.join(Severity)}, got {severity!r}")
    return SeverityAtLeast(priority)


def from_service(*services: str) -> Predicate:
    """
    Entries of these systemd units, named with or without ``.service``.

    Raises:
        ValueError: There are none, or one is empty.
        TypeError: One is no text.
    """
    _at_least_one("services", services)
    names = {name.removesuffix(".service") for name in services}
    return OneOf("service", names | {f"{name}.service" for name in names})


def from_deployment(*deployment_ids: str) -> Predicate:
    """
    Entries of these deployments.

    Raises:
        ValueError: There are none, or one is empty.
        TypeError: One is no text.
    """
    _at_least_one("deployment_ids", deployment_ids)
    return OneOf("deployment_id", deployment_ids)


def from_instance(*instance_ids: str) -> Predicate:
    """
    Entries of these instances.

    Raises:
        ValueError: There are none, or one is empty.
        TypeError: One is no text.
    """
    _at_least_one("instance_ids", instance_ids)
    return OneOf("instance_id", instance_ids)


def containing(text: str) -> Predicate:
    """
    Entries whose message contains this text, whatever the case of its letters.

    Raises:
        ValueError: *text* is empty.
        TypeError: It is no text.
    """
    return Contains("message", text)


def matching(pattern: str | re.Pattern[str]) -> Predicate:
    """
    Entries in whose message this regular expression is found.

    Raises:
        ValueError: *pattern* is not a regular expression.
        TypeError: It is neither a text nor a compiled one over text.
    """
    return Matches("message", pattern)


def _at_least_one(name: str, values: tuple[Any, ...]) -> None:
    if not values:
        raise ValueError(f"{name} must not be empty")
    for value in values:
        check_text(f"each of {name}", value)
