"""
Log streams: of applications, of add-ons, and of accesses.
"""

from .entries import AccessLogEntry, AccessLogKind, AddonLogEntry, LogEntry, Severity
from .group import Logs, LogStream
from .query import LogQuery, Throttle

__all__ = [
    "AccessLogEntry",
    "AccessLogKind",
    "AddonLogEntry",
    "LogEntry",
    "LogQuery",
    "LogStream",
    "Logs",
    "Severity",
    "Throttle",
]
