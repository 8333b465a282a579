"""
Orchestration: the deployments and the instances of an application.
"""

from .deployments import (
    Deployment,
    DeploymentAction,
    DeploymentOrigin,
    DeploymentQuery,
    Deployments,
    DeploymentState,
    DeploymentStep,
    DeploymentVersion,
)
from .instances import Instance, InstanceNetwork, InstanceQuery, Instances, InstanceState
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
