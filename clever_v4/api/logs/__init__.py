"""
Log streams: of applications, of add-ons, and of accesses.
"""

from clever_v4.streaming.source import Opener

from .entries import (
    AccessLogEntry,
    AccessLogKind,
    AddonLogEntry,
    Endpoint,
    GeoLocation,
    HttpExchange,
    HttpRequest,
    HttpResponse,
    LogEntry,
    Severity,
)
from .group import Logs, LogStream
from .query import LogQuery, Throttle

__all__ = [
    "AccessLogEntry",
    "AccessLogKind",
    "AddonLogEntry",
    "Endpoint",
    "GeoLocation",
    "HttpExchange",
    "HttpRequest",
    "HttpResponse",
    "LogEntry",
    "LogQuery",
    "LogStream",
    "Logs",
    "Opener",
    "Severity",
    "Throttle",
]
