"""
One response's body on its way out, with the faults that work on bytes; and the answers that
stand in for a whole response.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib

from aiohttp import web

from clever_v4.emulator.errors import not_found, too_many_requests, unauthorized
from clever_v4.emulator.faults import kinds as f
from clever_v4.emulator.faults.plans import Plan, first

_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>sozu</body></html>"


class Lost(Exception):  # noqa: N818 -- the connection is lost on purpose
    """
    The connection was cut by its plan; nothing more can be written.
    """


class Body:
    """
    Writes the body of one response.
    """

    def __init__(self, request: web.Request, response: web.StreamResponse, plan: Plan) -> None:
        self._request = request
        self._response = response
        self._compressor = zlib.compressobj(wbits=31) if first(plan, f.Gzip) else None
        self._drip = first(plan, f.Drip)
        self._drip_left = 0
        if self._drip is not None:
            most = self._drip.most_bytes
            self._drip_left = most if most is not None else 2**63
        self._cut = next(
            (one for one in plan if isinstance(one, f.Cut) and one.after_bytes is not None), None
        )
        self.sent: int = 0
        """Bytes that went out."""

    async def write(self, data: bytes) -> None:
        """
        Write some of the body.

        Raises:
            Lost: The plan has cut the connection.
        """
        if self._compressor is not None:
            # Flushed each time, or an event would wait in the compressor for the next ones.
            data = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        await self._send(data)

    async def finish(self) -> None:
        """
        End the body in good order.

        Raises:
            Lost: The plan has cut the connection.
        """
        if self._compressor is not None:
            await self._send(self._compressor.flush())
        await self._response.write_eof()

    def tear_chunk(self, data: bytes, *, reset: bool) -> None:
        """
        Write a part of a chunk whose announced length never comes, and lose the connection.

        Raises:
            Lost: Always.
        """
        transport = self._request.transport
        if transport is not None and not transport.is_closing():
            transport.write(b"%x\r\n" % (len(data) + 1000) + data)
            self.sent += len(data)
        lose(self._request, reset=reset)

    async def _send(self, data: bytes) -> None:
        cut = self._cut
        if cut is not None and cut.after_bytes is not None:
            left = cut.after_bytes - self.sent
            if len(data) >= left:
                if cut.inside == "chunk":
                    self.tear_chunk(data[:left], reset=cut.reset)
                await self._put(data[:left])
                lose(self._request, reset=cut.reset)
        await self._put(data)

    async def _put(self, data: bytes) -> None:
        self.sent += len(data)
        if self._drip is not None and self._drip_left > 0:
            slow, data = data[: self._drip_left], data[self._drip_left :]
            self._drip_left -= len(slow)
            size = self._drip.piece_bytes
            for start in range(0, len(slow), size):
                await self._response.write(slow[start : start + size])
                # The reader's turn, so that it gets the piece by itself.
                await asyncio.sleep(0)
        if data:
            await self._response.write(data)


def lose(request: web.Request, *, reset: bool) -> None:
    """
    Close the connection now, by FIN or by RST.

    Raises:
        Lost: Always.
    """
    transport = request.transport
    if transport is not None:
        if reset:
            sock = transport.get_extra_info("socket")
            # Lingering for no time at all makes the kernel send RST.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
    raise Lost


async def instead(request: web.Request, plan: Plan) -> web.Response | None:
    """
    The answer that the plan has in place of the real one, if it has; after a delay, if it has.

    Raises:
        Problem: The answer is an error body of the API.
        Lost: The plan closes the connection without an answer.
    """
    slow = first(plan, f.SlowAnswer)
    if slow is not None:
        await asyncio.sleep(slow.seconds)
    for fault in plan:
        match fault:
            case f.Unauthorized():
                raise unauthorized()
            case f.NotFound():
                raise not_found(fault.error)
            case f.TooManyRequests():
                raise too_many_requests(request.path, fault.retry_after)
            case f.EmptyError():
                return web.Response(status=fault.status, headers=_retry_after(fault.retry_after))
            case f.HtmlError():
                text = _HTML.format(f"{fault.status} Bad Gateway")
                return web.Response(
                    status=fault.status,
                    text=text,
                    content_type="text/html",
                    headers=_retry_after(fault.retry_after),
                )
            case f.WrongContentType():
                return web.Response(
                    status=fault.status, text=fault.body, content_type=fault.content_type
                )
            case f.Disconnect():
                lose(request, reset=fault.reset)
            case _:
                pass
    return None


async def send_with_faults(
    request: web.Request, response: web.StreamResponse, plan: Plan
) -> web.StreamResponse:
    """
    Send a response that is complete, through the faults that work on bytes.
    """
    whole = response.body if isinstance(response, web.Response) else None
    if not isinstance(whole, bytes):
        return response
    headers = response.headers.copy()
    if first(plan, f.Gzip) is not None:
        headers["Content-Encoding"] = "gzip"
    else:
        headers["Content-Length"] = str(len(whole))
    sent = web.StreamResponse(status=response.status, headers=headers)
    await sent.prepare(request)
    body = Body(request, sent, plan)
    await body.write(whole)
    await body.finish()
    return sent


def _retry_after(value: str | None) -> dict[str, str]:
    return {} if value is None else {"Retry-After": value}
