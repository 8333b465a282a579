"""
What an account holds: owners, applications and add-ons, as values.
"""

from __future__ import annotations

from typing import Literal, get_args

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

    id: str = attrs.field(validator=field(check_text))
    name: str = attrs.field(validator=field(check_text))
    owner_id: str = attrs.field(validator=field(check_text))
    zone: str = attrs.field(validator=field(check_text))
    type: str = attrs.field(validator=field(check_text))
    behaviour: Behaviour = attrs.field(validator=field(check_choice, kind=get_args(Behaviour)))
    history: int = attrs.field(validator=field(check_whole_number, at_least=0))
    rate_per_s: float = attrs.field(validator=field(check_number, at_least=0))
    history_interval_s: float = attrs.field(default=0.0, validator=field(check_number, at_least=0))
    services: tuple[str, ...] = attrs.field(
        default=("bas.service", "bas-deploy.service"), validator=field(check_tuple_of_texts)
    )
    long_lines: bool = attrs.field(default=False, validator=field(check_flag))


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

    id: str = attrs.field(validator=field(check_text))
    # Tests take it away, as the real API has add-ons without one.
    real_id: str = attrs.field(validator=field(check_text, optional=True))
    name: str = attrs.field(validator=field(check_text))
    owner_id: str = attrs.field(validator=field(check_text))
    zone: str = attrs.field(validator=field(check_text))
    provider_id: str = attrs.field(validator=field(check_text))
    behaviour: Behaviour = attrs.field(validator=field(check_choice, kind=get_args(Behaviour)))
    history: int = attrs.field(validator=field(check_whole_number, at_least=0))
    rate_per_s: float = attrs.field(validator=field(check_number, at_least=0))
    history_interval_s: float = attrs.field(default=0.0, validator=field(check_number, at_least=0))
