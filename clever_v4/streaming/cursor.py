"""
Where a consumer of a stream is, as a value that survives its process; pure.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import attrs

from clever_v4.validators import check_text, check_whole_number, field, shown

__all__ = [
    "MAX_ID_BYTES",
    "Cursor",
    "can_be_header",
    "cursor_of",
    "last_header",
    "remembered",
    "start_of_last",
]

MAX_ID_BYTES: Final = 4096
"""The longest id that is sent back. Servers bound a line of a request's head, or all of it, by
8 KiB (nginx, Apache httpd, Tomcat, aiohttp), and a signature takes its part."""

_KEPT_COUNT: Final = 1000
# A thousand ids as the API makes them, and of up to 60 bytes each.
_LEAST_KEPT_BYTES: Final = 18 * 1024
_MOST_KEPT_BYTES: Final = 60 * 1024
_STEP_BYTES: Final = 2048

_MAX_COUNT: Final = 2**63 - 1
# More than is kept.
_MAX_UNPACKED_BYTES: Final = 64 * 1024
# Visible at both ends, since a header's value loses its outer blanks on the way (RFC 9110, 5.5).
_IS_VISIBLE: Final = re.compile(rb"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*+(?<! ))?+").fullmatch
_IS_ID: Final = re.compile(rb"[^\0\r\n]+").fullmatch


def can_be_header(id_: bytes) -> bool:
    """
    Tell whether a ``Last-Event-ID`` header can carry an id so that the very same bytes arrive.

    Not one with a control character or an outer blank, not one that is no
    UTF-8, and not one of more than `MAX_ID_BYTES`.
    """
    if not _IS_VISIBLE(id_) or len(id_) > MAX_ID_BYTES:
        return False
    if id_.isascii():
        return True
    try:
        id_.decode()
    except UnicodeDecodeError:
        return False
    return True


def last_header(joined: bytes) -> bytes:
    """
    Give the last of some ids, one a line, that a header can carry; empty where none can.
    """
    while joined:
        joined, _, last = joined.rpartition(b"\n")
        if can_be_header(last):
            return last
    return b""


def remembered(id_: bytes) -> bytes:
    """
    Give what is kept of an id: one that is never sent back, and so long, is known by a digest.
    """
    if len(id_) <= MAX_ID_BYTES:
        return id_
    return b"\x01" + blake2b(id_, digest_size=16).hexdigest().encode()


def start_of_last(joined: bytes | bytearray, end: int, *, lines: int | None = None) -> int:
    """
    Give where the ids begin that are kept of some, one a line: whole ones, the last thousand or so.

    At least 18 KiB of them, more where a thousand take more, and 60 KiB at most.

    Args:
        joined: The ids, oldest first.
        end: Where the last one ends.
        lines: How many line ends are before that, where it is known: then fewer are counted.
    """
    start = max(end - _LEAST_KEPT_BYTES, 0)
    earliest = max(end - _MOST_KEPT_BYTES, 0)
    if lines is None:
        count = joined.count(b"\n", start, end)
    else:
        count = lines - joined.count(b"\n", 0, start)
    while count < _KEPT_COUNT and start > earliest:
        further = max(start - _STEP_BYTES, earliest)
        count += joined.count(b"\n", further, start)
        start = further
    # What comes first then is cut.
    return joined.find(b"\n", start, end) + 1 if start else 0


def _check_id(name: str, value: Any) -> None:
    check_text(name, value)
    if not can_be_header(_encoded(name, value)):
        raise ValueError(
            f"{name} must be text that a header can carry: no control characters, no outer blanks, "
            f"at most {MAX_ID_BYTES} bytes; got {shown(value)}"
        )


def _check_stream(name: str, value: Any) -> None:
    check_text(name, value)
    # Messages name it as it is.
    if not value.isprintable():
        raise ValueError(f"{name} must be printable, got {shown(value)}")


def _check_moment(name: str, value: Any) -> None:
    if not isinstance(value, datetime):
        raise TypeError(f"{name} must be a datetime, got {shown(value)}")
    if value.utcoffset() is None:
        raise ValueError(f"{name} must have a time zone, got {value.isoformat()}")
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError(
            f"{name} must be a moment that UTC has, too, got {value.isoformat()}"
        ) from None


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} must be whole characters, got {shown(text)}") from None


def _joined(ids: Iterable[str] | bytes, name: str) -> bytes:
    if isinstance(ids, bytes):
        lines = ids.split(b"\n") if ids else []
    elif isinstance(ids, str) or not isinstance(ids, Iterable):
        raise TypeError(f"{name} must be several texts, got {shown(ids)}")
    else:
        lines = []
        for one in ids:
            check_text(f"each of {name}", one)
            lines.append(_encoded(f"each of {name}", one))
    for line in lines:
        if not _IS_ID(line):
            raise ValueError(
                f"each of {name} must be an id, which has no end of line and no NUL, "
                f"got {shown(line.decode('utf-8', 'replace'))}"
            )
    return b"\n".join(map(remembered, lines))


def _recent(ids: Iterable[str] | bytes) -> bytes:
    return _joined(ids, "recent_ids")


@attrs.frozen(kw_only=True, repr=False)
class Cursor:
    """
    Where a consumer of a stream is: small, immutable, serialisable.

    ``str(cursor)`` is one line of text, and `parse` reads it in another
    process. `after` and `at` make one from what a caller has kept itself.

    Attributes:
        last_event_id: Where to go on: the id of the last entry that the
            consumer has finished with, of those whose id a header can carry.
        entry_count: How many entries the consumer has finished with, from 0 to
            2**63 - 1. It counts towards the ``limit`` of the query that the
            cursor is given with, so that a stream with a limit ends where it
            would have without the break: nothing comes where it is the limit
            or more. Without a limit it means nothing.
        since: Where to go on while there is no id: the moment when the first
            connection was accepted. Aware, kept in UTC.
        stream: What it is a cursor of, such as
            ``logs/organisations/orga_…/applications/app_…/logs``: no other
            stream takes it. None: any takes it.
        recent_ids: The ids of the entries before, oldest first, with
            `last_event_id`, to recognise those that the server sends again. May
            be made from any texts that are ids; the last thousand or so are
            kept, of ids over 60 bytes fewer.

    Raises:
        ValueError: A member has a value that no stream gives, such as a
            moment without a time zone or an id with an end of line.
        TypeError: A member is of another type.
    """

    last_event_id: str | None = attrs.field(default=None, validator=field(_check_id, optional=True))
    entry_count: int = attrs.field(
        default=0, validator=field(check_whole_number, at_least=0, at_most=_MAX_COUNT)
    )
    since: datetime | None = attrs.field(
        default=None, validator=field(_check_moment, optional=True)
    )
    stream: str | None = attrs.field(default=None, validator=field(_check_stream, optional=True))
    # One after the other, a line each: a thousand texts would cost more than all else here.
    _recent: bytes = attrs.field(default=b"", alias="recent_ids", converter=_recent)

    def __attrs_post_init__(self) -> None:
        if self.since is not None:
            object.__setattr__(self, "since", self.since.astimezone(UTC))
        last = (self.last_event_id or "").encode()
        if last and last_header(self._recent) != last:
            # It is the last one, whatever the others are.
            recent = b"\n".join([self._recent, last]) if self._recent else last
            object.__setattr__(self, "_recent", recent)
        if len(self._recent) > _MOST_KEPT_BYTES:
            kept = self._recent[start_of_last(self._recent, len(self._recent)) :]
            object.__setattr__(self, "_recent", kept)

    @property
    def recent_ids(self) -> tuple[str, ...]:
        """The ids of the entries before, oldest first, with `last_event_id`."""
        return tuple(self._recent.decode("utf-8", "replace").split("\n")) if self._recent else ()

    @property
    def recent(self) -> bytes:
        """The recent ids as they were received, a line each."""
        return self._recent

    @classmethod
    def after(
        cls, ids: Iterable[str], *, entry_count: int = 0, stream: str | None = None
    ) -> Cursor:
        """
        Make a cursor from the ids of entries that are finished with.

        Args:
            ids: Oldest first; the stream goes on after the last one that a
                header can carry. The last one is enough where the server
                repeats nothing; the last thousand are what a stream keeps.
            entry_count: How many entries count towards a ``limit``.
            stream: What it is a cursor of. None: not said.

        Raises:
            ValueError: There is none that a header can carry, or one of them
                is no id.
            TypeError: Something is of another type.
        """
        recent = _joined(ids, "ids")
        last = last_header(recent)
        if not last:
            told = shown(recent.decode("utf-8", "replace").splitlines())
            raise ValueError(f"ids must hold one that a header can carry, got {told}")
        return cls(
            last_event_id=last.decode(), entry_count=entry_count, stream=stream, recent_ids=recent
        )

    @classmethod
    def at(cls, moment: datetime, *, entry_count: int = 0, stream: str | None = None) -> Cursor:
        """
        Make a cursor that goes on at a moment: entries of that moment come, too.

        Args:
            moment: Aware; takes the place of the query's ``since``.
            entry_count: How many entries count towards a ``limit``.
            stream: What it is a cursor of. None: not said.

        Raises:
            ValueError: The moment has no time zone.
            TypeError: Something is of another type.
        """
        _check_moment("moment", moment)
        return cls(since=moment, entry_count=entry_count, stream=stream)

    def __repr__(self) -> str:
        count = self._recent.count(b"\n") + 1 if self._recent else 0
        return (
            f"Cursor(last_event_id={self.last_event_id!r}, entry_count={self.entry_count}, "
            f"since={self.since!r}, stream={self.stream!r}, recent_ids=<{count:,}>)"
        )

    def __str__(self) -> str:
        return json.dumps(
            {
                "stream": self.stream,
                "id": self.last_event_id,
                "count": self.entry_count,
                "since": self.since.isoformat() if self.since else None,
                "recent": _packed(self._recent),
            },
            separators=(",", ":"),
        )

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """
        Read a cursor from its text.

        Raises:
            ValueError: The text is not that of a cursor, whatever else it is.
            TypeError: It is no text.
        """
        check_text("text", text, or_empty=True)
        try:
            value = json.loads(text)
            since, recent = value["since"], value["recent"]
            return cls(
                last_event_id=value["id"],
                entry_count=value["count"],
                since=None if since is None else datetime.fromisoformat(since),
                stream=value.get("stream"),
                recent_ids=_unpacked(recent),
            )
        except KeyError as exc:
            reason = f"it has no {exc}"
        except RecursionError:
            reason = "it is nested too deeply"
        except (ValueError, TypeError, AttributeError) as exc:
            reason = str(exc)
        raise ValueError(f"text must be that of a cursor, got {shown(text)}: {reason}")


def cursor_of(
    *,
    last_event_id: bytes,
    entry_count: int,
    since: datetime | None,
    stream: str | None,
    recent: bytes,
) -> Cursor:
    """
    Make the cursor of a stream, whose members need no look: some ask for one with each batch.
    """
    cursor = Cursor.__new__(Cursor)
    put = object.__setattr__
    put(cursor, "last_event_id", last_event_id.decode() or None)
    put(cursor, "entry_count", entry_count)
    put(cursor, "since", since)
    put(cursor, "stream", stream)
    put(cursor, "_recent", recent)
    return cursor


def _packed(ids: bytes) -> str:
    # The API's ids differ in a few digits: a thousand take 3 to 6 KB so, in a tenth of a millisecond.
    return base64.b64encode(zlib.compress(ids, 1)).decode() if ids else ""


def _unpacked(text: Any) -> list[str] | bytes:
    if isinstance(text, list):
        return text  # what earlier versions wrote
    check_text("recent", text, or_empty=True)
    packed = base64.b64decode(text, validate=True)
    if not packed:
        return b""
    unpacking = zlib.decompressobj()
    try:
        ids = unpacking.decompress(packed, _MAX_UNPACKED_BYTES)
    except zlib.error as exc:
        raise ValueError(f"recent is not what a cursor writes: {exc}") from None
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("recent is not what a cursor writes: it is cut, or too long")
    return ids
