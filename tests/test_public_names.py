"""
The front door: what is public, and nothing by accident.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import clever_v4
from clever_v4 import errors

PUBLIC = [
    "ALL",
    "UNSET",
    "APIError",
    "AccessLogEntry",
    "AccessLogHub",
    "AccessLogKind",
    "AddonLogEntry",
    "AddonLogHub",
    "ApiToken",
    "Auth",
    "AuthProvider",
    "AuthenticationError",
    "BadRequestError",
    "Batch",
    "CertificateError",
    "Chunk",
    "ClassicLine",
    "CleverError",
    "ConflictError",
    "ConnectionFailedError",
    "ConsumerGroup",
    "CountableDetail",
    "CountableLine",
    "CredentialsError",
    "Cursor",
    "Deployment",
    "DeploymentAction",
    "DeploymentOrigin",
    "DeploymentQuery",
    "DeploymentState",
    "DeploymentStep",
    "DeploymentVersion",
    "DeploymentWaitTimeoutError",
    "DifferentEventLoopError",
    "DrainReport",
    "EndedBy",
    "EventStream",
    "EventTooLargeError",
    "FoundCredentials",
    "FreeCredit",
    "Gap",
    "HeartbeatTimeoutError",
    "Hooks",
    "HubClosedError",
    "HubCursor",
    "HubStatistics",
    "Instance",
    "InstanceNetwork",
    "InstanceQuery",
    "InstanceState",
    "Invoice",
    "InvoiceAddress",
    "InvoiceQuery",
    "InvoiceStatus",
    "InvoiceSummary",
    "Lag",
    "LoadBalancer",
    "LoadBalancerDns",
    "LoadBalancerKind",
    "LogEntry",
    "LogHub",
    "LogQuery",
    "LogSource",
    "LogStream",
    "Member",
    "MessageEvent",
    "Moment",
    "Money",
    "NeverLoggedError",
    "NotAnEventStreamError",
    "NotFoundError",
    "Notice",
    "NoticeDetail",
    "OAuth1",
    "Order",
    "Overflow",
    "OwnedAddon",
    "OwnedApplication",
    "Owner",
    "Pacing",
    "PermissionDeniedError",
    "PulsarUnits",
    "RateLimitedError",
    "RawEntry",
    "Reconnect",
    "Reconnection",
    "ReconnectionGaveUpError",
    "RequestTimeoutError",
    "Response",
    "ResponseFormatError",
    "ResponseInfo",
    "ResponseTooLargeError",
    "Retry",
    "ServerError",
    "Session",
    "SessionClosedError",
    "Severity",
    "SignatureMethod",
    "SlowConsumerError",
    "SourceEnded",
    "SourceFailed",
    "SourceFailedError",
    "SourceShare",
    "SourceState",
    "SourceStatistics",
    "SourceTimeoutError",
    "Start",
    "StoragePolicies",
    "StoragePoliciesChange",
    "StoragePolicy",
    "StoragePolicyChange",
    "StreamError",
    "StreamOptions",
    "StreamState",
    "StreamStatistics",
    "SubscriberStatistics",
    "Subscription",
    "SubscriptionEnd",
    "Summary",
    "Tagged",
    "Throttle",
    "Timeout",
    "TooManyStreamsError",
    "TransportError",
    "UnexpectedEndError",
    "UnresolvedNameError",
    "Unset",
    "UnusableLine",
    "UptimeDetail",
    "UptimeLine",
    "VendorConsumptionLine",
    "View",
    "Zone",
    "__version__",
    "find_credentials",
    "is_transient",
]


def test_public_names_are_these() -> None:
    """
    A name that appears or disappears is a decision, made here.
    """
    assert clever_v4.__all__ == PUBLIC


def test_public_names_are_there_once() -> None:
    """
    Each name of ``__all__`` exists; ruff keeps them sorted.
    """
    assert len(clever_v4.__all__) == len(set(clever_v4.__all__))
    for name in clever_v4.__all__:
        assert hasattr(clever_v4, name)


def test_nothing_else_is_visible() -> None:
    """
    Beside the public names there are only the rooms.
    """
    others = {
        name
        for name, value in vars(clever_v4).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert others <= set(clever_v4.__all__)


def test_every_error_is_public() -> None:
    """
    What can be raised can be caught by its name.
    """
    tree = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.CleverError)
    }
    assert tree <= set(clever_v4.__all__)


def test_every_public_class_says_what_it_is() -> None:
    """
    Each has a docstring of its own.
    """
    for name in clever_v4.__all__:
        value = getattr(clever_v4, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name


def test_version_is_that_of_the_project() -> None:
    """
    The User-Agent and the package say the same.
    """
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert clever_v4.__version__ == project["project"]["version"]


def test_front_door_does_not_import_what_only_some_need() -> None:
    """
    oauthlib, stamina, web servers, the emulator and libraries of extras wait until they are used.
    """
    seen = subprocess.run(
        [sys.executable, "-c", "import clever_v4, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    ).stdout.split()
    late = {"oauthlib", "stamina", "aiohttp.web", "cyclopts", "rich", "opentelemetry", "pytest"}
    late |= {"pydantic", "pydantic_core", "starlette", "fastapi"}
    assert not late & set(seen)
    assert not {"clever_v4.emulator", "clever_v4.relay", "clever_v4.telemetry"} & set(seen)
