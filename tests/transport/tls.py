"""
A server with a certificate, over real sockets, and contexts that trust its issuer or do not.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import trustme

from .raw import speaking

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()

# The options of a certificate, by what is wrong with it.
CERTIFICATES: dict[str, tuple[trustme.CA, str, timedelta]] = {
    "good": (AUTHORITY, "localhost", timedelta(days=1)),
    "expired": (AUTHORITY, "localhost", timedelta(days=-1)),
    "of another host": (AUTHORITY, "api.example.com", timedelta(days=1)),
    "of an unknown issuer": (STRANGER, "localhost", timedelta(days=1)),
}


def trusting() -> ssl.SSLContext:
    """
    A client's context that trusts one authority alone.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    AUTHORITY.configure_trust(context)
    return context


class TlsServer:
    """
    Where it is, and how often it was connected to and asked.
    """

    def __init__(self) -> None:
        self.connection_count = 0
        self.request_count = 0
        self.heads: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@asynccontextmanager
async def serve_tls(kind: str, *, answer: bytes = b"") -> AsyncIterator[TlsServer]:
    """
    Serve one answer to everybody, with a certificate of this kind.
    """
    authority, host, validity = CERTIFICATES[kind]
    until = datetime.now(UTC) + validity
    certificate = authority.issue_cert(host, not_before=until - timedelta(days=30), not_after=until)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    running = TlsServer()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Called before the handshake.
        running.connection_count += 1
        await writer.start_tls(context)
        running.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        running.request_count += 1
        writer.write(answer)
        await writer.drain()

    async with speaking(speak, is_patient=False) as place:
        running.port = int(place.rpartition(":")[2])
        yield running


@asynccontextmanager
async def tunnel(to_port: int) -> AsyncIterator[tuple[str, list[str]]]:
    """
    A proxy that leads everybody to one port of this machine: its address, and the heads it got.
    """
    heads: list[str] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
        writer.transport.abort()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        there = await asyncio.open_connection("127.0.0.1", to_port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pipe(reader, there[1]))
            tasks.create_task(pipe(there[0], writer))

    async with speaking(lead) as place:
        yield place, heads


@contextlib.contextmanager
def serving_only_known_clients() -> Iterator[TlsServer]:
    """
    Want a certificate of each client, and tell those that have none by an alert.

    In a thread: asyncio closes the connection before the alert is sent.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    AUTHORITY.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    running = TlsServer()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running.port = listening.getsockname()[1]

        def accept() -> None:
            while True:
                try:
                    one, _ = listening.accept()
                except OSError:
                    return
                with one:
                    if not one.recv(1, socket.MSG_PEEK):
                        return  # the knock below
                    running.connection_count += 1
                    shaking = context.wrap_socket(
                        one, server_side=True, do_handshake_on_connect=False
                    )
                    try:
                        shaking.do_handshake()
                        running.request_count += 1
                    except ssl.SSLError:
                        pass  # as intended
                    # Closed with bytes unread, it would be reset, and the alert thrown away.
                    with socket.socket(fileno=shaking.detach()) as plain:
                        plain.shutdown(socket.SHUT_WR)
                        while plain.recv(4096):
                            pass

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield running
        finally:
            socket.create_connection(("127.0.0.1", running.port)).close()
            thread.join()
