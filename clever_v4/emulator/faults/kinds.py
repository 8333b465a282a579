"""
What can go wrong on one connection. Faults are values; those of one connection can be combined,
for example ``(Gzip(), Drip(), Cut(after_bytes=900))``.

Counts of entries and bytes are those of the one connection. Bytes are those of the response's
body as they go out, after compression, without the framing of chunks.
"""

from __future__ import annotations

from typing import Literal

import attrs

from clever_v4.validators import (
    check_choice,
    check_flag,
    check_number,
    check_text,
    check_tuple_of_texts,
    check_whole_number,
    field,
)

_count = field(check_whole_number, at_least=0)
_count_or_none = field(check_whole_number, at_least=0, optional=True)
_positive = field(check_whole_number)
_seconds = field(check_number, at_least=0)
_seconds_or_none = field(check_number, at_least=0, optional=True)
_text = field(check_text, or_empty=True)
_text_or_none = field(check_text, or_empty=True, optional=True)
_flag = field(check_flag)


# Instead of the answer ---------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Unauthorized:
    """
    401 with the API's body, whatever the credentials are.
    """


@attrs.frozen(kw_only=True)
class NotFound:
    """
    404 with the API's body, as of an application that never logged.

    Attributes:
        error: What the body says.
    """

    error: str = attrs.field(
        default="Partitioned Topic not found: persistent://orga/logs/app has zero partitions",
        validator=_text,
    )


@attrs.frozen(kw_only=True)
class TooManyRequests:
    """
    429 with the API's body; from v2, 403 with its own.

    Attributes:
        retry_after: The ``Retry-After`` header: seconds or an HTTP date; None: no such header.
    """

    retry_after: str | None = attrs.field(default="1", validator=_text_or_none)


@attrs.frozen(kw_only=True)
class EmptyError:
    """
    An error status without a body, as the API's 500 is reported.

    Attributes:
        status: The answer's status.
        retry_after: The ``Retry-After`` header: seconds or an HTTP date; None: no such header.
    """

    status: int = attrs.field(default=500, validator=_count)
    retry_after: str | None = attrs.field(default=None, validator=_text_or_none)


@attrs.frozen(kw_only=True)
class HtmlError:
    """
    An error status with the HTML page of a gateway.

    Attributes:
        status: The answer's status.
        retry_after: The ``Retry-After`` header: seconds or an HTTP date; None: no such header.
    """

    status: int = attrs.field(default=502, validator=_count)
    retry_after: str | None = attrs.field(default=None, validator=_text_or_none)


@attrs.frozen(kw_only=True)
class WrongContentType:
    """
    200, or another status, with another content type than the client asked for, such as an error
    body of the API that comes as ``text/plain``.

    Attributes:
        status: The answer's status.
        content_type: What the header says.
        body: What comes.
    """

    status: int = attrs.field(default=200, validator=_count)
    content_type: str = attrs.field(default="text/html", validator=_text)
    body: str = attrs.field(
        default="<!DOCTYPE html><title>Maintenance</title><p>Back in a moment.</p>", validator=_text
    )


@attrs.frozen(kw_only=True)
class Disconnect:
    """
    The connection is closed without an answer.

    Attributes:
        reset: Whether by RST instead of FIN.
    """

    reset: bool = attrs.field(default=False, validator=_flag)


@attrs.frozen(kw_only=True)
class SlowAnswer:
    """
    The answer begins later.

    Attributes:
        seconds: How much later, in seconds.
    """

    seconds: float = attrs.field(default=1.0, validator=_seconds)


# Where the body ends or stops ----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Cut:
    """
    The connection is lost in the middle of the body.

    Give one of ``after_bytes`` and ``after_entries``; with the latter, ``inside`` chooses what
    is torn: the next entry's line of data, a character of several bytes in UTF-8 (of the first
    entry that has one), or a chunk of the transfer (its announced length does not come). None:
    between two events.

    Attributes:
        after_bytes: Bytes of the body before it.
        after_entries: Entries before it.
        inside: What is torn; see above.
        reset: Whether by RST instead of FIN.
    """

    after_bytes: int | None = attrs.field(default=None, validator=_count_or_none)
    after_entries: int | None = attrs.field(default=None, validator=_count_or_none)
    inside: Literal["line", "character", "chunk"] | None = attrs.field(
        default=None,
        validator=field(check_choice, kind=("line", "character", "chunk"), optional=True),
    )
    reset: bool = attrs.field(default=False, validator=_flag)

    def __attrs_post_init__(self) -> None:
        if (self.after_bytes is None) == (self.after_entries is None):
            raise ValueError(
                f"one of after_bytes and after_entries must be given, got {self.after_bytes} and "
                f"{self.after_entries}"
            )
        if self.after_bytes is not None and self.inside not in {None, "chunk"}:
            raise ValueError(
                f"inside must be None or 'chunk' with after_bytes, got {self.inside!r}"
            )


@attrs.frozen(kw_only=True)
class EndOfFile:
    """
    The body ends in good order but without END_OF_STREAM, as when the API is redeployed.

    Attributes:
        after_entries: Entries before it.
    """

    after_entries: int = attrs.field(default=0, validator=_count)


