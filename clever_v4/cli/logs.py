"""
``clever-v4 logs``: follow the logs of applications and add-ons.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import attrs
from cyclopts import Parameter

from .account import Account, Target, UnknownNameError, find_addon, find_application
from .following import Source, follow_all, json_lines
from .moments import Count, counted_back, period, positive_duration, throttle_pair
from .terminal import Terminal, UsageError, usage

if TYPE_CHECKING:
    from clever_v4.api.logs import LogQuery, Throttle
    from clever_v4.session import Session
    from clever_v4.streaming.policy import StreamOptions

__all__ = ["Selection", "logs"]

Strings = tuple[str, ...]


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Selection:
    """
    Which entries to read.

    Attributes:
        since: Where to begin: a date (ISO 8601; local time without an offset) or that long ago
            (1h, 30m, 2d, P1D). Without it: now.
        until: Where to end, likewise; with one that is past goes --since. Without it: never.
        limit: Most entries of each log, reconnections included. Without it: no limit.
        filter: Only entries whose message contains this text, in upper or lower case. Without
            it: all.
        service: Only entries of this systemd unit; repeatable; `all` for all. Without it: bas
            and bas-deploy.
        deployment_id: Only entries of this deployment. Without it: of all.
        instance_id: Only entries of this instance; repeatable. Without it: of all.
        field: Only this member of the entries, by its name in the API; repeatable. Without it:
            all.
    """

    since: Annotated[str | None, Parameter(alias="--after")] = None
    until: Annotated[str | None, Parameter(alias="--before")] = None
    limit: Count | None = None
    filter: Annotated[str | None, Parameter(alias="--search", allow_leading_hyphen=True)] = None
    service: Strings = ()
    deployment_id: str | None = None
    instance_id: Strings = ()
    field: Strings = ()

    def query(self) -> LogQuery:
        """
        Give the query.

        Raises:
            UsageError: An option cannot be meant.
        """
        from clever_v4.api.logs import LogQuery

        now = datetime.now(UTC)
        with usage():
            since, until = period(self.since, self.until, now=now)
            if since is None and until is not None and counted_back(until, now) <= now:
                # The library says the same, as programs need it.
                raise UsageError(
                    f"--until {self.until} is past, and without --since a log is read from now on: "
                    "nothing can come (--since 7d is all that the API keeps)"
                )
            return LogQuery(
                since=since,
                until=until,
                limit=self.limit,
                filter=self.filter,
                services=self.service,
                deployment_id=self.deployment_id,
                instance_ids=self.instance_id,
                fields=self.field,
            )


def throttle_of(text: str) -> Throttle:
    """
    Read the throttle.

    Raises:
        UsageError: It cannot be meant.
    """
    from clever_v4.api.logs import Throttle

    named = {
        "cli": Throttle.CLI,
        "console": Throttle.CONSOLE,
        "server": Throttle.SERVER_DEFAULT,
    }
    if text in named:
        return named[text]
    with usage():
        elements, per = throttle_pair(text)
        return Throttle(elements=elements, per=per)


async def logs(
    applications: Annotated[
        Strings, Parameter(name="APPLICATION", allow_leading_hyphen=False)
    ] = (),
    /,
    *,
    addon: Strings = (),
    access: bool = False,
    selection: Selection = Selection(),
    throttle: str = "cli",
    heartbeat_timeout: str = "10s",
    wait_for_first_log: bool = False,
    format: Annotated[Literal["human", "json", "jsonl"], Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> int:
    """
    Follow the logs of one or more applications, live or from the past.

    Every entry comes once and in order, across cut connections; reconnections
    are told on standard error. Of several logs, each line begins with the name
    of its application.

    Args:
        applications: Applications, by id or by a name that only one has.
        addon: Add-ons, likewise; repeatable. Without it: none.
        access: Their access logs instead.
        throttle: How fast the API may send: cli (2000/100ms), console (1000/10ms), server
            (100/300ms), or ELEMENTS/PERIOD.
        heartbeat_timeout: Longest silence before the connection counts as dead; the API sends a
            heartbeat every 2 s.
        wait_for_first_log: Wait for an application that never logged. Without it: a failure.
        format: human; json, one array; jsonl, one entry a line.
    """
    if not applications and not addon:
        raise UsageError("name an application, or an add-on with --addon")
    query = selection.query()
    _check_fields(query.fields, access=access, applications=applications, addons=addon)
    limits = throttle_of(throttle)
    options = _options(heartbeat_timeout, wait=wait_for_first_log)
    # The array stands around all that can fail from here on.
    async with json_lines(terminal, format) as lines, account.session() as session:
        targets, has_failed = await _find_all(session, account, terminal, applications, addon)
        with usage():
            sources = [
                _source(session, target, query, limits, options, access=access)
                for target in targets
            ]
        if terminal.tells_person and sources and query.until is None and query.limit is None:
            names = ", ".join(source.label for source in sources)
            terminal.tell(f"clever-v4: following {names} (Ctrl-C ends)")
        return await follow_all(
            terminal,
            sources,
            lines=lines,
            fields=query.fields,
            has_failed=has_failed,
        )


def _options(heartbeat_timeout: str, *, wait: bool) -> StreamOptions:
    from clever_v4.streaming.policy import StreamOptions

    with usage():
        return StreamOptions(
            heartbeat_timeout=positive_duration("--heartbeat-timeout", heartbeat_timeout),
            wait_for_first_log=wait,
        )


def _check_fields(fields: Strings, *, access: bool, applications: Strings, addons: Strings) -> None:
    """
    Refuse a field that none of these logs has.

    Raises:
        UsageError: There is such a one.
    """
    from clever_v4.api.logs import AccessLogEntry, AddonLogEntry, LogEntry
    from clever_v4.wire.names import wire_names

    models: list[type] = [AccessLogEntry] if access else []
    if not access:
        models += [LogEntry] if applications else []
        models += [AddonLogEntry] if addons else []
    known = list(dict.fromkeys(name for model in models for name in wire_names(model).values()))
    for field in fields:
        if field and field not in known:
            raise UsageError(f"no entry has the --field {field!r}; there are {', '.join(known)}")


async def _find_all(
    session: Session, account: Account, terminal: Terminal, applications: Strings, addons: Strings
) -> tuple[list[Target], bool]:
    """
    Find what was named; what is not found is told and does not keep the others from being followed.
    """
    targets: dict[str, Target] = {}
    has_failed = False
    for name, find in (
        *((name, find_application) for name in applications),
        *((name, find_addon) for name in addons),
    ):
        try:
            target = await find(session, account, name)
        except UnknownNameError as exc:
            terminal.fail(str(exc))
            has_failed = True
        else:
            # Named twice, by id and by name: followed once.
            targets.setdefault(target.id, target)
    return list(targets.values()), has_failed


def _source(
    session: Session,
    target: Target,
    query: LogQuery,
    throttle: Throttle,
    options: StreamOptions,
    *,
    access: bool,
) -> Source:
    logs_of = session.logs
    id_ = target.id if not target.id.startswith("addon_") else target.real_id
    if id_ is None:
        raise UsageError(f"the add-on {target.name} has no logs: it has no real id")
    make: Any = (
        logs_of.access_stream
        if access
        else logs_of.stream
        if id_ == target.id
        else logs_of.addon_stream
    )

    def open_(**handlers: Any) -> Any:
        return make(target.owner_id, id_, query, throttle=throttle, options=options, **handlers)

    # Made once to learn at once whether the query fits this kind of log; it does not connect.
    open_()
    return Source(label=target.name, open=open_)
