"""
The log of one resource: which entries exist, when each was written, and their bytes.

Entry ``k`` is a function of the seed, the resource and ``k`` alone; the clock only decides from
when on it is there. So a log of a million entries takes no memory, and what a stream should have
carried can be computed again afterwards.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

import attrs

from clever_v4.emulator.logs.messages import NUMBER, Template
from clever_v4.emulator.logs.selection import Selection
from clever_v4.emulator.query import EPOCH

LEDGER_SIZE = 50_000
"""Entries per ledger of the message ids (``ledger:entry:partition``)."""

ERAS = 3
"""Deployments that a log's history spans."""

LONG_LINE_EVERY = 100_000
LONG_LINE_AT = 137


@attrs.frozen
class _Published:
    date_ms: int
    members: Mapping[str, object] | None
    """What the test gave, or None for an entry from the templates."""


class EntryLog:
    """
    The entries of one resource.

    Args:
        event: The event's name on the wire.
        templates: Makes the templates of an era; called once per era, when first needed.
        ledger: The first ledger of the ids.
        partition: The partition of the ids.
        history: Entries before the epoch.
        rate_per_s: Entries per second after it; 0: only what is published.
        epoch_ms: Where history ends.
        history_interval_ms: Between two entries of the history.
        long_line: The template of the very long line, if there are any.
        zone_names: Whether the dates of some entries end in ``[UTC]``.
    """

    def __init__(
        self,
        *,
        event: str,
        templates: Callable[[int], Sequence[Template]],
        ledger: int,
        partition: int,
        history: int,
        rate_per_s: float,
        epoch_ms: int,
        history_interval_ms: float,
        long_line: Template | None = None,
        zone_names: bool = False,
    ) -> None:
        self.event = event
        self.rate_per_s = rate_per_s
        self._make_templates = templates
        self._templates: dict[int, Sequence[Template]] = {}
        self._ledger = ledger
        self._partition = partition
        self._history = history
        self._epoch_ms = epoch_ms
        self._history_interval_ms = history_interval_ms
        self._long_line = long_line
        self._zone_names = zone_names
        self._era_size = max(history // ERAS, 1)
        self._published: list[_Published] = []
        self._waiters: set[asyncio.Future[None]] = set()
        self._second = -1
        self._second_text = b""

    def count(self, now_ms: float) -> int:
        """
        How many entries exist at a moment.
        """
        if not self.rate_per_s:
            return self._history + len(self._published)
        if now_ms < self._epoch_ms:
            return self._history
        live = math.floor((now_ms - self._epoch_ms) * self.rate_per_s / 1000) + 1
        # Floats may be one off where an entry falls on the moment itself.
        while self.date_ms(self._history + live) <= now_ms:
            live += 1
        while live and self.date_ms(self._history + live - 1) > now_ms:
            live -= 1
        return self._history + live

    def date_ms(self, index: int) -> int:
        """
        When an entry was written, in milliseconds since 1970; never earlier than the one before.
        """
        live = index - self._history
        if live < 0:
            return self._epoch_ms + math.floor(live * self._history_interval_ms)
        if self.rate_per_s:
            return self._epoch_ms + math.floor(live * 1000 / self.rate_per_s)
        return self._published[live].date_ms

    def index_at(self, moment_ms: int, *, now_ms: float) -> int:
        """
        The first entry not before a moment; how many exist, if none of them is.
        """
        indices = range(self.count(max(now_ms, moment_ms) if self.rate_per_s else now_ms))
        return bisect.bisect_left(indices, moment_ms, key=self.date_ms)

    def id(self, index: int) -> str:
        """
        The entry's message id.
        """
        ledger, entry = divmod(index, LEDGER_SIZE)
        return f"{self._ledger + ledger}:{entry}:{self._partition}"

    def index_after(self, message_id: str) -> int:
        """
        The entry that follows a message id, which need not be one of this log.

        Raises:
            ValueError: It does not have the form of a message id.
        """
        parts = message_id.split(":")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
            raise ValueError(f"not a message id: {message_id!r}")
        ledger, entry = int(parts[0]) - self._ledger, int(parts[1])
        if ledger < 0:
            return 0
        return ledger * LEDGER_SIZE + min(entry + 1, LEDGER_SIZE)

    def frames(self, start: int, stop: int, selection: Selection) -> list[bytes]:
        """
        The events of the entries from start up to stop that a stream asked for, encoded.
        """
        frames = []
        for index in range(start, stop):
            frame = self._frame(index, selection.services)
            if frame is None:
                continue
            if selection.needs_members:
                members = _members(frame)
                if not selection.accepts(members):
                    continue
                if selection.fields:
                    members = {name: members[name] for name in selection.fields if name in members}
                    frame = self._encoded(index, members)
            frames.append(frame)
        return frames

    def entry(self, index: int) -> dict[str, object]:
        """
        One entry as its data says it.
        """
        frame = self._frame(index, None)
        return _members(frame) if frame is not None else {}

    def publish(
        self, *, now_ms: float, count: int, members: Mapping[str, object] | None
    ) -> list[str]:
        """
        Append entries dated now, and wake the streams.

        Raises:
            ValueError: The log has a rate: what it holds would no longer be computable.
        """
        if self.rate_per_s:
            raise ValueError(f"cannot publish to a log with rate_per_s={self.rate_per_s}")
        first = self._history + len(self._published)
        earliest = self.date_ms(first - 1) if first else self._epoch_ms
        date_ms = max(int(now_ms), earliest)
        for number in range(count):
            given = None if members is None else _numbered(members, number)
            self._published.append(_Published(date_ms, given))
        self.wake()
        return [self.id(first + number) for number in range(count)]

    def wake(self) -> None:
        """
        Let every stream that waits look again.
        """
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, seconds: float) -> None:
        """
        Wait for so long, or until something is published.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(max(seconds, 0), _wake_one, waiter)
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)

    def _frame(self, index: int, services: Collection[str] | None) -> bytes | None:
        live = index - self._history
        if live >= 0 and not self.rate_per_s:
            members = self._published[live].members
            if members is not None:
                if services is not None and members.get("service") not in services:
                    return None
                given = {"id": self.id(index), "date": self._date(index, "Z").decode()}
                return self._encoded(index, given | dict(members))
        template = self._template(index)
        if services is not None and template.service not in services:
            return None
        message_id = self.id(index).encode()
        suffix = template.date_suffix
        if suffix == "Z[UTC]" and not self._zone_names:
            suffix = "Z"
        elif suffix is None:
            suffix = f"{index % 1_000_000:06d}Z"
        date = self._date(index, suffix)
        return template.frame % (message_id, message_id, date, index)

    def _template(self, index: int) -> Template:
        if self._long_line is not None and index % LONG_LINE_EVERY == LONG_LINE_AT:
            return self._long_line
        era = min(index // self._era_size, ERAS - 1)
        templates = self._templates.get(era)
        if templates is None:
            templates = self._templates[era] = self._make_templates(era)
        # Knuth's multiplicative hash: scattered, but the same for the same index.
        return templates[(index * 2_654_435_761 >> 8) % len(templates)]

    def _date(self, index: int, suffix: str) -> bytes:
        seconds, milliseconds = divmod(self.date_ms(index), 1000)
        if seconds != self._second:
            moment = EPOCH + timedelta(seconds=seconds)
            self._second = seconds
            self._second_text = moment.strftime("%Y-%m-%dT%H:%M:%S.").encode()
        return b"%b%03d%b" % (self._second_text, milliseconds, suffix.encode())

    def _encoded(self, index: int, members: Mapping[str, object]) -> bytes:
        data = json.dumps(dict(members), ensure_ascii=False, separators=(",", ":"))
        return f"id:{self.id(index)}\nevent:{self.event}\ndata:{data}\n\n".encode()


def _members(frame: bytes) -> dict[str, object]:
    data = frame[frame.index(b"\ndata:") + 6 :]
    members: dict[str, object] = json.loads(data)
    return members


def _numbered(members: Mapping[str, object], number: int) -> Mapping[str, object]:
    message = members.get("message")
    if not isinstance(message, str) or NUMBER not in message:
        return members
    return {**members, "message": message.replace(NUMBER, str(number))}


def _wake_one(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
