"""
``clever-v4 demo``: the main job, shown on the emulator: live logs that survive a cut connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import attrs
from cyclopts import Parameter

from .entries import HumanFormat
from .following import human_formats
from .moments import Count
from .tables import print_table
from .terminal import Exit, Terminal, UsageError, explained
from .text import painted, plain
from .zones import COLUMNS, row

if TYPE_CHECKING:
    from clever_v4.api.logs import LogQuery, LogStream
    from clever_v4.emulator import Application, Emulator
    from clever_v4.session import Session
    from clever_v4.streaming.policy import Reconnection

__all__ = ["Proof", "demo"]

CUT_AFTER = 0.4
"""When the connection is cut, as a part of the whole time."""

REPEATED = 3
"""How many entries the server sends once more after the cut, as real brokers do."""


@attrs.frozen(kw_only=True)
class Proof:
    """
    What arrived of one log, held against what the emulator wrote into it.
    """

    received: int
    expected: int
    lost: int
    doubled: int
    is_in_order: bool

    @classmethod
    def of(cls, received: Sequence[str | None], expected: Sequence[str]) -> Proof:
        """
        Compare the ids that arrived with those that were written, in their orders.
        """
        arrived: Counter[str | None] = Counter(received)
        written: Counter[str | None] = Counter(expected)
        return cls(
            received=len(received),
            expected=len(expected),
            lost=(written - arrived).total(),
            # Also what was never written: it is there once too often.
            doubled=(arrived - written).total(),
            is_in_order=list(dict.fromkeys(one for one in received if one in written))
            == [one for one in expected if one in arrived],
        )


async def demo(
    *,
    seconds: float = 15,
    seed: Count = 1,
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> int:
    """
    Show live logs on an emulated API: no account, network or configuration is needed.

    Shows the zones, then the live logs of several applications while one of the
    connections is cut on purpose, then whether an entry was lost or doubled.

    Args:
        seconds: How long, at least 1.
        seed: What the emulated logs are drawn from.
    """
    if not 1 <= seconds <= 86_400:
        raise UsageError(f"--seconds must be 1 to 86400, got {seconds:g}")
    from clever_v4.auth import ApiToken
    from clever_v4.emulator import Emulator
    from clever_v4.session import Session

    async with (
        Emulator(seed=seed) as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
    ):
        _narrate(terminal, f"An emulated Clever Cloud API runs at {emulator.url}")
        await _title(terminal, "Zones")
        zones = await session.zones.list()
        await print_table(terminal, COLUMNS[:3], map(row, zones), nothing="no zones")
        return await _follow(terminal, emulator, session, seconds)


async def _follow(terminal: Terminal, emulator: Emulator, session: Session, seconds: float) -> int:
    from clever_v4.api.logs import LogQuery

    applications = [
        one for one in emulator.applications if one.rate_per_s and one.behaviour == "normal"
    ]
    victim = applications[0]
    _cut_once(emulator, victim, seconds)
    await _title(terminal, "Live logs")
    _narrate(
        terminal,
        f"{len(applications)} applications for {seconds:g} s; the connection of {victim.name} "
        "will be cut in the middle of an entry",
    )
    # All that is written from now on, up to a moment known beforehand: so it can be counted.
    since = datetime.fromtimestamp(int(emulator.state.now_s() * 1000) / 1000, UTC)
    until = since + timedelta(seconds=seconds)
    query = LogQuery(since=since, until=until, services=("all",))
    forms = human_formats([one.name for one in applications], terminal)
    async with asyncio.TaskGroup() as group:
        tails = [
            Tail(terminal, application, form)
            for application, form in zip(applications, forms, strict=True)
        ]
        for tail in tails:
            group.create_task(tail.run(session, query))
    proofs = [
        Proof.of(tail.received_ids, _written_ids(emulator, tail.application, since, until))
        for tail in tails
    ]
    return await _conclude(terminal, tails, proofs)


def _cut_once(emulator: Emulator, victim: Application, seconds: float) -> None:
    from clever_v4.emulator.faults import Cut, RepeatLast

    after = max(int(victim.rate_per_s * seconds * CUT_AFTER), 1)
    emulator.faults.push(
        Cut(after_entries=after, inside="line"),
        RepeatLast(count=REPEATED),
        application_id=victim.id,
    )


class Tail:
    """
    Prints the log of one application and remembers what arrived.
    """

    def __init__(self, terminal: Terminal, application: Application, form: HumanFormat) -> None:
        self._terminal = terminal
        self._form = form
        self.application = application
        self.received_ids: list[str | None] = []
        self.reconnections: int = 0
        self.repeated: int = 0
        self.has_failed: bool = False

    async def run(self, session: Session, query: LogQuery) -> None:
        """
        Follow it to its end; a failure is told and does not end the others.
        """
        from clever_v4.api.logs import Throttle
        from clever_v4.errors import CleverError

        application = self.application
        stream = session.logs.stream(
            application.owner_id,
            application.id,
            query,
            throttle=Throttle.CLI,
            on_reconnection=self._tell_loss,
        )
        try:
            async with stream:
                async for batch in stream.batches():
                    self._tell_resumption(stream)
                    self.received_ids += [entry.id for entry in batch]
                    await self._terminal.out.write("".join(map(self._form.lines, batch)))
        except CleverError as exc:
            self.has_failed = True
            self._terminal.fail(f"{application.name}: {explained(exc)}")
        self._tell_resumption(stream)

    def _tell_loss(self, reconnection: Reconnection) -> None:
        # The details that follow the colon are for `clever-v4 logs`.
        cause = str(reconnection.cause).partition(":")[0]
        delay_s = reconnection.delay.total_seconds()
        self._say(f"{cause}; reconnecting in {delay_s:.1f} s")

    def _tell_resumption(self, stream: LogStream[Any]) -> None:
        statistics = stream.statistics()
        if statistics.reconnections > self.reconnections:
            last = self.received_ids[-1] if self.received_ids else "the start"
            again = statistics.duplicates - self.repeated
            text = f"connected again, resumed after {last}"
            if again:
                text += f"; {again} entries came again and were dropped"
            self._say(text)
        self.reconnections = statistics.reconnections
        self.repeated = statistics.duplicates

    def _say(self, text: str) -> None:
        _narrate(self._terminal, f">>> {self.application.name}: {text}", code="1;33")


def _written_ids(
    emulator: Emulator, application: Application, since: datetime, until: datetime
) -> list[str]:
    """
    Ask the emulator, not the client, what was written.
    """
    from clever_v4.wire.scalars import parse_moment

    return [
        str(entry["id"])
        for entry in emulator.produced(application.id, start=application.history)
        if since <= parse_moment(entry["date"]) < until
    ]


async def _conclude(terminal: Terminal, tails: Sequence[Tail], proofs: Sequence[Proof]) -> int:
    lost = sum(proof.lost for proof in proofs)
    doubled = sum(proof.doubled for proof in proofs)
    are_in_order = all(proof.is_in_order for proof in proofs)
    is_good = not lost and not doubled and are_in_order and not any(one.has_failed for one in tails)
    line = (
        f"received {sum(proof.received for proof in proofs)}, "
        f"expected {sum(proof.expected for proof in proofs)}, "
        f"lost {lost}, doubled {doubled}, {'in order' if are_in_order else 'OUT OF ORDER'}, "
        f"reconnections {sum(tail.reconnections for tail in tails)}"
    )
    await _title(terminal, "Statistics")
    if terminal.in_colour:
        line = painted(line, "1;32" if is_good else "1;31")
    await terminal.out.write(f"{line}\n")
    return Exit.SUCCESS if is_good else Exit.FAILURE


def _narrate(terminal: Terminal, text: str, *, code: str = "2") -> None:
    # On standard output, unlike what other commands tell: here it is part of the show, and two
    # outputs would not keep its order.
    line = plain(text)
    terminal.out.post(f"{painted(line, code) if terminal.in_colour else line}\n")


async def _title(terminal: Terminal, text: str) -> None:
    await terminal.out.write(f"\n{painted(text, '1') if terminal.in_colour else text}\n")
