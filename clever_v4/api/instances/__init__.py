"""
Instances of an application.
"""

from .group import Instances
from .models import Instance, InstanceNetwork, InstanceState
from .queries import InstanceQuery

__all__ = ["Instance", "InstanceNetwork", "InstanceQuery", "InstanceState", "Instances"]
