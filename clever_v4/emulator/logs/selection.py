"""
Which entries of a log a stream asked for, and what of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Selection:
    """
    What a stream asked for; nothing: everything, with every member.

    Attributes:
        services: The units asked for; None: all.
        deployment_id: The deployment asked for; None: all.
        instance_ids: The instances asked for; none: all.
        filter: What the message must contain, whatever the case; None: anything.
        fields: The members asked for; none: all.
    """

    services: frozenset[str] | None = None
    deployment_id: str | None = None
    instance_ids: frozenset[str] = frozenset()
    filter: str | None = None
    fields: tuple[str, ...] = ()

    @property
    def needs_members(self) -> bool:
        """
        Whether an entry has to be decoded to be selected.
        """
        return bool(
            self.deployment_id or self.instance_ids or self.filter is not None or self.fields
        )

    def accepts(self, entry: Mapping[str, object]) -> bool:
        """
        Whether an entry is asked for, apart from its service.
        """
        if self.deployment_id and entry.get("deploymentId") != self.deployment_id:
            return False
        if self.instance_ids and entry.get("instanceId") not in self.instance_ids:
            return False
        if self.filter is None:
            return True
        return self.filter.casefold() in str(entry.get("message", "")).casefold()
