"""
Servers that speak in bytes: what no HTTP server would say, or nothing at all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def speaking(speak: Speak, *, is_patient: bool = True) -> AsyncIterator[str]:
    """
    Serve what is said to everybody: the address.

    Args:
        speak: Says it, to one connection.
        is_patient: Whether the connection stays open until the client is gone.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        try:
            await speak(reader, writer)
            if is_patient:
                await reader.read()
            else:
                writer.close()
                await writer.wait_closed()
        except (OSError, EOFError):
            pass  # the client is gone
        finally:
            writer.transport.abort()

    serving: set[Any] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for _ in range(5):
            await asyncio.sleep(0)  # whoever was let in is served
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the loop's next round


def saying(*pieces: bytes) -> Speak:
    """
    Say the same to every request, each piece so that it is read by itself.
    """
    return answering(lambda head: list(pieces))


def answering(say: Callable[[bytes], list[bytes]]) -> Speak:
    """
    Say what the head of the request leads to, each piece so that it is read by itself.
    """

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in say(await reader.readuntil(b"\r\n\r\n")):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.002)

    return speak


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """
    Say nothing.
    """
