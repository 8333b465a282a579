"""
What an account holds: owners, applications and add-ons, as values.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import attrs
from attrs.validators import in_


def _not_negative(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value < 0:
        raise ValueError(f"{attribute.name} must not be negative: {value}")


Behaviour = Literal["normal", "quiet", "never_logged"]
"""``normal``: a bounded stream ends when it has read everything.
``quiet``: a bounded stream goes on with heartbeats for ever, as reported of the real API.
``never_logged``: there is no topic, so that the logs answer 404."""


@attrs.frozen(kw_only=True)
class Owner:
    """
    A user (``user_...``) or an organisation (``orga_...``).

    Attributes:
        id: ``user_…`` or ``orga_…``.
        name: What it is called; None for a user without a name.
        email: Its address.
    """

    id: str
    name: str
    email: str

    @property
    def is_user(self) -> bool:
        """
        Whether this is a personal space.
        """
        return self.id.startswith("user_")


@attrs.frozen(kw_only=True)
class Application:
    """
    An application and how its logs behave.

    Attributes:
        id: ``app_…``.
        name: Its name.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        zone: The zone, such as ``par``.
        type: What it runs, such as ``node``.
        behaviour: What its log does.
        history: Entries written before the emulator's epoch.
        rate_per_s: Entries per second after the epoch; 0: only what a test publishes.
        history_interval_s: Seconds between two entries of the history; 0: as the rate, or 10 ms
            without one.
        services: The systemd units that write; each as often as it is named.
        long_lines: Whether there are lines of 300,000 bytes (entry 137 and every 100,000th
            after it).
    """

    id: str
    name: str
    owner_id: str
    zone: str
    type: str
    behaviour: Behaviour = attrs.field(validator=in_(get_args(Behaviour)))
    history: int = attrs.field(validator=_not_negative)
    rate_per_s: float = attrs.field(validator=_not_negative)
    history_interval_s: float = attrs.field(default=0.0, validator=_not_negative)
    services: tuple[str, ...] = ("bas.service", "bas-deploy.service")
    long_lines: bool = False


@attrs.frozen(kw_only=True)
class Addon:
    """
    An add-on with its two ids.

    Attributes:
        id: The marketplace's id, ``addon_...``.
        real_id: The id that logs and providers use, such as ``postgresql_...``.
        name: Its name.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        zone: The zone, such as ``par``.
        provider_id: What it is, such as ``postgresql-addon``.
        behaviour: What its log does.
        history: Entries written before the emulator's epoch.
        rate_per_s: Entries per second after the epoch; 0: only what a test publishes.
        history_interval_s: Seconds between two entries of the history; 0: as the rate, or 10 ms
            without one.
    """

    id: str
    real_id: str
    name: str
    owner_id: str
    zone: str
    provider_id: str
    behaviour: Behaviour = attrs.field(validator=in_(get_args(Behaviour)))
    history: int = attrs.field(validator=_not_negative)
    rate_per_s: float = attrs.field(validator=_not_negative)
    history_interval_s: float = attrs.field(default=0.0, validator=_not_negative)
