"""
Orchestration: the deployments and the instances of an application.
"""

from .deployments import DeploymentQuery, Deployments
from .instances import Instance, InstanceNetwork, InstanceQuery, Instances, InstanceState
from .models import (
    Deployment,
    DeploymentAction,
    DeploymentOrigin,
    DeploymentState,
    DeploymentStep,
    DeploymentVersion,
)
from .options import Order

__all__ = [
    "Deployment",
    "DeploymentAction",
    "DeploymentOrigin",
    "DeploymentQuery",
    "DeploymentState",
    "DeploymentStep",
    "DeploymentVersion",
    "Deployments",
    "Instance",
    "InstanceNetwork",
    "InstanceQuery",
    "InstanceState",
    "Instances",
    "Order",
]
