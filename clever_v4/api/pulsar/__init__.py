"""
Pulsar add-ons: their storage policies.
"""

from .models import (
    PulsarUnits,
    StoragePolicies,
    StoragePoliciesChange,
    StoragePolicy,
    StoragePolicyChange,
)
from .policies import Pulsar

__all__ = [
    "Pulsar",
    "PulsarUnits",
    "StoragePolicies",
    "StoragePoliciesChange",
    "StoragePolicy",
    "StoragePolicyChange",
]
