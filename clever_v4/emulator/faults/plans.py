"""
Which faults meet which connection: queues that a test fills, and plans drawn from a seed.
"""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

from clever_v4.emulator.faults import kinds as f
from clever_v4.emulator.faults.kinds import Fault
from clever_v4.validators import check_flag, check_number, check_text, check_whole_number, shown

T = TypeVar("T")
Plan = tuple[Fault, ...]
"""The faults of one connection; none: it is served as it should be."""

Draw = random.Random

REFUSALS: tuple[Callable[[Draw], Fault], ...] = (
    lambda _draw: f.TooManyRequests(retry_after="0"),
    lambda draw: f.EmptyError(status=draw.choice((500, 503, 504))),
    lambda draw: f.HtmlError(status=draw.choice((502, 503))),
    lambda draw: f.Disconnect(reset=draw.random() < 0.5),
)
"""Answers that a client overcomes by trying again."""

ENDINGS: tuple[Callable[[Draw], Fault], ...] = (
    lambda draw: f.Cut(after_bytes=draw.randrange(40_000), reset=draw.random() < 0.3),
    lambda draw: f.Cut(after_bytes=draw.randrange(2_000), inside="chunk"),
    lambda draw: f.Cut(after_entries=draw.randrange(60), reset=draw.random() < 0.3),
    lambda draw: f.Cut(after_entries=draw.randrange(60), inside="line"),
    lambda draw: f.Cut(after_entries=draw.randrange(60), inside="character"),
    lambda draw: f.Cut(after_entries=draw.randrange(60), inside="chunk"),
    lambda draw: f.EndOfFile(after_entries=draw.randrange(60)),
)
"""Ends before the end."""

ADDITIONS: tuple[Callable[[Draw], Fault], ...] = (
    lambda draw: f.RepeatLast(count=draw.randrange(1, 20)),
    lambda draw: f.RetryFields(milliseconds=draw.randrange(1, 10), every=draw.randrange(1, 50)),
    lambda draw: f.HeartbeatIds(every=draw.randrange(1, 20)),
    lambda draw: f.UnknownEvents(every=draw.randrange(1, 20)),
    lambda draw: f.Drip(piece_bytes=draw.randrange(1, 9), most_bytes=draw.randrange(3_000)),
    lambda _draw: f.Gzip(),
    lambda draw: f.Framing(
        line_end=draw.choice(("\n", "\r\n", "\r")),
        byte_order_mark=draw.random() < 0.3,
        comments=draw.random() < 0.5,
        spaces=draw.random() < 0.5,
        multiline=draw.random() < 0.3,
    ),
)
"""What changes nothing for a client that reads as it should."""


def random_plan(
    draw: Draw, number: int, *, stall_s: float | None = None, unparsable: bool = False
) -> Plan:
    """
    A plan that a client survives by reconnecting.

    Every fourth connection to a resource is neither refused nor cut, so that a stream gets
    somewhere however unlucky the draw is.

    Args:
        draw: Where it is drawn from.
        number: Which connection to the resource this is, from 0.
        stall_s: Also stall, and send heartbeats only, for so long, then go on or be lost.
        unparsable: Also send events that are not entries.
    """
    chosen: list[Fault] = []
    if number % 4 != 3:
        kind = draw.random()
        if kind < 0.25:
            return (draw.choice(REFUSALS)(draw),)
        if kind < 0.9:
            chosen.append(draw.choice(ENDINGS)(draw))
    for make in draw.sample(ADDITIONS, draw.randrange(4)):
        chosen.append(make(draw))  # noqa: PERF401 -- each draws in turn
    if stall_s is not None and draw.random() < 0.3:
        after, silent = draw.randrange(60), draw.random() < 0.5
        kind_of = f.Stall if silent else f.HeartbeatsOnly
        chosen.append(kind_of(after_entries=after, seconds=stall_s))
    if unparsable and draw.random() < 0.3:
        chosen.append(f.Unparsable(every=draw.randrange(1, 30)))
    return tuple(chosen)


