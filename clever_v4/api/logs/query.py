"""
What to read of a log, and how fast.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import attrs

from clever_v4.validators import (
    check_instance,
    check_text,
    check_tuple_of_texts,
    check_whole_number,
    field,
)
from clever_v4.wire.moments import Moment, aware_moment, check_window, moment_to_datetime
from clever_v4.wire.names import wire, wire_names
from clever_v4.wire.paths import QueryPairs
from clever_v4.wire.query import to_pairs

__all__ = ["LogQuery", "Throttle"]

_INT32_MAX = 2**31 - 1


def _at_least_one_millisecond(
    _instance: object,
    attribute: attrs.Attribute[Any],
    value: Any,
) -> None:
    check_instance(attribute.name, value, timedelta)
    if value < timedelta(milliseconds=1) or value % timedelta(milliseconds=1):
        raise ValueError(f"{attribute.name} must be whole milliseconds, at least 1, got {value!r}")


@attrs.frozen(kw_only=True)
class Throttle:
    """
    The API's own limiter of a stream: at most *elements* entries per *per*.

    Attributes:
        elements: Entries per period, at least 1.
        per: Length of the period, whole milliseconds.
        SERVER_DEFAULT: What the server does without being asked: 100 entries per 300 ms, some
            333 a second.
        CLI: What the official command line asks for: 2,000 per 100 ms (clever-tools,
            src/models/log.js).

            What streams ask for unless told otherwise. The server's own default falls behind a
            log of 600 entries a second by 0.44 seconds each second; with this one the server
            stands nothing in the way of what a reader takes, which slows the server down by TCP
            where it takes less.
        CONSOLE: What the web console asks for: 1,000 per 10 ms (clever-components,
            src/lib/logs/logs-stream.js).

    Source: ``throttleElements`` and ``throttlePerInMilliseconds`` in the
    reference of API v4.
    """

    elements: int = attrs.field(validator=field(check_whole_number, at_most=_INT32_MAX))
    per: timedelta = attrs.field(validator=_at_least_one_millisecond)
    SERVER_DEFAULT: ClassVar[Throttle]
    CLI: ClassVar[Throttle]
    CONSOLE: ClassVar[Throttle]

    def pairs(self) -> QueryPairs:
        """
        Give the query parameters.
        """
        milliseconds = self.per // timedelta(milliseconds=1)
        return [
            ("throttleElements", str(self.elements)),
            ("throttlePerInMilliseconds", str(milliseconds)),
        ]


Throttle.SERVER_DEFAULT = Throttle(elements=100, per=timedelta(milliseconds=300))
Throttle.CLI = Throttle(elements=2000, per=timedelta(milliseconds=100))
Throttle.CONSOLE = Throttle(elements=1000, per=timedelta(milliseconds=10))


@attrs.frozen(kw_only=True)
class LogQuery:
    """
    Which entries to read; all of them optional, and without any: from now on, for ever.

    A moment is an aware ``datetime`` or a ``timedelta`` before now.

    Attributes:
        since: Where to begin. None: now. The API keeps logs for 7 days.
        until: Where to end. None: never, a live stream. One that is past needs ``since`` or a
            cursor, since a stream without them is from now on: nothing could come, which is a
            ValueError at its start.
        limit: Most entries over the whole stream, reconnections included. None: without limit.
        deployment_id: Only entries of this deployment. Application logs only.
        instance_ids: Only entries of these instances. Empty: of all.
        fields: Only these members of an entry, by their names on the wire (``date``,
            ``message``, ``instanceId``); the others are None. Empty: all.
        filter: Only entries whose message contains this text, in upper or lower case.
        services: Only entries of these systemd units; ``("all",)`` for all. Empty: the server's
            default, ``bas`` and ``bas-deploy``. Application logs only.

    Raises:
        ValueError: A moment is naive, ``since`` is after ``until``, a limit is
            not positive, or a text is empty; the message names the member.
        TypeError: A member is of another type.
    """

    since: Moment | None = attrs.field(default=None, validator=aware_moment)
    until: Moment | None = attrs.field(default=None, validator=aware_moment)
    limit: int | None = attrs.field(
        default=None, validator=field(check_whole_number, optional=True)
    )
    deployment_id: str | None = attrs.field(
        default=None, validator=field(check_text, optional=True)
    )
    instance_ids: tuple[str, ...] = attrs.field(
        default=(),
        validator=field(check_tuple_of_texts, optional=True),
        metadata=wire("instanceId"),
    )
    fields: tuple[str, ...] = attrs.field(
        default=(), validator=field(check_tuple_of_texts, optional=True), metadata=wire("field")
    )
    filter: str | None = attrs.field(default=None, validator=field(check_text, optional=True))
    services: tuple[str, ...] = attrs.field(
        default=(), validator=field(check_tuple_of_texts, optional=True), metadata=wire("service")
    )

    def __attrs_post_init__(self) -> None:
        check_window(self.since, self.until)

    def fixed(self, *, resumes: bool = False) -> LogQuery:
        """
        Give the same query with its timedeltas counted back from now, once and for all.

        Args:
            resumes: Whether a cursor says where to begin.

        Raises:
            ValueError: ``since`` turns out to be after ``until``, or nothing can come: ``until``
                is past and nothing says where to begin, which then is now.
        """
        if self.since is None and self.until is None:
            return self
        now = datetime.now(UTC)
        since, until = (
            None if moment is None else moment_to_datetime(moment, now=now)
            for moment in (self.since, self.until)
        )
        if since is None and until is not None and until <= now and not resumes:
            raise ValueError(
                f"until is past and since is not given, which is from now on: nothing can come, got "
                f"until={self.until!r}; since=timedelta(days=7) is all that the API keeps"
            )
        return attrs.evolve(self, since=since, until=until)

    def pairs(self, *, limit: int | None, since: datetime | None) -> QueryPairs:
        """
        Give the query parameters of one connection.

        Args:
            limit: What is left of the limit.
            since: Where to begin instead; None: as this query says.
        """
        # Not a changed LogQuery, which would refuse a server's clock that is ahead of until.
        instead = {"limit": limit, "since": since or self.since}
        return to_pairs(
            (name, instead.get(attribute, getattr(self, attribute)))
            for attribute, name in wire_names(LogQuery).items()
        )

    def refuse(self, stream: str, *names: str) -> None:
        """
        Refuse members that a kind of stream does not take.

        Raises:
            ValueError: One of them is given.
        """
        for name in names:
            if value := getattr(self, name):
                raise ValueError(f"{name} is not a parameter of {stream}, got {value!r}")
