"""
Async client for the Clever Cloud REST API v4, with live log streams at its heart.

```python
from clever_v4 import ApiToken, Session

async with Session(ApiToken("...")) as session:
    async for entry in session.logs.stream(owner_id, application_id):
        print(entry.date, entry.message)
```
"""

import logging

from clever_v4 import _interruption

if _interruption.is_command():
    # Before the imports that follow: they take long enough for somebody to press Ctrl-C.
    _interruption.end_at_once()

from clever_v4.api.deployments import (
    Deployment,
    DeploymentAction,
    DeploymentOrigin,
    DeploymentQuery,
    DeploymentState,
    DeploymentStep,
    DeploymentVersion,
)
from clever_v4.api.instances import Instance, InstanceNetwork, InstanceQuery, InstanceState
from clever_v4.api.invoices import (
    ALL,
    ClassicLine,
    CountableDetail,
    CountableLine,
    FreeCredit,
    Invoice,
    InvoiceAddress,
    InvoiceQuery,
    InvoiceStatus,
    InvoiceSummary,
    Money,
    UnusableLine,
    UptimeDetail,
    UptimeLine,
    VendorConsumptionLine,
)
from clever_v4.api.load_balancers import LoadBalancer, LoadBalancerDns, LoadBalancerKind
from clever_v4.api.logs import (
    AccessLogEntry,
    AccessLogKind,
    AddonLogEntry,
    LogEntry,
    LogQuery,
    LogStream,
    Severity,
    Throttle,
)
from clever_v4.api.owners import OwnedAddon, OwnedApplication, Owner, Summary
from clever_v4.api.pulsar import (
    PulsarUnits,
    StoragePolicies,
    StoragePoliciesChange,
    StoragePolicy,
    StoragePolicyChange,
)
from clever_v4.api.zones import Zone
from clever_v4.auth import ApiToken, Auth, AuthProvider, OAuth1, SignatureMethod
from clever_v4.environment import FoundCredentials, find_credentials
from clever_v4.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    CertificateError,
    CleverError,
    ConflictError,
    ConnectionFailedError,
    CredentialsError,
    DeploymentWaitTimeoutError,
    DifferentEventLoopError,
    EventTooLargeError,
    HeartbeatTimeoutError,
    HubClosedError,
    NeverLoggedError,
    NotAnEventStreamError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ReconnectionGaveUpError,
    RequestTimeoutError,
    ResponseFormatError,
    ResponseTooLargeError,
    ServerError,
    SessionClosedError,
    SlowConsumerError,
    SourceFailedError,
    SourceTimeoutError,
    StreamError,
    TooManyStreamsError,
    TransportError,
    UnexpectedEndError,
    UnresolvedNameError,
)
from clever_v4.fanout.groups import ConsumerGroup, Member
from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import (
    Batch,
    Gap,
    Notice,
    NoticeDetail,
    Overflow,
    SourceEnded,
    SourceFailed,
    Tagged,
)
from clever_v4.fanout.options import Hooks, Start, SubscriptionEnd
from clever_v4.fanout.pacing import Pacing
from clever_v4.fanout.statistics import (
    DrainReport,
    HubStatistics,
    SourceShare,
    SourceState,
    SourceStatistics,
    SubscriberStatistics,
)
from clever_v4.fanout.subscription import Subscription
from clever_v4.log_hub import AccessLogHub, AddonLogHub, LogHub, LogSource
from clever_v4.session import Session
from clever_v4.streaming.chunk import Chunk
from clever_v4.streaming.lag import Lag
from clever_v4.streaming.policy import Reconnect, Reconnection, StreamOptions, is_transient
from clever_v4.streaming.resume import Cursor, EndedBy
from clever_v4.streaming.source import MessageEvent
from clever_v4.streaming.stream import EventStream, RawEntry
from clever_v4.streaming.subject import StreamState, StreamStatistics
from clever_v4.streaming.views import View
from clever_v4.transport.exchange import VERSION as __version__  # noqa: N811 -- a constant there, a convention here
from clever_v4.transport.policies import ResponseInfo, Retry, Timeout
from clever_v4.transport.responses import Response
from clever_v4.wire.choices import Order
from clever_v4.wire.moments import Moment
from clever_v4.wire.names import UNSET, Unset

# Silent until a program sets logging up: Python would print warnings on stderr (docs/logging.md).
logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = [
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
