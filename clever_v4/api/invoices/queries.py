"""
What invoices may be asked for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import attrs

from clever_v4.validators import check_whole_number, field
from clever_v4.wire.moments import Moment, aware_moment, check_window
from clever_v4.wire.names import wire_style

__all__ = ["ALL", "InvoiceQuery"]

ALL: Final = datetime(2010, 8, 1, tzinfo=UTC)
"""A *since* before every invoice: the moment that the web console sends to ask for all of them."""


@wire_style("snake")
@attrs.frozen(kw_only=True)
class InvoiceQuery:
    """
    Which invoices to list.

    Attributes:
        limit: How many at most. None: the server's own default, which is not documented.
        since: Emitted at this moment or later: an aware datetime, a timedelta before now, or
            `ALL`. None: the server's own window, which is limited; no source says to what.
        until: Emitted not later than this, likewise. None: no bound.

    Raises:
        ValueError: *limit* is less than 1, *since* after *until*, or a
            datetime naive.
    """

    limit: int | None = attrs.field(
        default=None, validator=field(check_whole_number, optional=True)
    )
    since: Moment | None = attrs.field(default=None, validator=aware_moment)
    until: Moment | None = attrs.field(default=None, validator=aware_moment)

    def __attrs_post_init__(self) -> None:
        check_window(self.since, self.until)
