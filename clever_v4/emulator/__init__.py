"""
The Clever Cloud API on this machine, for demos and for tests of what uses the client.
"""

from clever_v4.emulator import faults
from clever_v4.emulator.connections import Connection, Connections
from clever_v4.emulator.data.resources import Addon, Application
from clever_v4.emulator.emulator import Emulator

__all__ = ["Addon", "Application", "Connection", "Connections", "Emulator", "faults"]