@attrs.frozen
class _Random:
    seed: int
    stall_s: float | None
    unparsable: bool


class FaultPlans:
    """
    Hands each connection its plan: first from the queue of its path, then of its resource, then
    of all streams, then at random, else none.
    """

    def __init__(self) -> None:
        self._queues: dict[str | None, deque[Plan]] = defaultdict(deque)
        self._random: _Random | None = None
        self._counts: dict[str, int] = defaultdict(int)

    def push(
        self,
        *plans: Fault | Iterable[Fault],
        application_id: str | None = None,
        path: str | None = None,
    ) -> None:
        """
        Queue plans, one for each of the connections to come.

        Args:
            plans: Each a fault, or several that meet the same connection; ``()`` lets one pass.
            application_id: Only for streams of this application (or add-on, by its real id).
            path: Only for requests to this path, streams or not; else only streams are met.

        Raises:
            ValueError: Both of *application_id* and *path* are given, or one is empty.
            TypeError: A plan holds something that is no fault, or another argument is no text.
        """
        for name, value in (("application_id", application_id), ("path", path)):
            if value is not None:
                check_text(name, value)
        if application_id is not None and path is not None:
            raise ValueError(
                f"path must not be given with application_id, got {path!r} and {application_id!r}"
            )
        made = [_plan(plan) for plan in plans]
        key = path if application_id is None else application_id
        self._queues[key].extend(made)

    def random(self, seed: int, *, stall_s: float | None = None, unparsable: bool = False) -> None:
        """
        From now on every stream that no queue has a plan for meets a random one, which is a
        function of the seed, the resource and the number of connections to it before.

        All of them are such that a client overcomes them by reconnecting; see
        :func:`random_plan` for the arguments.

        Raises:
            ValueError: *stall_s* is negative.
            TypeError: An argument is of another type.
        """
        check_whole_number("seed", seed, at_least=None)
        if stall_s is not None:
            check_number("stall_s", stall_s, at_least=0)
        check_flag("unparsable", unparsable)
        self._counts.clear()
        self._random = _Random(seed, stall_s, unparsable)

    def clear(self) -> None:
        """
        No faults from now on.
        """
        self._queues.clear()
        self._random = None

    @property
    def pending(self) -> int:
        """
        How many plans are queued.
        """
        return sum(map(len, self._queues.values()))

    def take_stream(self, path: str, resource_id: str) -> Plan:
        """
        The plan for a stream that was asked for.
        """
        number = self._counts[path]
        self._counts[path] += 1
        for key in (path, resource_id, None):
            if (queued := self._take(key)) is not None:
                return queued
        if self._random is None:
            return ()
        chosen = self._random
        draw = random.Random(f"{chosen.seed}:{path}:{number}")
        return random_plan(draw, number, stall_s=chosen.stall_s, unparsable=chosen.unparsable)

    def take(self, path: str) -> Plan:
        """
        The plan for a request that is not a stream.
        """
        return self._take(path) or ()

    def _take(self, key: str | None) -> Plan | None:
        # Another thread may clear the queues meanwhile.
        with contextlib.suppress(KeyError, IndexError):
            return self._queues[key].popleft() if key in self._queues else None
        return None


def first(plan: Plan, kind: type[T]) -> T | None:
    """
    The plan's first fault of a kind.
    """
    for fault in plan:
        if isinstance(fault, kind):
            return fault
    return None


def _plan(plan: Fault | Iterable[Fault]) -> Plan:
    if isinstance(plan, f.FAULTS):
        return (plan,)
    if not isinstance(plan, Iterable) or isinstance(plan, str | bytes):
        raise TypeError(f"each of plans must be a fault, or several, got {shown(plan)}")
    faults = tuple(plan)
    for fault in faults:
        if not isinstance(fault, f.FAULTS):
            raise TypeError(f"each of plans must be a fault, or several, got {shown(fault)}")
    return faults
