"""
What deployments may be asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from clever_v4.pydantic_schema import known_to_pydantic
from clever_v4.validators import check_whole_number, field
from clever_v4.wire.choices import Order, order_or_none, state_names
from clever_v4.wire.names import wire

from .models import DeploymentAction

__all__ = ["DeploymentQuery"]


def _actions(value: Iterable[str]) -> tuple[str, ...]:
    return state_names("actions", value, DeploymentAction)


@known_to_pydantic
@attrs.frozen(kw_only=True)
class DeploymentQuery:
    """
    Which deployments to list.

    Attributes:
        limit: How many at most. The server takes up to 1,000; None: its own default, which is
            not documented.
        order: By start date. None: the server's own order.
        actions: Only those with one of these actions (`DeploymentAction`, case sensitive);
            empty: all.

    Raises:
        ValueError: *limit* is less than 1, or *order* unknown.
        TypeError: *actions* is one text instead of a sequence.
    """

    limit: int | None = attrs.field(
        default=None, validator=field(check_whole_number, optional=True)
    )
    order: Order | None = attrs.field(default=None, converter=order_or_none)
    actions: tuple[str, ...] = attrs.field(default=(), converter=_actions, metadata=wire("action"))
