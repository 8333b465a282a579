"""
Writing Server-Sent Events into one response, with the faults that work on events.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from aiohttp import web

from clever_v4.emulator.connections import Connection
from clever_v4.emulator.faults import kinds as f
from clever_v4.emulator.faults.body import Body, lose
from clever_v4.emulator.faults.plans import Plan, first

_ON_EVENTS = (f.EndOfFile, f.Stall, f.HeartbeatsOnly, f.RetryFields, f.HeartbeatIds, f.Unparsable,
              f.UnknownEvents)  # fmt: skip


class Ended(Exception):  # noqa: N818 -- the plan ends the stream
    """
    The body is to end now, in good order.
    """


class EventWriter:
    """
    The stream of one connection.

    Args:
        request: What was asked.
        connection: The record of the connection, kept up to date.
        plan: The faults it meets.
        heartbeat_s: Seconds between the heartbeats of :class:`HeartbeatsOnly`.
    """

    def __init__(
        self, request: web.Request, connection: Connection, plan: Plan, *, heartbeat_s: float
    ) -> None:
        self._request = request
        self._connection = connection
        self._plan = plan
        self._heartbeat_s = heartbeat_s
        self._framing = first(plan, f.Framing)
        self._heartbeat_ids = first(plan, f.HeartbeatIds)
        self._is_first = True
        self._cut = next(
            (one for one in plan if isinstance(one, f.Cut) and one.after_entries is not None), None
        )
        self._one_by_one = self._cut is not None or any(isinstance(x, _ON_EVENTS) for x in plan)
        self._passed: set[int] = set()
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        if first(plan, f.Gzip) is not None:
            headers["Content-Encoding"] = "gzip"
        self.response: web.StreamResponse = web.StreamResponse(headers=headers)
        self._body = Body(request, self.response, plan)

    async def prepare(self) -> None:
        """
        Send the response's head, and what a plan has at the very start.

        Raises:
            Lost, Ended: The plan's end comes at once.
        """
        await self.response.prepare(self._request)
        if self._one_by_one:
            await self._at_threshold(b"")
            await self._additions()

    async def entries(self, frames: Sequence[bytes]) -> None:
        """
        Send entries; many frames are one write, unless the plan looks at each.

        Raises:
            Lost, Ended: The plan's end has come.
        """
        if not self._one_by_one:
            if frames:
                self._connection.entries_sent += len(frames)
                shaped = frames if self._framing is None else map(self._framed, frames)
                await self._write(b"".join(shaped))
            return
        for frame in frames:
            await self._at_threshold(frame)
            await self._write(self._framed(self._spoilt(frame)))
            self._connection.entries_sent += 1
            # An end after n entries comes at once, not with the entry after them.
            if self._cut is None or self._cut.inside is None:
                await self._at_threshold(b"")
            await self._additions()

    async def heartbeat(self) -> None:
        """
        Send a HEARTBEAT.
        """
        self._connection.heartbeats_sent += 1
        identity = "" if self._heartbeat_ids is None else f"id:{self._heartbeat_ids.id}\n"
        await self._write(self._framed(f"{identity}event:HEARTBEAT\ndata:\n\n".encode()))

    async def end(self, reason: str) -> None:
        """
        Send END_OF_STREAM with its reason.
        """
        self._connection.ended_by = reason
        data = json.dumps({"endedBy": reason}, separators=(",", ":"))
        await self._write(self._framed(f"event:END_OF_STREAM\ndata:{data}\n\n".encode()))

    async def finish(self) -> None:
        """
        End the response's body.
        """
        await self._body.finish()

    async def _write(self, data: bytes) -> None:
        try:
            await self._body.write(data)
        finally:
            self._connection.bytes_sent = self._body.sent

    async def _at_threshold(self, following: bytes) -> None:
        """
        Do what the plan has after as many entries as were sent; ``following`` is the next one.
        """
        sent = self._connection.entries_sent
        for number, fault in enumerate(self._plan):
            match fault:
                case f.EndOfFile(after_entries=after) if sent >= after:
                    raise Ended
                case f.Stall(after_entries=after) if sent >= after and number not in self._passed:
                    self._passed.add(number)
                    await _silence(fault.seconds)
                case f.HeartbeatsOnly(after_entries=after) if (
                    sent >= after and number not in self._passed
                ):
                    self._passed.add(number)
                    await self._heartbeats_only(fault.seconds)
                case f.Cut(after_entries=int(after)) if sent >= after:
                    await self._tear(fault, following)
                case _:
                    pass

    async def _tear(self, cut: f.Cut, frame: bytes) -> None:
        frame = self._framed(frame) if frame else frame
        if cut.inside is None:
            lose(self._request, reset=cut.reset)
        if cut.inside == "chunk" and frame:
            self._body.tear_chunk(frame[: len(frame) // 2], reset=cut.reset)
        if cut.inside == "line" and frame:
            await self._write(frame[: len(frame) * 2 // 3])
            lose(self._request, reset=cut.reset)
        if cut.inside == "character":
            lead = next((at for at, byte in enumerate(frame) if byte >= 0xC0), None)
            if lead is not None:
                await self._write(frame[: lead + 1])
                lose(self._request, reset=cut.reset)

    async def _heartbeats_only(self, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        while until is None or loop.time() < until:
            left = self._heartbeat_s if until is None else until - loop.time()
            await asyncio.sleep(min(self._heartbeat_s, left))
            await self.heartbeat()

    async def _additions(self) -> None:
        sent = self._connection.entries_sent
        for fault in self._plan:
            match fault:
                case f.RetryFields(every=every) if sent % every == 0:
                    await self._write(self._framed(b"retry:%d\n\n" % fault.milliseconds))
                case f.HeartbeatIds(every=every) if sent % every == 0:
                    await self.heartbeat()
                case f.UnknownEvents(every=every) if sent % every == 0:
                    frame = f"event:{fault.name}\ndata:{fault.data}\n\n".encode()
                    await self._write(self._framed(frame))
                case f.Unparsable(every=every) if sent % every == 0 and not fault.replace:
                    data = fault.data[sent // every % len(fault.data)]
                    event = self._connection.event
                    await self._write(self._framed(f"event:{event}\ndata:{data}\n\n".encode()))
                case _:
                    pass

    def _spoilt(self, frame: bytes) -> bytes:
        fault = first(self._plan, f.Unparsable)
        sent = self._connection.entries_sent
        if fault is None or not fault.replace or (sent + 1) % fault.every:
            return frame
        data = fault.data[sent // fault.every % len(fault.data)]
        return frame[: frame.index(b"\ndata:") + 6] + data.encode() + b"\n\n"

    def _framed(self, frame: bytes) -> bytes:
        framing = self._framing
        if framing is None:
            return frame
        lines = frame.removesuffix(b"\n\n").split(b"\n")
        if framing.multiline:
            lines = [part for line in lines for part in _spread(line)]
        if framing.spaces:
            lines = [line.replace(b":", b": ", 1) for line in lines]
        if framing.comments:
            lines.insert(0, b": a comment")
        mark = b"\xef\xbb\xbf" if framing.byte_order_mark and self._is_first else b""
        self._is_first = False
        return mark + framing.line_end.encode().join([*map(bytes, lines), b"", b""])


def _spread(line: bytes) -> list[bytes]:
    """
    Several ``data:`` lines for one: between two members JSON may have an end of line.
    """
    if not line.startswith(b'data:{"'):
        return [line]
    try:
        spread = json.dumps(json.loads(line[5:]), ensure_ascii=False, indent=1)
    except ValueError:
        return [line]
    return [b"data:" + part.encode() for part in spread.split("\n")]


async def _silence(seconds: float | None) -> None:
    if seconds is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(seconds)
