"""
Deployments of an application, and waiting for one.
"""

from .group import Deployments
from .models import (
    Deployment,
    DeploymentAction,
    DeploymentOrigin,
    DeploymentState,
    DeploymentStep,
    DeploymentVersion,
)
from .queries import DeploymentQuery

__all__ = [
    "Deployment",
    "DeploymentAction",
    "DeploymentOrigin",
    "DeploymentQuery",
    "DeploymentState",
    "DeploymentStep",
    "DeploymentVersion",
    "Deployments",
]
