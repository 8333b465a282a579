"""
Owners: who owns an application or an add-on, and what the account can see.
"""

from .group import Owners
from .models import OwnedAddon, OwnedApplication, Owner, Summary

__all__ = ["OwnedAddon", "OwnedApplication", "Owner", "Owners", "Summary"]
