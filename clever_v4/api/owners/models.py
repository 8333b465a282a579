"""
What an account can see, and how the summary has it on the wire.
"""

from __future__ import annotations

import attrs

from clever_v4.pydantic_schema import known_to_pydantic
from clever_v4.wire.names import wire_style


@known_to_pydantic
@attrs.frozen(kw_only=True)
class Owner:
    """
    A user or an organisation: what ``owner_id`` stands for everywhere.
    """

    id: str
    """``user_…`` or ``orga_…``."""
    name: str | None = None
    is_user: bool = False
    """Whether it is the person whose credentials these are."""


@wire_style("camel")
@attrs.frozen(kw_only=True)
class OwnedApplication:
    """
    An application that the credentials can see.
    """

    id: str
    """``app_…``."""
    owner_id: str = ""
    name: str | None = None
    zone: str | None = None


@wire_style("camel")
@attrs.frozen(kw_only=True)
class OwnedAddon:
    """
    An add-on that the credentials can see.
    """

    id: str
    """``addon_…``: what load balancers and the marketplace know."""
    real_id: str | None = None
    """``postgresql_…``, ``pulsar_…``: what logs and Pulsar policies want."""
    owner_id: str = ""
    name: str | None = None
    provider_id: str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class Summary:
    """
    All that the credentials can see.
    """

    owners: tuple[Owner, ...]
    """The user first, then the organisations."""
    applications: tuple[OwnedApplication, ...]
    addons: tuple[OwnedAddon, ...]


# --- as the wire has it: things inside their owner ---------------------------------------


@wire_style("camel")
@attrs.frozen(kw_only=True)
class OwnerOnTheWire:
    """
    An owner with all that is its own.
    """

    id: str
    name: str | None = None
    applications: tuple[OwnedApplication, ...] = ()
    addons: tuple[OwnedAddon, ...] = ()


@wire_style("camel")
@attrs.frozen(kw_only=True)
class SummaryOnTheWire:
    """
    The account of the credentials, and its organisations.
    """

    user: OwnerOnTheWire
    organisations: tuple[OwnerOnTheWire, ...] = ()


def summary_from(answer: SummaryOnTheWire) -> Summary:
    """
    Take things out of their owners, each with its owner's id.
    """
    owners = (answer.user, *answer.organisations)
    return Summary(
        owners=tuple(
            Owner(id=owner.id, name=owner.name, is_user=owner is answer.user) for owner in owners
        ),
        applications=tuple(
            attrs.evolve(one, owner_id=owner.id) for owner in owners for one in owner.applications
        ),
        addons=tuple(
            attrs.evolve(one, owner_id=owner.id) for owner in owners for one in owner.addons
        ),
    )
