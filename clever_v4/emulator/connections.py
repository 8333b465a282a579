"""
A record of every stream that was opened, so that a test can say how the client resumed and that
nothing is left open.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import attrs
from aiohttp import web

from clever_v4.emulator.faults.plans import Plan
from clever_v4.emulator.threads import is_running
from clever_v4.validators import check_number, check_whole_number


@attrs.define(kw_only=True, eq=False)
class Connection:
    """
    One stream, open or closed.

    Attributes:
        number: Counted from 0 over all streams of the emulator.
        path: What was asked for, without the query.
        query: The query's pairs, in their order.
        last_event_id: The ``Last-Event-ID`` header, None if there was none.
        headers: The request's headers but for the credentials; of a repeated one the last.
        event: The name of the entries' events.
        plan: The faults that it met.
        opened_s: When it was opened, in seconds of the event loop's clock.
        closed_s: When it was closed; None: it is open.
        entries_sent: Entries that went out.
        heartbeats_sent: Heartbeats that went out.
        bytes_sent: Bytes of the body as they went out, compressed if they were.
        status: The answer's status, None if there was no answer.
        ended_by: The reason in END_OF_STREAM, None if none was sent.
        transport: The socket's, while it is open.
    """

    number: int
    path: str
    query: tuple[tuple[str, str], ...]
    last_event_id: str | None
    headers: dict[str, str]
    event: str
    plan: Plan
    opened_s: float
    closed_s: float | None = None
    entries_sent: int = 0
    heartbeats_sent: int = 0
    bytes_sent: int = 0
    status: int | None = None
    ended_by: str | None = None
    transport: asyncio.Transport | None = attrs.field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """
        Whether it is still being served.
        """
        return self.closed_s is None


class Connections:
    """
    All streams since the emulator started, in the order they were opened.
    """

    def __init__(self) -> None:
        self._all: list[Connection] = []
        self._wakers: set[Callable[[], object]] = set()
        self.active: int = 0
        """How many are open now."""
        self.peak: int = 0
        """How many were open at once at most."""

    def __getitem__(self, number: int) -> Connection:
        return self._all[number]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._all)

    def open(self, request: web.Request, *, event: str, plan: Plan, now_s: float) -> Connection:
        """
        Record a stream that begins.
        """
        secret = {"authorization", "cookie", "proxy-authorization"}
        connection = Connection(
            number=len(self._all),
            path=request.path,
            query=tuple((k, v) for k, v in request.query.items() if k.lower() not in secret),
            last_event_id=request.headers.get("Last-Event-ID"),
            headers={k: v for k, v in request.headers.items() if k.lower() not in secret},
            event=event,
            plan=plan,
            opened_s=now_s,
            transport=request.transport,
        )
        self._all.append(connection)
        self.active += 1
        self.peak = max(self.peak, self.active)
        self._tell()
        return connection

    def close(self, connection: Connection, *, now_s: float) -> None:
        """
        Record that a stream has ended, however it did.
        """
        connection.closed_s = now_s
        connection.transport = None
        self.active -= 1
        self._tell()

    def abort_all(self) -> None:
        """
        Cut every open stream at once.
        """
        for connection in self._all:
            if connection.transport is not None:
                connection.transport.abort()

    async def wait_until(self, *, active: int | None = None, opened: int | None = None) -> None:
        """
        Wait until so many are open now, or at least so many were opened in all; on any event loop.

        Raises:
            ValueError: A count is negative.
            TypeError: An argument is of another type.
        """
        _check_counts(active, opened)
        loop = asyncio.get_running_loop()
        change = asyncio.Event()

        def wake() -> None:
            if is_running(loop):
                change.set()
            elif not loop.is_closed():
                loop.call_soon_threadsafe(change.set)

        # Before it is looked at: the emulator may run in another thread.
        self._wakers.add(wake)
        try:
            while not self._are(active, opened):
                await change.wait()
                change.clear()
        finally:
            self._wakers.discard(wake)

    def wait(
        self, *, active: int | None = None, opened: int | None = None, timeout_s: float = 60.0
    ) -> None:
        """
        The same for a test without an event loop, whose emulator runs in a thread of its own.

        Raises:
            TimeoutError: It did not come to that within *timeout_s*.
            ValueError: A number is negative.
            TypeError: An argument is of another type.
        """
        _check_counts(active, opened)
        check_number("timeout_s", timeout_s, at_least=0)
        change = threading.Event()
        self._wakers.add(change.set)
        deadline_s = time.monotonic() + timeout_s
        try:
            while not self._are(active, opened):
                if not change.wait(deadline_s - time.monotonic()):
                    raise TimeoutError(
                        f"after {timeout_s:g} s {self.active} streams are open, {len(self)} were opened"
                    )
                change.clear()
        finally:
            self._wakers.discard(change.set)

    def _are(self, active: int | None, opened: int | None) -> bool:
        return (active is None or self.active == active) and (
            opened is None or len(self._all) >= opened
        )

    def _tell(self) -> None:
        for wake in list(self._wakers):
            wake()


def _check_counts(active: int | None, opened: int | None) -> None:
    for name, value in (("active", active), ("opened", opened)):
        if value is not None:
            check_whole_number(name, value, at_least=0)
