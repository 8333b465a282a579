"""
The account that the emulator starts with: what the demo shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clever_v4.emulator.emulator import Emulator


def add_demo(emulator: Emulator) -> None:
    """
    The demo's account: applications of every behaviour, one of the user's own, and add-ons.
    """
    emulator.add_application("shop-api", history=2000, rate_per_s=5, history_interval_s=1.8)
    emulator.add_application(
        "shop-worker",
        type="python",
        history=1500,
        rate_per_s=2,
        services=("bas.service", "bas.service", "bas-deploy.service", "cron.service"),
        long_lines=True,
    )
    emulator.add_application("shop-frontend", type="static", history=800, rate_per_s=3)
    emulator.add_application(
        "nightly-report", type="python", behaviour="quiet", history=40, history_interval_s=60
    )
    emulator.add_application("never-deployed", behaviour="never_logged")
    emulator.add_application(
        "ada-blog", type="php", owner_id=emulator.user_id, history=300, rate_per_s=1
    )
    emulator.add_addon("shop-database", history=500, rate_per_s=1)
    emulator.add_addon("shop-cache", provider_id="redis-addon", behaviour="quiet", history=20)
    emulator.add_addon("shop-events", provider_id="addon-pulsar", behaviour="never_logged")
