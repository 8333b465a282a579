"""
``clever-v4 deployments`` and ``clever-v4 deployment``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from .account import Account, Target, find_application, visible_owner
from .moments import Count, at_most, positive_duration
from .tables import Column, Format, cell, duration_text, print_table, show, show_list, state_style
from .terminal import CommandError, Exit, Terminal, usage

if TYPE_CHECKING:
    from clever_v4.api.deployments import Deployment
    from clever_v4.session import Session

__all__ = ["deployment", "deployments"]

COLUMNS = (
    Column("ID"),
    Column("STARTED", 1),
    Column("STATE"),
    Column("ACTION", 2),
    Column("DURATION", 3),
    Column("COMMIT", 4),
    Column("CAUSE", 5),
)

AT_ONCE = 10
"""How many applications are asked at once for a deployment whose application was not named."""


async def deployments(
    application: str,
    /,
    *,
    limit: Count | None = None,
    order: Literal["ASC", "DESC"] | None = None,
    action: tuple[str, ...] = (),
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> None:
    """
    List the deployments of an application.

    Args:
        application: By id or by a name that only one has.
        limit: How many at most, up to 1000. Without it: as many as the API gives.
        order: By start date: ASC or DESC. Without it: as the API has them.
        action: Only those with this action (DEPLOY, UPSCALE, ...); repeatable. Without it: with any.
        format: human or json.
    """
    from clever_v4.api.deployments import DeploymentQuery
    from clever_v4.wire.choices import Order

    with usage():
        query = DeploymentQuery(
            limit=at_most("--limit", limit, 1000),
            order=None if order is None else Order(order),
            actions=action,
        )
    async with account.session() as session:
        target = await find_application(session, account, application)
        with usage():
            found = await session.deployments.list(target.owner_id, target.id, query)
    nothing = f"no such deployments of {target.name}"
    await show_list(terminal, format, found, COLUMNS, _row, nothing=nothing, state="STATE")


def _row(one: Deployment) -> tuple[object, ...]:
    return (
        one.id,
        one.start_date,
        one.state,
        one.origin.action if one.origin else None,
        one.duration,
        one.commit_id[:8] if one.commit_id else None,
        one.origin.cause if one.origin else None,
    )


async def deployment(
    id: str,
    /,
    *,
    application: Annotated[str | None, Parameter(alias=("--app", "-a"))] = None,
    wait: bool = False,
    timeout: str | None = None,
    poll_interval: str = "5s",
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> int:
    """
    Show one deployment, or wait until it is over.

    With --wait the exit code is 1 when it failed or was cancelled.

    Args:
        id: The deployment.
        application: Its application, by id or by a name that only one has. Without it, all
            applications are searched.
        wait: Wait until it succeeded, failed or was cancelled.
        timeout: The longest time to wait, such as 10m. Without it: for ever.
        poll_interval: The time between two looks.
        format: human or json.
    """
    with usage():
        limit = None if timeout is None else positive_duration("--timeout", timeout)
        interval = positive_duration("--poll-interval", poll_interval)
    async with account.session() as session:
        if application is not None:
            target = await find_application(session, account, application, typed="--application")
        else:
            target = await _search(session, account, id)
        with usage(deployment_id="ID"):
            if wait:
                watched = session.deployments.watch(
                    target.owner_id, target.id, id, timeout=limit, poll_interval=interval
                )
                found = await _watch(terminal, watched)
            else:
                found = await session.deployments.get(target.owner_id, target.id, id)
    await show(terminal, format, found, partial(_details, terminal, target, found))
    return Exit.FAILURE if wait and found.state != "SUCCEEDED" else Exit.SUCCESS


async def _search(session: Session, account: Account, deployment_id: str) -> Target:
    """
    Find the application of a deployment among all that are visible.
    """
    from clever_v4.errors import NotFoundError, PermissionDeniedError

    owner_id = None
    if account.owner is not None:
        owner_id = await visible_owner(session, account.owner)
    applications = [
        one
        for one in (await session.owners.summary()).applications
        if owner_id in (None, one.owner_id)
    ]
    if len(applications) == 1:
        # Not looked for: a new deployment may not be visible yet.
        one = applications[0]
        return Target(owner_id=one.owner_id, id=one.id, name=one.name or one.id)
    found: list[Target] = []
    left = iter(applications)

    async def look() -> None:
        for one in left:
            if found:
                return
            try:
                await session.deployments.get(one.owner_id, one.id, deployment_id)
            except (NotFoundError, PermissionDeniedError):
                continue
            found.append(Target(owner_id=one.owner_id, id=one.id, name=one.name or one.id))

    with usage(deployment_id="ID"):
        await asyncio.gather(*(look() for _ in range(AT_ONCE)))
    if not found:
        raise CommandError(
            f"no application has the deployment {deployment_id}; a new one is not visible at once, "
            "so name its application with --application"
        )
    return found[0]


async def _watch(terminal: Terminal, watched: AsyncGenerator[Deployment, None]) -> Deployment:
    """
    Show each state as it is entered: live on a terminal, line by line elsewhere.
    """
    last: Deployment | None = None
    async with aclosing(watched):
        if not terminal.tells_person:
            async for one in watched:
                last = one
                terminal.tell(f"clever-v4: {one.id}: {one.state}")
        else:
            from rich.console import Console
            from rich.live import Live

            console = Console(file=terminal.stderr, no_color=not terminal.tells_in_colour)
            view = _Steps()
            with Live(view, console=console, refresh_per_second=8) as live:
                async for one in watched:
                    last = one
                    view.show(one)
                    live.refresh()
    assert last is not None  # noqa: S101  -- watch ends with a deployment or raises
    return last


class _Steps:
    """
    The steps of a deployment, the last of them running.
    """

    def __init__(self) -> None:
        from rich.spinner import Spinner

        self._spinner = Spinner("dots")
        self._shown: Deployment | None = None

    def show(self, deployment: Deployment) -> None:
        """
        Show it from now on.
        """
        self._shown = deployment

    def __rich__(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2, 0, 0))
        shown = self._shown
        if shown is None:
            table.add_row(self._spinner, "waiting for the deployment to appear", "")
            return table
        steps = shown.steps
        for number, step in enumerate(steps):
            is_last = number == len(steps) - 1
            running = is_last and not shown.is_final
            until = None if is_last else steps[number + 1].date
            if running:
                until = datetime.now(UTC)
            took = until - step.date if until and step.date else None
            mark: Any = self._spinner if running else Text(_mark(step.state, is_last=is_last))
            took_text = "" if took is None else duration_text(took)
            table.add_row(mark, Text(cell(step.state), style=state_style(step.state)), took_text)
        return table


def _mark(state: str, *, is_last: bool) -> str:
    return "✗" if is_last and state in {"FAILED", "CANCELLED"} else "✓"


async def _details(terminal: Terminal, target: Target, found: Deployment) -> None:
    origin = found.origin
    facts = [
        ("Deployment", found.id),
        ("Application", f"{target.name} ({target.id})" if target.name != target.id else target.id),
        ("State", found.state),
        ("Action", origin.action if origin else None),
        ("Cause", origin.cause if origin else None),
        ("Commit", found.commit_id),
        ("Started", found.start_date),
        ("Ended", found.ended_at),
        ("Duration", found.duration),
    ]
    width = max(len(name) for name, _ in facts)
    head = "".join(f"{name:<{width}}  {cell(value)}\n" for name, value in facts)
    await terminal.out.write(f"{head}\n")
    columns = (Column("STEP"), Column("ENTERED"))
    rows = [(step.state, step.date) for step in found.steps]
    await print_table(terminal, columns, rows, nothing="no steps", state="STEP")
