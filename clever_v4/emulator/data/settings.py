"""
What an application is set to: its environment, domains, TCP redirections, size, and what it is
linked to. All of it may be changed while the emulator runs.
"""

from __future__ import annotations

import random

import attrs

NAMESPACES = ("default", "cleverapps")
"""Where a TCP redirection may be: for domains of one's own, and for ``cleverapps.io``."""

PORTS = range(5000, 6000)
"""The ports that are given to TCP redirections."""


@attrs.define(kw_only=True)
class Settings:
    """
    The settings of one application.

    Attributes:
        env: Its environment variables.
        exposed: The configuration that it publishes to those who depend on it.
        domains: Its domains, each with its path.
        favourite: The favourite one of them; None: none is.
        redirections: Its TCP redirections: the namespace by the port.
        min_flavor: The smallest size that it may have.
        max_flavor: The largest size that it may have.
        min_instances: How many instances it has at least.
        max_instances: How many instances it has at most.
        build_flavor: The size of the instance that builds it; None: it has none of its own.
        addon_ids: The add-ons that it is linked to (``addon_...``).
        dependency_ids: The applications that it depends on.
        is_stopped: Whether it was stopped and not started again.
    """

    env: dict[str, str]
    exposed: dict[str, str] = attrs.field(factory=dict)
    domains: list[str]
    favourite: str | None = None
    redirections: dict[int, str] = attrs.field(factory=dict)
    min_flavor: str = "XS"
    max_flavor: str = "XS"
    min_instances: int = 1
    max_instances: int = 2
    build_flavor: str | None = None
    addon_ids: list[str] = attrs.field(factory=list)
    dependency_ids: list[str] = attrs.field(factory=list)
    is_stopped: bool = False


class SettingsStore:
    """
    The settings of all applications, each made when it is first asked for.
    """

    def __init__(self) -> None:
        self._made: dict[str, Settings] = {}

    def of(self, application_id: str, draw: random.Random) -> Settings:
        """
        The settings of an application; what is random in them is drawn from *draw*.
        """
        if application_id not in self._made:
            self._made[application_id] = Settings(
                env={"CC_POST_BUILD_HOOK": "make", "SECRET_KEY": f"{draw.getrandbits(128):032x}"},
                domains=[f"{application_id.replace('_', '-')}.cleverapps.io/"],
            )
        return self._made[application_id]

    def take_port(self) -> int:
        """
        A port that no redirection has.

        Raises:
            LookupError: All are taken.
        """
        taken = {port for one in self._made.values() for port in one.redirections}
        for port in PORTS:
            if port not in taken:
                return port
        raise LookupError("all ports are taken")


def addon_env(provider_id: str, real_id: str, draw: random.Random) -> dict[str, str]:
    """
    The variables that an add-on brings: where it is, and the secret that opens it.
    """
    kind = provider_id.removesuffix("-addon").removeprefix("addon-").upper().replace("-", "_")
    host = f"{real_id.replace('_', '-')}.services.clever-cloud.com"
    user, password = f"u{draw.getrandbits(64):016x}", f"{draw.getrandbits(128):032x}"
    return {
        f"{kind}_ADDON_HOST": host,
        f"{kind}_ADDON_USER": user,
        f"{kind}_ADDON_PASSWORD": password,
        f"{kind}_ADDON_URI": f"{kind.lower()}://{user}:{password}@{host}",
    }
