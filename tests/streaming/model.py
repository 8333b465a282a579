"""
A simple model of a log and its server: what it holds, how it answers, what a reader is to get.

Everything is a function of a seed. The server is far odder than the real one: it
cuts at any byte, repeats up to a thousand entries after a resume and counts them,
merges partitions around ``until``, gives ids that no header carries and any
reason for its end, and dates its answers as it likes.
"""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import attrs

from clever_v4.api.logs import LogQuery

from .planned import DATE, Answer, Asked, heartbeat

# Some days ago, so that `until` is past.
BASE = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
SINCE = BASE - timedelta(hours=1)

KINDS = ("bounded", "limited", "bounded and limited", "live")
REASONS = (
    b"",
    b"{}",
    b"\xff{",
    b'{"endedBy":7}',
    *(b'{"endedBy":"%s"}' % one for one in (b"UNTIL_REACHED", b"LIMIT_REACHED", b"QUOTA")),
)
GOOD_DATES = (DATE, b"Sunday, 01-Mar-26 12:00:00 GMT", b"Sun Mar  1 12:00:00 2026")
DATES = (*GOOD_DATES, None, b"soon", b"Fri, 31 Dec 9999 23:59:59 -1200")
GOOD_SINCE = "2026-03-01T12:00:00.000Z"
ODD_IDS = (b"%d\x01", b"%d\t0", b"caf\xe9 %d", b"%d ", b" %d", b"%05000d", b"\x7f%d")


@attrs.frozen
class Entry:
    """
    One entry of the log.
    """

    number: int
    id: bytes
    date: datetime | None
    fits: bool = True

    def frame(self) -> bytes:
        """
        Give its bytes; its message is its number.
        """
        date = "null" if self.date is None else f'"{_text(self.date)}"'
        data = b'{"date":%s,"message":"%d"}' % (date.encode(), self.number)
        if not self.fits:
            data = b'{"date":"soon","message":"%d"}' % self.number
        return b"id: %b\nevent:APPLICATION_LOG\ndata:%b\n\n" % (self.id, data)


@attrs.frozen
class Step:
    """
    How one connection is answered.
    """

    refuses: int | None = None
    repeats: int = 0
    is_cut: bool = False
    resets: bool = False


