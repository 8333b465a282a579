"""
Streams that end where the server ends them: to a live one that is a lost connection.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from clever_v4 import LogQuery, Reconnect, StreamOptions, UnexpectedEndError

LONG_AFTER = LogQuery(until=datetime(2100, 1, 1, tzinfo=UTC))
"""A bounded stream, which looks at each entry's date: for where an entry a read is what costs."""

ONCE = StreamOptions(reconnect=Reconnect(is_transient=lambda _error: False))
"""A live stream that does not ask again: it raises, see `until_the_end`."""

until_the_end = partial(suppress, UnexpectedEndError)
