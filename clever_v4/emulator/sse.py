"""
Writing Server-Sent Events into one response.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

from aiohttp import web

from clever_v4.emulator.connections import Connection

HEARTBEAT = b"event:HEARTBEAT\ndata:\n\n"


class EventWriter:
    """
    The stream of one connection.
    """

    def __init__(self, request: web.Request, connection: Connection, *, gzip: bool) -> None:
        self._request = request
        self._connection = connection
        self._compressor = zlib.compressobj(wbits=31) if gzip else None
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        if gzip:
            headers["Content-Encoding"] = "gzip"
        self.response = web.StreamResponse(headers=headers)

    async def prepare(self) -> None:
        """
        Send the response's head.
        """
        await self.response.prepare(self._request)

    async def entries(self, frames: Sequence[bytes]) -> None:
        """
        Send entries; many frames are one write.
        """
        if frames:
            self._connection.entries_sent += len(frames)
            await self._write(b"".join(frames))

    async def heartbeat(self) -> None:
        """
        Send a HEARTBEAT.
        """
        self._connection.heartbeats_sent += 1
        await self._write(HEARTBEAT)

    async def end(self, reason: str) -> None:
        """
        Send END_OF_STREAM with its reason.
        """
        self._connection.ended_by = reason
        data = json.dumps({"endedBy": reason}, separators=(",", ":"))
        await self._write(f"event:END_OF_STREAM\ndata:{data}\n\n".encode())

    async def finish(self) -> None:
        """
        End the response's body.
        """
        if self._compressor is not None:
            await self.response.write(self._compressor.flush())
        await self.response.write_eof()

    async def _write(self, data: bytes) -> None:
        if self._compressor is not None:
            # Flushed each time, or an event would wait in the compressor for the next ones.
            data = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        self._connection.bytes_sent += len(data)
        await self.response.write(data)