@attrs.frozen(kw_only=True)
class Stall:
    """
    The connection stays open and carries nothing at all, not even a heartbeat.

    Attributes:
        after_entries: Entries before it.
        seconds: For how long; None: for ever.
    """

    after_entries: int = attrs.field(default=0, validator=_count)
    seconds: float | None = attrs.field(default=None, validator=_seconds_or_none)


@attrs.frozen(kw_only=True)
class HeartbeatsOnly:
    """
    Nothing but heartbeats.

    Attributes:
        after_entries: Entries before it.
        seconds: For how long; None: for ever.
    """

    after_entries: int = attrs.field(default=0, validator=_count)
    seconds: float | None = attrs.field(default=None, validator=_seconds_or_none)


# How the body is transferred -----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Drip:
    """
    The body comes in small pieces, each written by itself.

    Attributes:
        piece_bytes: Bytes of a piece.
        most_bytes: How much comes like that; None: all of it.
    """

    piece_bytes: int = attrs.field(default=1, validator=_positive)
    most_bytes: int | None = attrs.field(default=None, validator=_count_or_none)


@attrs.frozen(kw_only=True)
class Gzip:
    """
    The body is compressed, asked for or not, and flushed after each write.
    """


# What else stands in the stream ---------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RepeatLast:
    """
    After a resume the last entries before it come once more.

    Attributes:
        count: How many of them.
    """

    count: int = attrs.field(default=1, validator=_positive)


@attrs.frozen(kw_only=True)
class RetryFields:
    """
    A ``retry:`` field, at the start and before every so many entries.

    Attributes:
        milliseconds: What the field says.
        every: Entries from one to the next.
    """

    milliseconds: int = attrs.field(default=10, validator=_count)
    every: int = attrs.field(default=10, validator=_positive)


@attrs.frozen(kw_only=True)
class HeartbeatIds:
    """
    Heartbeats carry an ``id:``; one comes at the start and after every so many entries too.

    A client that resumes from it loses entries: it lies far beyond the log's end.

    Attributes:
        id: What they carry.
        every: Entries from one to the next.
    """

    id: str = attrs.field(default="999999999:0:0", validator=_text)
    every: int = attrs.field(default=10, validator=_positive)


@attrs.frozen(kw_only=True)
class Unparsable:
    """
    Entries whose data is not an entry.

    Attributes:
        every: Entries from one to the next.
        data: What stands there instead, in turn.
        replace: Whether it stands in an entry's place and has its id, so that this entry does
            not come on this connection; else it is an event more, without an id.
    """

    every: int = attrs.field(default=10, validator=_positive)
    data: tuple[str, ...] = attrs.field(
        default=("{not JSON", '["a","list"]', "null", '{"id":5,"date":"soon"}', '{"id":'),
        validator=field(check_tuple_of_texts),
    )
    replace: bool = attrs.field(default=False, validator=_flag)


@attrs.frozen(kw_only=True)
class UnknownEvents:
    """
    Events of a name that no client knows, without an id.

    Attributes:
        every: Entries from one to the next.
        name: Their name.
        data: Their data.
    """

    every: int = attrs.field(default=10, validator=_positive)
    name: str = attrs.field(default="NOTICE", validator=_text)
    data: str = attrs.field(default='{"text":"maintenance at noon"}', validator=_text)


@attrs.frozen(kw_only=True)
class Framing:
    """
    The same events in another but equal form.

    Attributes:
        line_end: What ends a line.
        byte_order_mark: Whether the body begins with one.
        comments: Whether a comment stands before each event.
        spaces: Whether a space follows each colon.
        multiline: Whether the data of an entry is spread over several ``data:`` lines.
    """

    line_end: Literal["\n", "\r\n", "\r"] = attrs.field(
        default="\n", validator=field(check_choice, kind=("\n", "\r\n", "\r"))
    )
    byte_order_mark: bool = attrs.field(default=False, validator=_flag)
    comments: bool = attrs.field(default=False, validator=_flag)
    spaces: bool = attrs.field(default=False, validator=_flag)
    multiline: bool = attrs.field(default=False, validator=_flag)


Answering = (
    Unauthorized | NotFound | TooManyRequests | EmptyError | HtmlError | WrongContentType
    | Disconnect
)  # fmt: skip
"""Faults that stand in for the whole answer."""

Fault = (
    Answering | SlowAnswer | Cut | EndOfFile | Stall | HeartbeatsOnly | Drip | Gzip | RepeatLast
    | RetryFields | HeartbeatIds | Unparsable | UnknownEvents | Framing
)  # fmt: skip
"""Any fault."""

FAULTS: tuple[type[Fault], ...] = (
    Unauthorized, NotFound, TooManyRequests, EmptyError, HtmlError, WrongContentType, Disconnect,
    SlowAnswer, Cut, EndOfFile, Stall, HeartbeatsOnly, Drip, Gzip, RepeatLast, RetryFields,
    HeartbeatIds, Unparsable, UnknownEvents, Framing,
)  # fmt: skip
"""All of them, in the order above."""
