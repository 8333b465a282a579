"""
What a hub can follow, and the task that follows it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import Any, Final, Generic, Protocol, TypeVar

from clever_v4.fanout.broadcast import Broadcast
from clever_v4.fanout.items import SourceEnded, SourceFailed
from clever_v4.fanout.pacing import Pacer
from clever_v4.fanout.statistics import SourceState, SourceStatistics
from clever_v4.fanout.trail import Trail
from clever_v4.streaming.chunk import Given
from clever_v4.streaming.cursor import Cursor

__all__ = ["Followed", "Source", "SourceStream"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

logger: Final = logging.getLogger("clever_v4.hub")


class SourceStream(Protocol[T_co]):
    """
    An open stream.

    It may also have ``statistics()``, whose value (`StreamStatistics`) is ``upstream`` in the hub's,
    ``is_connected``, False while it reconnects, ``ended_by``, why it ended, and
    ``received_bytes``, how many bytes it has received so far: what it received for a batch is
    what that takes of the hub's bounds in bytes. Without it, rings are bounded by entries alone.
    With ``cursor``, where it stands, and ``given``, the ids of the batch that it handed over last,
    subscriptions can tell where in the source they are (``source_cursors``).
    """

    def batches(self) -> AsyncIterator[Sequence[T_co]]:
        """
        Iterate the entries in the order that subscribers shall see, some at a time.
        """
        ...


class Source(Protocol[T_co]):
    """
    Something that can be opened, again after it was closed.
    """

    def open(self) -> AbstractAsyncContextManager[SourceStream[T_co]]:
        """
        Connect; leaving the context closes the connection at once.
        """
        ...


class Followed(Generic[K, T]):
    """
    One followed source: its ring, and the one task that reads it while it is wanted.

    Args:
        ring: Where its entries go.
        source: What is opened.
        linger: None: it is open as long as it is followed. A duration: it is opened by
            the first cursor and closed that long after the last one left.
        start_task: Runs a coroutine in a task of the hub.
        pacer: Gives the turn to connect; None: the source sees to that itself.
        changed: Called when the state has changed.
        forget: Called the linger time after it is over or, if it is followed on demand, not
            needed; None: it stays.
    """

    def __init__(
        self,
        ring: Broadcast[K, T],
        source: Source[T],
        *,
        linger: timedelta | None,
        start_task: Callable[[Any], asyncio.Task[None]],
        pacer: Pacer | None,
        changed: Callable[[K, SourceState], object],
        forget: Callable[[Followed[K, T]], None] | None = None,
    ) -> None:
        self.ring = ring
        self.is_on_demand: bool = linger is not None
        self.error: Exception | None = None
        self._source = source
        self._linger_s = linger.total_seconds() if linger is not None else 0.0
        self._start_task = start_task
        self._pacer = pacer
        self._changed = changed
        self._forget = forget
        self._state = SourceState.IDLE
        self._stream: SourceStream[T] | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._trail = Trail()
        self.is_stopped: bool = False
        """Whether the hub ended it."""
        self._stop_reason: str | None = None
        self._is_cancelled = False
        self._awaiting: set[asyncio.Future[None]] = set()
        """Who waits for it to be connected."""

    # --- When it is open ---------------------------------------------------------------

    def demand(self) -> None:
        """
        Be open from now on.
        """
        self._cancel_timer()
        if self.ring.ended is None and self._task is None:
            self._task = self._start_task(self._follow())
            self._task.add_done_callback(self._done)

    def release(self) -> None:
        """
        Close, or be forgotten, after the linger time from now, if it is not needed then.
        """
        is_resting = self.is_on_demand and (self._task is not None or self._forget is not None)
        if self._is_needed or not (is_resting or self.ring.ended):
            return
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(self._linger_s, self._rest)

    def _rest(self) -> None:
        self._timer = None
        if self._is_needed:
            return
        if self._forget is not None:
            self._forget(self)
        elif self._task is not None and not self._is_cancelled:
            self._is_cancelled = True
            self._task.cancel()

    @property
    def _is_needed(self) -> bool:
        if self._awaiting:
            return True
        if self.ring.ended is not None:
            # Who still reads it does so without it.
            return self._forget is None
        return bool(self.ring.cursors)

    async def connected(self) -> None:
        """
        Be open, and wait until it is connected or over.
        """
        while not self.ring.ended and (self._state is not SourceState.OPEN or self._is_cancelled):
            waiter = asyncio.get_running_loop().create_future()
            self._awaiting.add(waiter)
            self.demand()
            try:
                await waiter
            finally:
                self._awaiting.discard(waiter)
                self.release()

    def stop(self, reason: str) -> None:
        """
        Read no more; the ring ends after what it holds. Safe to repeat.
        """
        self.forgotten()
        self.is_stopped = True
        self._stop_reason = self._stop_reason or reason
        if self._task is None:
            self._done(None)
        elif not self._is_cancelled:
            # Once: a second cancellation would break into the closing of the connection.
            self._is_cancelled = True
            self._task.cancel()

    def forgotten(self) -> None:
        """
        Do nothing more by the clock: the hub knows it no longer.
        """
        self._forget = None
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- The task -------------------------------------------------------------------------

    async def _follow(self) -> None:
        try:
            await self._read()
        except Exception as exc:  # noqa: BLE001  -- handed to those who subscribed to the source
            logger.warning(
                "source %s failed: %s",
                self.ring.source,
                exc,
                extra={
                    "source": str(self.ring.source),
                    "cause": str(exc),
                    "cause_type": type(exc).__name__,
                    "sozu_id": getattr(exc, "request_id", None),
                },
            )
            self.error = exc
        else:
            self._stop_reason = str(getattr(self._stream, "ended_by", None) or "ended")

    def _done(self, _task: object) -> None:
        """
        Settle how it stands; also where the task was cancelled before it began.
        """
        ring, source = self.ring, self.ring.source
        self._task = self._stream = None
        self._is_cancelled = False
        if self.error is not None:
            ring.end(SourceFailed(source=source, error=self.error))
            self._set_state(SourceState.FAILED)
            self.release()
        elif self._stop_reason is not None:
            ring.end(SourceEnded(source=source, reason=self._stop_reason))
            self._set_state(SourceState.ENDED)
            self.release()
        elif self._is_needed:
            # Somebody came while it was closing for want of subscribers.
            self.demand()
        else:
            self._set_state(SourceState.IDLE)
            ring.clear()

    async def _read(self) -> None:
        publish = self.ring.publish
        self._set_state(SourceState.CONNECTING)
        opened = self._source.open()
        async with self._pacer.turn() if self._pacer is not None else nullcontext():
            stream = await opened.__aenter__()
        try:
            self._stream = stream
            self._set_state(SourceState.OPEN)
            counted = 0
            gives_cursors = self._begin_trail(stream)
            await self.ring.room()
            async for batch in stream.batches():
                if batch:
                    received: int = getattr(stream, "received_bytes", 0)
                    size_bytes, counted = received - counted, received
                    if gives_cursors:
                        given: Given = getattr(stream, "given")  # noqa: B009  -- it may have it
                        self._trail.append(given, self.ring.first_position)
                    await publish(batch, size_bytes)
        except BaseException as exc:
            if not await opened.__aexit__(type(exc), exc, exc.__traceback__):
                raise
        else:
            await opened.__aexit__(None, None, None)

    def _begin_trail(self, stream: Any) -> bool:
        """
        Take note where the stream begins, if it tells where it is.
        """
        gives_cursors = hasattr(stream, "cursor") and hasattr(stream, "given")
        if gives_cursors:
            self._trail.begin(stream.cursor)
        return gives_cursors

    def cursor_through(self, sequence: int) -> Cursor | None:
        """
        The stream's cursor after all entries up to this number of the hub; None: it has none there.
        """
        position = self.ring.position_through(sequence)
        return self._trail.cursor_at(position) if position is not None else None

    def _set_state(self, state: SourceState) -> None:
        if state is not self._state:
            self._state = state
            self._tell_waiting()
            self._changed(self.ring.source, state)

    def _tell_waiting(self) -> None:
        for waiter in self._awaiting:
            if not waiter.done():
                waiter.set_result(None)

    # --- Telling --------------------------------------------------------------------------

    @property
    def state(self) -> SourceState:
        """
        How the source stands now.
        """
        if self._state is not SourceState.OPEN:
            return self._state
        if self.ring.waiting is not None:
            return SourceState.PAUSED
        is_connected = getattr(self._stream, "is_connected", True)
        return SourceState.OPEN if is_connected else SourceState.CONNECTING

    def statistics(self, now: float) -> SourceStatistics[K]:
        """
        What it did since it was followed, at the time *now* of the hub's clock.
        """
        ring = self.ring
        upstream = getattr(self._stream, "statistics", None)
        last = ring.last_received_at
        return SourceStatistics(
            source=ring.source,
            state=self.state,
            received=ring.end_position,
            held=ring.end_position - ring.first_position,
            held_bytes=ring.held_bytes,
            subscribers=len(ring.cursors),
            notices=ring.notices,
            paused=timedelta(seconds=ring.paused_for(now)),
            idle=timedelta(seconds=now - last) if last is not None else None,
            error=self.error,
            upstream=upstream() if upstream is not None else None,
        )
