"""
The Clever Cloud API on this machine, for demos and for tests of what uses the client.
"""

from clever_v4.emulator import faults
from clever_v4.emulator.server import Emulator
from clever_v4.emulator.state import Addon, Application

__all__ = ["Addon", "Application", "Emulator", "faults"]
