"""
The Clever Cloud API on this machine, for demos and for tests of what uses the client.
"""

from clever_v4.emulator import faults
from clever_v4.emulator.emulator import Emulator
from clever_v4.emulator.resources import Addon, Application

__all__ = ["Addon", "Application", "Emulator", "faults"]
