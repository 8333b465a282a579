"""
The entries of the three log streams.

Every member may be absent: the server leaves out what ``LogQuery.fields``
does not name, and members came and went between versions of the API.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from clever_v4.pydantic_schema import known_to_pydantic

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
    "Severity",
]


class Severity(StrEnum):
    """
    Known values of ``severity``: the keywords of syslog. Others stay text.
    """

    EMERGENCY = "emerg"
    ALERT = "alert"
    CRITICAL = "crit"
    ERROR = "err"
    WARNING = "warning"
    NOTICE = "notice"
    INFO = "info"
    DEBUG = "debug"


@known_to_pydantic
@attrs.frozen(kw_only=True)
class LogEntry:
    """
    One entry of an application's log (``APPLICATION_LOG``).

    Attributes:
        id: Where it stands in the log, such as ``210041493:43875:2``; also the id to resume
            after.
        date: When it was written, aware UTC.
        message: The text, with its ANSI colours and its indentation.
        application_id: ``app_…``.
        commit_id: The commit that was running.
        deployment_id: ``deployment_…``.
        instance_id: UUID of the instance that wrote it.
        zone: Name of the zone, such as ``par``.
        service: systemd unit, such as ``bas-deploy.service``.
        severity: syslog keyword: compare with `Severity`.
        priority: syslog priority, 0 (emergency) to 7 (debug).
        pid: The process that wrote it.
        facility: syslog facility: sources disagree on number or text, so both are kept as they
            come.
        version: What the server calls so; no source explains it.
        region: The region, as the server names it.

    Source: clever-client.js, ``log.types.ts``; the type of ``facility`` and
    the member ``region`` from the server's OpenAPI.
    """

    id: str | None = None
    date: datetime | None = None
    message: str | None = None
    application_id: str | None = None
    commit_id: str | None = None
    deployment_id: str | None = None
    instance_id: str | None = None
    zone: str | None = None
    service: str | None = None
    severity: str | None = None
    priority: int | None = None
    pid: int | None = None
    facility: int | str | None = None
    version: str | None = None
    region: str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class AddonLogEntry:
    """
    One entry of an add-on's log (``RESOURCE_LOG``).

    Attributes:
        id: Where it stands in the log; also the id to resume after.
        date: When it was written, aware UTC.
        message: The line, without its end.
        resource_id: The add-on's real id, such as ``postgresql_…``.
        hostname: The machine that wrote it.
        instance_id: Which instance wrote it.
        zone: The zone, such as ``par``.
        service: What wrote it.
        severity: syslog keyword: compare with `Severity`.
        pid: The process that wrote it.
        facility: syslog facility, a number or text.
        region: The region, as the server names it.
    """

    id: str | None = None
    date: datetime | None = None
    message: str | None = None
    resource_id: str | None = None
    hostname: str | None = None
    instance_id: str | None = None
    zone: str | None = None
    service: str | None = None
    severity: str | None = None
    pid: int | None = None
    facility: int | str | None = None
    region: str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class GeoLocation:
    """
    Where an address is thought to be, in degrees.

    Attributes:
        latitude: Degrees north.
        longitude: Degrees east.
    """

    latitude: float | None = None
    longitude: float | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class Endpoint:
    """
    One end of a connection.

    Attributes:
        ip: Its address.
        port: Its port.
        city: Where it is thought to be.
        country_code: ISO 3166-1 alpha-2, such as ``FR``.
        geo_location: The same in degrees.
    """

    ip: str | None = None
    port: int | None = None
    city: str | None = None
    country_code: str | None = None
    geo_location: GeoLocation | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class HttpRequest:
    """
    What was asked for. The payload does not tell the HTTP version.

    Attributes:
        method: Such as ``GET``.
        scheme: ``http`` or ``https``.
        host: The domain that was asked.
        path: With its query.
    """

    method: str | None = None
    scheme: str | None = None
    host: str | None = None
    path: str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class HttpResponse:
    """
    What was answered.

    Attributes:
        status_code: The status, such as 200.
        time: As the API gives it; no source names the unit.
        service_time: The same for the application alone; may be null.
    """

    status_code: int | None = None
    time: float | int | str | None = None
    service_time: float | int | str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class HttpExchange:
    """
    The HTTP part of an access.

    Attributes:
        request: What was asked for.
        response: What was answered.
    """

    request: HttpRequest | None = None
    response: HttpResponse | None = None


class AccessLogKind(StrEnum):
    """
    What kind of access an entry tells of.
    """

    HTTP = "HTTP"
    TCP = "TCP"
    SSH = "SSH"
    UNKNOWN = "UNKNOWN"


@known_to_pydantic
@attrs.frozen(kw_only=True)
class AccessLogEntry:
    """
    One access to an application or add-on (``ACCESS_LOG``): HTTP, TCP or SSH.

    Attributes:
        id: Where it stands in the log; also the id to resume after.
        date: When it happened, aware UTC.
        application_id: ``app_…``.
        instance_id: Which instance wrote it.
        request_id: Null for SSH.
        bytes_in: Bytes that came in.
        bytes_out: Bytes that went out.
        source: Who asked.
        destination: Who answered.
        tls: Version of TLS, null for clear text.
        zone: The zone, such as ``par``.
        region: The region, as the server names it.
        http: Null for TCP redirections, SSH, and connections cut early.
    """

    id: str | None = None
    date: datetime | None = None
    application_id: str | None = None
    instance_id: str | None = None
    request_id: str | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    source: Endpoint | None = None
    destination: Endpoint | None = None
    tls: str | None = None
    zone: str | None = None
    region: str | None = None
    http: HttpExchange | None = None

    @property
    def kind(self) -> AccessLogKind:
        """
        What kind of access it is.

        The payload does not say so: as the official command line does
        (clever-tools, ``accesslogs.command.js``), an entry with ``http`` is
        HTTP, one with a request id but without ``http`` is TCP, one with
        neither is SSH. One that tells of no connection at all is UNKNOWN.
        """
        if self.http is not None:
            return AccessLogKind.HTTP
        if self.request_id is not None:
            return AccessLogKind.TCP
        if self.source is not None or self.destination is not None:
            return AccessLogKind.SSH
        return AccessLogKind.UNKNOWN
