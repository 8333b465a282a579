"""
The storage policies of the Pulsar add-ons.
"""

from __future__ import annotations

MINUTES_PER_DAY = 24 * 60

Policies = dict[str, dict[str, int | None]]
"""By policy, its ``size`` in bytes and ``duration`` in minutes; None and negative numbers are
without limit."""


class PulsarStore:
    """
    The policies of every Pulsar add-on, and what PATCH answers.
    """

    def __init__(self) -> None:
        self._policies: dict[str, Policies] = {}
        self.patch_answer = "policies"
        """``policies`` (200), ``provision`` (201 with another shape, as an older OpenAPI
        description has it) or ``empty`` (204)."""

    def policies(self, real_id: str) -> Policies:
        """
        The policies of an add-on: 5 GB and 7 days kept, nothing offloaded, until changed.
        """
        return self._policies.setdefault(
            real_id,
            {
                "retentionPolicies": {"size": 5 * 10**9, "duration": 7 * MINUTES_PER_DAY},
                "offloadPolicies": {"size": None, "duration": None},
            },
        )
