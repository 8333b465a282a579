"""
What an account can see, and how the summary has it on the wire.
"""

from __future__ import annotations

import attrs

from clever_v4.pydantic_schema import known_to_pydantic


@known_to_pydantic
@attrs.frozen(kw_only=True)
class Owner:
    """
    A user or an organisation: what ``owner_id`` stands for everywhere.

    Attributes:
        id: ``user_…`` or ``orga_…``.
        name: What it is called; None for a user without a name.
        is_user: Whether it is the person whose credentials these are.
    """

    id: str
    name: str | None = None
    is_user: bool = False


@known_to_pydantic
@attrs.frozen(kw_only=True)
class OwnedApplication:
    """
    An application that the credentials can see.

    Attributes:
        id: ``app_…``.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        name: What its owner calls it.
        zone: The zone, such as ``par``.
    """

    id: str
    owner_id: str = ""
    name: str | None = None
    zone: str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class OwnedAddon:
    """
    An add-on that the credentials can see.

    Attributes:
        id: ``addon_…``: what load balancers and the marketplace know.
        real_id: ``postgresql_…``, ``pulsar_…``: what logs and Pulsar policies want.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        name: What its owner calls it.
        provider_id: What it is, such as ``postgresql-addon``.
    """

    id: str
    real_id: str | None = None
    owner_id: str = ""
    name: str | None = None
    provider_id: str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class Summary:
    """
    All that the credentials can see.

    Attributes:
        owners: The user first, then the organisations.
        applications: All applications, in the order of their owners.
        addons: All add-ons, in the order of their owners.
    """

    owners: tuple[Owner, ...]
    applications: tuple[OwnedApplication, ...]
    addons: tuple[OwnedAddon, ...]


# --- as the wire has it: things inside their owner ---------------------------------------


@known_to_pydantic
@attrs.frozen(kw_only=True)
class OwnerOnTheWire:
    """
    An owner with all that is its own.

    Attributes:
        id: ``user_…`` or ``orga_…``.
        name: What it is called.
        applications: Its applications.
        addons: Its add-ons.
    """

    id: str
    name: str | None = None
    applications: tuple[OwnedApplication, ...] = ()
    addons: tuple[OwnedAddon, ...] = ()


@known_to_pydantic
@attrs.frozen(kw_only=True)
class SummaryOnTheWire:
    """
    The account of the credentials, and its organisations.

    Attributes:
        user: The user with what is theirs.
        organisations: The organisations with what is theirs.
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