class Model:
    """
    The log of one seed, the server's side of it, and what a reader is to get.
    """

    def __init__(self, seed: int) -> None:
        self.draw = draw = random.Random(f"model {seed}")
        self.resource = f"app_{seed}"
        self.kind = draw.choice(KINDS)
        self.entries = _log(draw)
        self._index = {entry.id: place for place, entry in enumerate(self.entries)}
        self.until: datetime | None = None
        self.limit: int | None = None
        if "bounded" in self.kind:
            self.until = BASE + timedelta(milliseconds=draw.randrange(len(self.entries) + 2))
        if "limited" in self.kind:
            self.limit = draw.randrange(1, len(self.entries) + 3)
        self._filters = draw.random() < 0.3
        self._date = draw.choice(DATES)
        self.is_forbidden = draw.random() < 0.05
        self._steps = self._plan()
        # Where the log is shorter than the limit, repeats without end would have no end.
        self._repeats_after = 0
        if self.limit is None or self.limit <= len(self.entries) or self.until is not None:
            self._repeats_after = draw.choice((0, 0, 3))
        self._was_accepted = False
        self.mistakes: list[str] = []
        """What it was asked for and should not have been."""

    @property
    def query(self) -> LogQuery | None:
        if self.kind == "live":
            return None
        return LogQuery(since=SINCE, until=self.until, limit=self.limit)

    @property
    def expected(self) -> list[int]:
        """
        The numbers of the entries that a reader is to get.
        """
        return [entry.number for entry in self.entries if self._is_due(entry)][: self.limit]

    def _is_due(self, entry: Entry) -> bool:
        # What has no date that can be read is nobody's to leave out.
        readable = entry.date if entry.fits else None
        return self.until is None or readable is None or readable <= self.until

    def _plan(self) -> list[Step]:
        draw = self.draw
        steps = [self._step() for _ in range(draw.choice((0, 1, 1, 2, 3, 5)))]
        if self.is_forbidden:
            steps.insert(draw.randrange(len(steps) + 1), Step(refuses=403))
        return steps

    def _step(self) -> Step:
        draw = self.draw
        return Step(
            refuses=503 if draw.random() < 0.1 else None,
            repeats=draw.choice((0, 0, 1, draw.randrange(20), draw.randrange(1001))),
            is_cut=draw.random() < 0.7,
            resets=draw.random() < 0.3,
        )

    def restarted(self) -> None:
        """
        Note that the reader died: the next connection is that of another process.
        """
        if not self.is_forbidden:
            self._steps.insert(0, self._step())

    # -- the server's side ------------------------------------------------------------------

    async def __call__(self, asked: Asked, answer: Answer) -> None:
        step = self._steps.pop(0) if self._steps else Step(repeats=self._repeats_after)
        if step.refuses is not None:
            await answer.refuse(step.refuses)
            return
        begin = self._begin(asked, step)
        if begin is None:
            await answer.refuse(400)
            return
        body = self._body(begin, asked.query)
        ends = not step.is_cut and self.kind == "live" and not self._steps
        if step.is_cut:
            body = body[: self.draw.randrange(len(body) + 1)]
        await answer.begin(date=self._date)
        if not step.resets:
            self._was_accepted = True
        for piece in self._pieces(body):
            await answer.send(piece)
        if step.resets:
            answer.reset()
        elif ends:
            await answer.hold()

    def _begin(self, asked: Asked, step: Step) -> int | None:
        """Tell with which entry it goes on; None where it should not have been asked so."""
        id_, since = asked.last_event_id, asked.query.get("since")
        if id_ is not None:
            if id_ not in self._index:
                self.mistakes.append(f"an unknown id: {id_!r}")
                return None
            return max(self._index[id_] + 1 - step.repeats, 0)
        if self.kind != "live":
            if since != _text(SINCE):
                self.mistakes.append(f"since {since}")
                return None
        elif since is None and self._was_accepted:
            self.mistakes.append("from now on, a second time")
            return None
        elif since is not None and self._date in GOOD_DATES and since != GOOD_SINCE:
            self.mistakes.append(f"since {since}")
            return None
        return 0

    def _body(self, begin: int, query: dict[str, str]) -> bytes:
        draw = self.draw
        entries = self.entries[begin:]
        if self._filters:
            entries = [entry for entry in entries if self._is_due(entry)]
        if "limit" in query:
            if int(query["limit"]) < 1:
                self.mistakes.append("limit=0")
            entries = entries[: int(query["limit"])]
        # A live log has an end where the server feels like it.
        ends = self.kind != "live" or (bool(self._steps) and draw.random() < 0.5)
        if ends and self.kind == "live":
            entries = entries[: draw.randrange(len(entries) + 1)]
        noise = draw.random() < 0.5
        frames = []
        for entry in entries:
            if noise and draw.random() < 0.3:
                frames.append(draw.choice(_NOISE))
            frames.append(entry.frame())
        if ends:
            frames.append(b"event:END_OF_STREAM\ndata:%b\n\n" % draw.choice(REASONS))
            if noise:
                frames.append(b"id:after\nevent:APPLICATION_LOG\ndata:{}\n\n")
        body = b"".join(frames)
        return body.replace(b"\n", b"\r\n") if draw.random() < 0.2 else body

    def _pieces(self, body: bytes) -> list[bytes]:
        cuts = sorted(
            self.draw.randrange(len(body) + 1) for _ in range(self.draw.choice((0, 1, 4)))
        )
        edges = [0, *cuts, len(body)]
        pieces = [body[a:b] for a, b in itertools.pairwise(edges)]
        return [piece for piece in pieces if piece]


_NOISE = (
    heartbeat(),
    heartbeat(b"9:9:9"),
    b":a comment\n\n",
    b"retry:0\n\n",
    b"id:x\n\n",
    b"id:notice\nevent:NOTICE\ndata:{}\n\n",
)


def _log(draw: random.Random) -> list[Entry]:
    """Make a log of some partitions, merged at random: in order within each only."""
    most = draw.choices((12, 60, 300, 1300), (30, 50, 15, 5))[0]
    count = draw.randrange(most)
    partitions = [0] * draw.randrange(1, 5)
    odd_share = draw.choice((0, 0, 0.2, 1)) if most < 300 else 0
    entries = []
    for number in range(count):
        partition = draw.randrange(len(partitions))
        partitions[partition] += draw.randrange(2 * len(partitions))
        pattern = draw.choice(ODD_IDS) if draw.random() < odd_share else b"2100:%d:0"
        entries.append(
            Entry(
                number,
                pattern % number,
                BASE + timedelta(milliseconds=partitions[partition]),
                fits=draw.random() > 0.03,
            )
        )
        if draw.random() < 0.02:
            entries[-1] = attrs.evolve(entries[-1], date=None)
    # A reader of a live log has to see that it has all.
    return [*entries[:-1], attrs.evolve(entries[-1], fits=True)] if entries else []


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
