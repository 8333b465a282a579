"""
The body of an answer, as it arrives: decoded, and known to be whole when it ends.

aiohttp's own decoder takes a gzip body for whole that was cut before its
trailer. RFC 1952, section 2.3.1: the trailer holds a check and the size.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

import aiohttp
from aiohttp import hdrs

__all__ = ["ACCEPTED_CODINGS", "Body", "ConnectionWatch"]

_PIECE_BYTES: Final = 256 * 1024
"""What is decoded at once: a few kilobytes of a compressed body may hold a thousand times as much."""

ACCEPTED_CODINGS: Final = "gzip, deflate"
"""What is asked for, where a body is read whole."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_RAW_DEFLATE: Final = -zlib.MAX_WBITS


class Body:
    """
    Reads the body of an answer piece by piece, and decodes it.

    Args:
        raw: The answer.
        is_decoded: Whether aiohttp was made to decode it.

    Raises:
        ClientPayloadError: It is encoded as something that is not read here.
    """

    def __init__(self, raw: aiohttp.ClientResponse, *, is_decoded: bool = False) -> None:
        self._raw = raw
        # Several lines of a header are one list (RFC 9110, section 5.3).
        codings = () if is_decoded else raw.headers.getall(hdrs.CONTENT_ENCODING, ())
        self._decoder = _decoder_of(", ".join(codings))
        self._watch = ConnectionWatch(raw)
        self._is_over = False

    @property
    def is_compressed(self) -> bool:
        """
        Whether what is read has another size than what is sent.
        """
        return self._decoder is not None

    async def read(self) -> bytes:
        """
        Wait for more of it; nothing at its end.

        Raises:
            ClientError: It broke off, or is not encoded as its head says.
        """
        decoder = self._decoder
        while not self._is_over:
            if decoder is None:
                piece = await self._raw.content.readany()
                self._is_over = not piece
                return piece
            try:
                decoded = decoder.more()
                if not decoded:
                    piece = await self._raw.content.readany()
                    if piece:
                        decoded = decoder.feed(piece)
                    else:
                        self._is_over = True
                        decoder.finish(may_be_empty=_says_its_end(self._raw))
            except zlib.error as exc:
                raise aiohttp.ClientPayloadError(f"the body is not encoded as said: {exc}") from exc
            if decoded:
                return decoded
        return b""

    def close(self) -> None:
        """
        Watch its connection no more.
        """
        self._watch.stop()


def _says_its_end(raw: aiohttp.ClientResponse) -> bool:
    """
    Whether the end of the body is more than that of its connection (RFC 9112, section 6.3).
    """
    has_body = raw.method != hdrs.METH_HEAD and raw.status not in {204, 304}
    return not has_body or any(
        name in raw.headers for name in (hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING)
    )


def _decoder_of(coding: str) -> Inflater | None:
    names = [name.strip() for name in coding.lower().split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if not names:
        return None
    name = ", ".join(names)
    if name in {"gzip", "x-gzip"}:
        return Inflater(name="gzip")
    if name == "deflate":
        return Inflater(name="deflate")
    raise aiohttp.ClientPayloadError(f"the body is encoded as {coding!r}, which is not read here")


class Inflater:
    """
    gzip of one or more members, or deflate with or without its header.
    """

    def __init__(self, *, name: str) -> None:
        self._name = name
        self._inflate = zlib.decompressobj(_GZIP if name == "gzip" else zlib.MAX_WBITS)
        self._is_begun = False
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """
        Take what arrived, and give what it holds, up to a bound.
        """
        if not self._is_begun:
            self._is_begun = True
            # RFC 1950: the low half of its first byte is 8. Some servers leave that header out.
            if self._name == "deflate" and piece[0] & 0x0F != 8:
                self._inflate = zlib.decompressobj(_RAW_DEFLATE)
        self._rest += piece
        return self.more()

    def more(self) -> bytes:
        """
        Give what was left for its bound.
        """
        while self._rest:
            if self._inflate.eof:
                # Another member follows, or padding (RFC 1952, section 2.2).
                self._rest = self._rest.lstrip(b"\0")
                if not self._rest:
                    break
                if self._name != "gzip":
                    raise zlib.error("more follows its end")
                self._inflate = zlib.decompressobj(_GZIP)
            decoded = self._inflate.decompress(self._rest, _PIECE_BYTES)
            self._rest = self._inflate.unconsumed_tail or self._inflate.unused_data
            if decoded:
                return decoded
        # zlib keeps what the bound left no room for.
        return b"" if self._inflate.eof else self._inflate.decompress(b"", _PIECE_BYTES)

    def finish(self, *, may_be_empty: bool = True) -> None:
        """
        Take note that nothing more arrives.

        Args:
            may_be_empty: Whether nothing at all is a body, too, as servers say that compress
                whatever they have. Not where a lost connection looks the same.

        Raises:
            ClientPayloadError: The end is missing.
        """
        if not (self._inflate.eof or (may_be_empty and not self._is_begun)):
            raise aiohttp.ClientPayloadError(
                f"the body ends before its {self._name} stream does: it was cut off"
            )


# --- a connection that is gone -------------------------------------------------------------


class ConnectionWatch:
    """
    Ends the wait for a body whose connection is gone.

    aiohttp closes the connection when the body breaks the rules of HTTP, such as
    by a chunk without a size, and stops its clocks; who waits for the body is not
    told by its parser in C (seen with 3.13 and 3.14), and would wait for ever.
    """

    __slots__ = ("_closed", "_content")

    def __init__(self, raw: aiohttp.ClientResponse) -> None:
        self._content = raw.content
        self._closed: asyncio.Future[None] | None = None
        protocol = None if raw.connection is None else raw.connection.protocol
        if protocol is None:
            return  # the body has come whole, and the connection has gone back
        self._closed = protocol.closed
        if self._closed is None:
            self._end()
        else:
            self._closed.add_done_callback(self._tell)

    def stop(self) -> None:
        """
        Watch no more: the connection may go on to other answers.
        """
        if self._closed is not None:
            self._closed.remove_done_callback(self._tell)

    def _tell(self, closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()  # looked at, or asyncio would log it
        self._end()

    def _end(self) -> None:
        # What ended as it should, or has its error already, is left as it is.
        if not self._content.is_eof() and self._content.exception() is None:
            self._content.set_exception(
                aiohttp.ClientPayloadError("the connection ended within the body")
            )
