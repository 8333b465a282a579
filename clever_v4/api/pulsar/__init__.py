"""
Pulsar add-ons: their storage policies.
"""

from .group import Pulsar
from .models import (
    PulsarUnits,
    StoragePolicies,
    StoragePoliciesChange,
    StoragePolicy,
    StoragePolicyChange,
)

__all__ = [
    "Pulsar",
    "PulsarUnits",
    "StoragePolicies",
    "StoragePoliciesChange",
    "StoragePolicy",
    "StoragePolicyChange",
]
