"""
One exchange over a plain socket: every byte as it came, and how the connection ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import attrs

from clever_v4.emulator import Application, Emulator

WHOLE = "since=2001-01-01T00:00:00.000Z&throttleElements=100000&limit=100"
"""All of a hundred entries."""


@attrs.frozen
class Exchange:
    """
    What came back until the server ended the connection.
    """

    received: bytes
    ended: Literal["FIN", "RST"]

    @property
    def status(self) -> int:
        """
        The status of the answer.
        """
        return int(self.received.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        """
        The headers of the answer, by their names in lower case.
        """
        head = self.received.partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:])
        return {name.lower(): value for name, value in pairs}

    @property
    def body(self) -> bytes:
        """
        What follows the head, with the framing of its chunks.
        """
        return self.received.partition(b"\r\n\r\n")[2]

    @property
    def chunks(self) -> list[tuple[int, bytes]]:
        """
        The chunks of the body, each with its announced length; the last may be torn, or be of
        length 0, which ends the body in good order.
        """
        found: list[tuple[int, bytes]] = []
        rest = self.body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            found.append((length, rest[:length]))
            rest = rest[length + 2 :]
        return found

    @property
    def text(self) -> bytes:
        """
        The body without the framing of its chunks.
        """
        return b"".join(piece for _, piece in self.chunks)

    @property
    def is_whole(self) -> bool:
        """
        Whether a body of chunks ended in good order.
        """
        return self.body.endswith(b"0\r\n\r\n")


async def exchange(
    emulator: Emulator, target: str, *headers: str, method: str = "GET", token: str | None = None
) -> Exchange:
    """
    Send one request on a connection of its own, with the emulator's token unless another is
    given, and read until the server ends the connection.
    """
    reader, writer = await connect(emulator, target, *headers, method=method, token=token)
    received, ended = bytearray(), "FIN"
    try:
        while data := await reader.read(65_536):
            received += data
    except ConnectionResetError:
        ended = "RST"
    finally:
        writer.close()
    return Exchange(bytes(received), "RST" if ended == "RST" else "FIN")


async def connect(
    emulator: Emulator, target: str, *headers: str, method: str = "GET", token: str | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """
    Send one request on a connection of its own.
    """
    host, _, port = emulator.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines: Sequence[str] = (
        f"{method} {target} HTTP/1.1",
        f"Host: {host}:{port}",
        f"Authorization: Bearer {emulator.token if token is None else token}",
        "Connection: close",
        *headers,
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    return reader, writer


def logs(application: Application, query: str = WHOLE) -> str:
    """
    The target of an application's log stream.
    """
    owner_id = application.owner_id
    return f"/v4/logs/organisations/{owner_id}/applications/{application.id}/logs?{query}"
