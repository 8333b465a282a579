"""
What instances may be asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from clever_v4.pydantic_schema import known_to_pydantic
from clever_v4.validators import check_flag, check_text, check_whole_number, field
from clever_v4.wire.choices import Order, order_or_none, state_names
from clever_v4.wire.moments import Moment, aware_moment, check_window
from clever_v4.wire.names import wire

from .models import InstanceState

__all__ = ["InstanceQuery"]


def _include_states(value: Iterable[str]) -> tuple[str, ...]:
    return state_names("include_states", value, InstanceState)


def _exclude_states(value: Iterable[str]) -> tuple[str, ...]:
    return state_names("exclude_states", value, InstanceState)


@known_to_pydantic
@attrs.frozen(kw_only=True)
class InstanceQuery:
    """
    Which instances to list.

    Attributes:
        deployment_id: Only those of this deployment. None: of all.
        limit: How many at most. The server takes up to 1,000; None: its own default, which is
            not documented.
        exclude_deleted: Leave out those that are gone. In the reference, but not in the
            server's OpenAPI description; ``exclude_states=("DELETED",)`` says the same. None:
            not sent.
        since: Not older than this: an aware datetime, or a timedelta before now. None: no
            bound.
        until: Not newer than this, likewise. None: no bound.
        order: By creation date. None: the server's own order.
        include_states: Only those in one of these states (`InstanceState`, case sensitive);
            empty: in any.
        exclude_states: Not those in one of these states (`InstanceState`, case sensitive).

    Raises:
        ValueError: *limit* is less than 1, *since* after *until*, a datetime
            naive, *order* unknown, an id empty, or a state in the wrong case
            or both included and excluded.
        TypeError: A state list is one text instead of a sequence.
    """

    deployment_id: str | None = attrs.field(
        default=None, validator=field(check_text, optional=True)
    )
    limit: int | None = attrs.field(
        default=None, validator=field(check_whole_number, optional=True)
    )
    exclude_deleted: bool | None = attrs.field(
        default=None, validator=field(check_flag, optional=True)
    )
    since: Moment | None = attrs.field(default=None, validator=aware_moment)
    until: Moment | None = attrs.field(default=None, validator=aware_moment)
    order: Order | None = attrs.field(default=None, converter=order_or_none)
    include_states: tuple[str, ...] = attrs.field(
        default=(),
        converter=_include_states,
        metadata=wire("includeState"),
    )
    exclude_states: tuple[str, ...] = attrs.field(
        default=(),
        converter=_exclude_states,
        metadata=wire("excludeState"),
    )

    def __attrs_post_init__(self) -> None:
        check_window(self.since, self.until)
        both = sorted(set(self.include_states) & set(self.exclude_states))
        if both:
            raise ValueError(f"include_states and exclude_states both hold {', '.join(both)}")
