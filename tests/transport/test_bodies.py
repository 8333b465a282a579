"""
Bodies are decoded, whole when they end, and of the type that was asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import itertools
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.client_exceptions import ClientPayloadError
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.auth import ApiToken
from clever_v4.errors import (
    ConnectionFailedError,
    NotFoundError,
    ReconnectionGaveUpError,
    ResponseFormatError,
    ResponseTooLargeError,
)
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions
from clever_v4.transport.bodies import Inflater
from tests.serving import Server, serve

from .raw import saying, speaking
from .streaming import open_one
from .support import session

PAGE = b"<html><title>Sign in</title><body>" + b"x" * 60_000 + b"</body></html>"
PDF = b"%PDF-1.7 " + bytes(range(256)) * 200


# --- decoding ------------------------------------------------------------------------------


def _inflated(name: str, pieces: list[bytes]) -> bytes:
    inflater = Inflater(name=name)
    found = []
    for piece in pieces:
        decoded = inflater.feed(piece)
        while decoded:
            found.append(decoded)
            decoded = inflater.more()
    inflater.finish()
    return b"".join(found)


def _raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "two members": ("gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:])),
    "padded": ("gzip", lambda data: gzip.compress(data) + bytes(512)),
    "deflate": ("deflate", zlib.compress),
    "deflate without its header": ("deflate", _raw_deflate),
}


@pytest.mark.parametrize("coding", CODINGS)
@given(data=st.binary(max_size=2_000), cuts=st.lists(st.integers(0, 400), max_size=5))
def test_body_is_the_same_however_it_is_cut_into_pieces(
    coding: str, data: bytes, cuts: list[int]
) -> None:
    """
    For each coding that is read, members and padding included.
    """
    name, compress = CODINGS[coding]
    sent = compress(data)
    edges = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    pieces = [sent[a:b] for a, b in itertools.pairwise(edges) if a < b]
    assert _inflated(name, pieces) == data


@given(data=st.binary(max_size=500), share=st.floats(0, 1, exclude_max=True))
def test_compressed_body_that_is_cut_anywhere_is_not_whole(data: bytes, share: float) -> None:
    """
    Within its header, its data or its trailer (RFC 1952, section 2.3.1). Nothing at all is whole.
    """
    for name, compress in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        sent = compress(data)
        kept = sent[: max(int(len(sent) * share), 1)]
        with pytest.raises(ClientPayloadError, match=f"before its {name} stream does"):
            _inflated(name, [kept])
    assert _inflated("gzip", []) == b""


def test_small_body_that_is_large_comes_in_pieces() -> None:
    """
    A thousandfold compression fills no memory.
    """
    inflater = Inflater(name="gzip")
    sizes = [len(inflater.feed(gzip.compress(bytes(64_000_000))))]
    while decoded := inflater.more():
        sizes.append(len(decoded))
    inflater.finish()
    assert sum(sizes) == 64_000_000
    assert max(sizes) <= 256 * 1024


# --- over sockets -----------------------------------------------------------------------------


async def _request(ours: Session, path: str) -> bytes:
    return (await ours.request("GET", f"/{path}")).body


async def _document(ours: Session, path: str) -> bytes:
    return (await ours._client.get_document((path,), "application/pdf")).body


async def _download(ours: Session, path: str) -> bytes:
    async with ours._client.download((path,), accept="application/pdf") as download:
        return b"".join([piece async for piece in download.chunks()])


Ask = Callable[[Session, str], Awaitable[bytes]]
ASKED: list[Ask] = [_request, _document, _download]
DOCUMENTS: list[Ask] = [_document, _download]


async def _answer(request: web.Request) -> web.StreamResponse:
    plain = {"Content-Type": "application/pdf", "Sozu-Id": "01SOZU"}
    coded = {**plain, "Content-Encoding": "gzip"}
    sent = gzip.compress(PDF)
    plans: dict[str, Any] = {
        "plain": (PDF, plain),
        "gzip": (sent, coded),
        "x-gzip": (sent, {**plain, "Content-Encoding": "X-GZip"}),
        "deflate": (zlib.compress(PDF), {**plain, "Content-Encoding": "deflate"}),
        "cut": (sent[: len(sent) // 2], coded),
        "cut in its trailer": (sent[:-1], coded),
        "no gzip": (PDF, coded),
        "another coding": (PDF, {**plain, "Content-Encoding": "br"}),
        "bomb": (gzip.compress(bytes(10_000_000)), coded),
        "page": (PAGE, {"Content-Type": "text/html; charset=utf-8", "Sozu-Id": "01SOZU"}),
        "compressed page": (
            gzip.compress(PAGE),
            {"Content-Type": "text/html", "Content-Encoding": "gzip", "Sozu-Id": "01SOZU"},
        ),
        "JSON": (b"{}", {"Content-Type": "application/json", "Sozu-Id": "01SOZU"}),
        "untyped": (PDF, {"Content-Type": "application/octet-stream"}),
        "shouted": (PDF, {"Content-Type": "Application/PDF;x=y"}),
    }
    if request.path == "/missing":
        text = gzip.compress(b'{"error": "no such invoice"}')
        return web.Response(status=404, body=text, headers={"Content-Encoding": "gzip"})
    if request.path == "/nothing":
        return web.Response(status=204, headers={"Sozu-Id": "01SOZU"})
    body, headers = plans[request.path[1:].replace("%20", " ")]
    return web.Response(body=body, headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serve(_answer) as running:
        yield running


async def test_documents_are_asked_for_as_they_are(server: Server) -> None:
    """
    Compressing a PDF saves nothing; what is read whole may come compressed.
    """
    async with session(server) as ours:
        for ask in ASKED:
            assert await ask(ours, "plain") == PDF
    asked = [request.headers["Accept-Encoding"] for request in server.requests]
    assert asked == ["gzip, deflate", "identity", "identity"]


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize("path", ["gzip", "x-gzip", "deflate", "untyped", "shouted"])
async def test_what_comes_compressed_all_the_same_is_decoded(
    server: Server, ask: Ask, path: str
) -> None:
    """
    Whatever was asked for; a type that says nothing is taken at its word.
    """
    async with session(server) as ours:
        assert await ask(ours, path) == PDF


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("cut", "the body ends before its gzip stream does: it was cut off"),
        ("cut in its trailer", "the body ends before its gzip stream does: it was cut off"),
        ("no gzip", "the body is not encoded as said: "),
        ("another coding", "the body is encoded as 'br', which is not read here"),
    ],
)
async def test_body_that_is_not_whole_is_an_error(
    server: Server, ask: Ask, path: str, told: str
) -> None:
    """
    Half a compressed file is never mistaken for a whole one; the pool of one is free afterwards.
    """
    async with session(server, max_connections=1, retry=None) as ours:
        for _ in range(2):
            with pytest.raises(ConnectionFailedError, match=told) as raised:
                await ask(ours, path)
        assert await ask(ours, "plain") == PDF
    assert raised.value.request_id == "01SOZU"


@contextlib.asynccontextmanager
async def saying_once(answer: bytes) -> AsyncIterator[Session]:
    """
    A session on a server that gives this answer, and closes the connection.
    """
    async with (
        speaking(saying(answer), is_patient=False) as address,
        Session(base_url=f"http://{address}", retry=None) as ours,
    ):
        yield ours


@pytest.mark.parametrize("ask", ASKED)
async def test_compressed_body_that_is_lost_whole_is_an_error(ask: Ask) -> None:
    """
    Nothing is no gzip; where only the end of the connection ends the body, it was cut off.
    """
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Encoding: gzip\r\n"
    async with saying_once(head + b"\r\n") as ours:
        with pytest.raises(ConnectionFailedError, match="it was cut off"):
            await ask(ours, "any")
    # One that says how long it is may be of a server that compresses whatever it has.
    async with saying_once(head + b"Content-Length: 0\r\n\r\n") as ours:
        assert await ask(ours, "any") == b""


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize(
    ("codings", "body"),
    [
        (["identity", "gzip"], gzip.compress(PDF)),
        (["identity, gzip"], gzip.compress(PDF)),
        (["", "Deflate"], zlib.compress(PDF)),
        (["gzip", "gzip"], None),
        (["gzip", "br"], None),
    ],
)
async def test_codings_in_several_lines_are_one_list(
    ask: Ask, codings: list[str], body: bytes | None
) -> None:
    """
    What is encoded twice is not decoded once and taken for the document (RFC 9110, section 5.3).
    """
    sent = body or gzip.compress(gzip.compress(PDF))
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/pdf", f"Content-Length: {len(sent)}"]
    lines += [f"Content-Encoding: {coding}" for coding in codings]
    whole = "\r\n".join([*lines, "", ""]).encode() + sent
    async with saying_once(whole) as ours:
        if body is not None:
            assert await ask(ours, "any") == PDF
            return
        with pytest.raises(ConnectionFailedError, match="which is not read here"):
            await ask(ours, "any")


async def test_cut_invoice_leaves_no_file(server: Server, tmp_path: Path) -> None:
    """
    Neither under its name nor under another; a caller's file object holds what had arrived.
    """

    async def cut(_: web.Request) -> web.StreamResponse:
        body = gzip.compress(PDF)[:-4]
        return web.Response(
            body=body, headers={"Content-Type": "application/pdf", "Content-Encoding": "gzip"}
        )

    async with serve(cut) as cutting, session(cutting) as ours:
        with pytest.raises(ConnectionFailedError, match="it was cut off"):
            await ours.invoices.download_pdf("orga_1", "F1", tmp_path / "F1.pdf")
        held = io.BytesIO()
        with pytest.raises(ConnectionFailedError, match="it was cut off"):
            await ours.invoices.download_pdf("orga_1", "F1", held)
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []
    assert PDF.startswith(held.getvalue())


async def test_large_body_in_a_small_one_is_bounded(server: Server) -> None:
    """
    The cap of what is read whole counts decoded bytes; a download has none.
    """
    async with session(server, max_response_bytes=1_000_000) as ours:
        with pytest.raises(ResponseTooLargeError):
            await _request(ours, "bomb")
        assert len(await _download(ours, "bomb")) == 10_000_000


@pytest.mark.parametrize("ask", DOCUMENTS)
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("page", "expected application/pdf, got text/html: Sign in"),
        ("compressed page", "expected application/pdf, got text/html: Sign in"),
        ("JSON", "expected application/pdf, got application/json"),
        ("nothing", "expected application/pdf, got an answer without a type with HTTP 204"),
    ],
)
async def test_document_of_another_type_is_refused(
    server: Server, ask: Ask, path: str, told: str
) -> None:
    """
    A gateway's page with the status 200 is no invoice; its title says what it is.
    """
    async with session(server, max_connections=1) as ours:
        for _ in range(2):
            with pytest.raises(ResponseFormatError) as raised:
                await ask(ours, path)
    assert str(raised.value) == f"{told} (Sozu-Id 01SOZU)"


@pytest.mark.parametrize("ask", ASKED)
async def test_compressed_refusal_is_read(server: Server, ask: Ask) -> None:
    """
    Its words are those of the API.
    """
    async with session(server) as ours:
        with pytest.raises(NotFoundError, match="no such invoice"):
            await ask(ours, "missing")


async def test_error_body_in_small_pieces_is_read_up_to_its_bound() -> None:
    """
    64 KiB of it, however many pieces it comes in; then the connection is closed.
    """
    read_to_its_end = False

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal read_to_its_end
        response = web.StreamResponse(status=404)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(100_000):
                await response.write(b"x" * 1_000)
            read_to_its_end = True
        return response

    async with serve(handler) as endless, session(endless, max_connections=1) as ours:
        for _ in range(2):
            with pytest.raises(NotFoundError):
                await ours.request("GET", "/x")
    assert not read_to_its_end


# --- what breaks the rules of HTTP ---------------------------------------------------------------


def breaking(content_type: str) -> AbstractAsyncContextManager[str]:
    """
    Begin a body of chunks, and send one that is none.
    """
    head = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n1\r\n:\r\n"
    )
    return speaking(saying(head, b"no chunk\r\n"), is_patient=False)


@pytest.mark.parametrize("ask", ASKED)
async def test_body_that_breaks_the_rules_ends_at_once(ask: Ask) -> None:
    """
    aiohttp closes its connection and its clocks, and tells nobody who waits.
    """
    async with (
        breaking("application/pdf") as place,
        Session(base_url=f"http://{place}", retry=None, timeout=None) as ours,
    ):
        with pytest.raises(ConnectionFailedError):
            await ask(ours, "x")


async def test_stream_that_breaks_the_rules_ends_at_once() -> None:
    """
    Its watchdog need not notice, here there is none.
    """
    options = StreamOptions(heartbeat_timeout=None, reconnect=Reconnect(attempts=1))
    async with (
        breaking("text/event-stream") as place,
        Session(base_url=f"http://{place}", timeout=None) as ours,
    ):
        raw = await open_one(ours._client.stream_opener())
        with pytest.raises(ClientPayloadError, match="the connection ended within the body"):
            await raw.content.read()
        raw.close()
        stream = ours.logs.stream("orga_1", "app_1", options=options)
        with pytest.raises(ReconnectionGaveUpError):
            await anext(stream)


# --- large headers -------------------------------------------------------------------------------


@pytest.mark.parametrize("is_streaming", [False, True])
async def test_large_header_is_allowed_on_demand(is_streaming: bool) -> None:
    """
    Refused by default with what allows it, and not asked for again.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(
            text="{}", headers={"X-Long": "x" * 20_000}, content_type="text/event-stream"
        )

    async def ask(ours: Session) -> None:
        if is_streaming:
            (await open_one(ours._client.stream_opener())).close()
        else:
            await ours.request("GET", "/x")

    async with serve(handler) as large:
        async with session(large) as ours:
            with pytest.raises(ResponseTooLargeError) as raised:
                await ask(ours)
        assert raised.value.limit_bytes == 8190
        assert "a header of the answer exceeds the limit of 8,190 bytes; raise max_header" in str(
            raised.value
        )
        assert len(large.requests) == 1
        async with session(large, max_header_bytes=30_000) as ours:
            await ask(ours)


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_headers_without_end_are_not_all_taken(kind: str) -> None:
    """
    Five thousand small ones, which no server sends, are refused: endless ones fill no memory.
    """
    headers = b"".join(b"X-%d: 1\r\n" % number for number in range(5000))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: 2\r\n" % kind.encode()
    async with (
        speaking(saying(head, headers, b"\r\n{}")) as place,
        Session(ApiToken("t"), base_url=f"http://{place}", retry=None) as ours,
    ):
        if kind == "text/event-stream":
            asked: Awaitable[object] = open_one(ours._client.stream_opener())
        else:
            asked = ours.request("GET", "/x")
        with pytest.raises(ConnectionFailedError):
            await asked
