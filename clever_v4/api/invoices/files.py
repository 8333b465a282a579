"""
Writing a download to a file, piece by piece and off the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import os
import secrets
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable

from clever_v4.validators import shown


@runtime_checkable
class BinaryWriter(Protocol):
    """
    A file object opened for writing bytes.
    """

    def write(self, data: bytes, /) -> int | None:
        """
        Take bytes and tell how many were taken; None means all.
        """
        ...


Destination: TypeAlias = str | os.PathLike[str] | BinaryWriter
"""A path, or a file object opened for writing bytes."""

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes written so far and the size of the whole, None when it is not known."""


def checked_destination(destination: object) -> Path | BinaryWriter:
    """
    Refuse what cannot be written to.

    Raises:
        TypeError: It is neither a path nor a binary file object.
        ValueError: The path names no file.
    """
    if isinstance(destination, str | os.PathLike):
        path = Path(destination)
        if not path.name:
            raise ValueError(f"destination must name a file, got {shown(destination)}")
        return path
    if hasattr(destination, "encoding"):
        raise TypeError(f"destination must be opened for bytes, not text, got {shown(destination)}")
    if isinstance(destination, BinaryWriter):
        if inspect.iscoroutinefunction(destination.write):
            raise TypeError(
                f"destination must be a synchronous file object, got {shown(destination)}"
            )
        return destination
    raise TypeError(f"destination must be a path or a binary file object, got {shown(destination)}")


class PathSink:
    """
    A file that appears under its name when it is complete, and not before.

    Until then it has a temporary name in the same directory, so that renaming
    it is atomic. What a link leads to is replaced and not the link, with the
    permissions that it had. What is no regular file (``/dev/stdout``, a pipe)
    is written to as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary: Path | None = None
        self._file: BinaryIO | None = None
        # A cancelled call leaves its thread running: what is discarded stays discarded.
        self._lock = threading.Lock()
        self._is_discarded = False

    async def write(self, piece: bytes) -> None:
        """
        Append a piece.
        """
        await asyncio.to_thread(self._write, piece)

    async def commit(self) -> None:
        """
        Give the complete file its name, replacing a file that has it.
        """
        await asyncio.to_thread(self._commit)

    async def discard(self) -> None:
        """
        Leave nothing behind, also when this call is cancelled.
        """
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(None, self._discard))

    def _write(self, piece: bytes) -> None:
        with self._lock:
            self._opened().write(piece)

    def _commit(self) -> None:
        with self._lock:
            self._opened().close()  # an empty body is a file, too
            if self._temporary is not None:
                with contextlib.suppress(OSError):  # there is none before, or it is another's
                    shutil.copymode(self._path, self._temporary)
                self._temporary.replace(self._path)

    def _opened(self) -> BinaryIO:
        if self._is_discarded:
            raise ValueError("the file was discarded")
        if self._file is None:
            self._file = self._open()
        return self._file

    def _open(self) -> BinaryIO:
        self._path = self._path.resolve()
        if self._path.exists() and not self._path.is_file():
            return self._path.open("wb")
        # A name may have 255 bytes, and each of these characters four.
        name = f".{self._path.name[:50]}.{secrets.token_hex(6)}.part"
        self._temporary = self._path.with_name(name)
        # "x": never somebody else's file; the mode follows the umask as for any new file.
        return self._temporary.open("xb")

    def _discard(self) -> None:
        with self._lock:
            self._is_discarded = True
            if self._file is not None:
                with contextlib.suppress(OSError):  # what could not be flushed is thrown away
                    self._file.close()
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)


async def write_all(file: BinaryWriter, piece: bytes) -> None:
    """
    Write a piece to the caller's file object; one that takes less than all of it is asked again.

    Raises:
        BlockingIOError: The file is set not to block, and takes nothing now.
        TypeError: The file tells something else than a count.
    """
    while piece:
        taken: object = await asyncio.to_thread(file.write, piece)
        if taken is None and not isinstance(file, io.RawIOBase):
            return
        if not taken:
            raise BlockingIOError(f"{file!r} takes no more bytes")
        if not isinstance(taken, int):
            raise TypeError(f"destination.write must give a count or None, got {taken!r}")
        piece = piece[taken:]


async def save(pieces: AsyncIterator[bytes], sink: PathSink) -> None:
    """
    Write all pieces and give the file its name; on any failure nothing is left of it.
    """
    try:
        async for piece in pieces:
            await sink.write(piece)
        await sink.commit()
    except BaseException:
        await sink.discard()
        raise
