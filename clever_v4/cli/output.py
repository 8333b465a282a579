"""
Writing to a stream that may be slow or closed, without ever stopping the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import select
import stat
import sys
import threading
from types import TracebackType
from typing import Any, Final, Self

import attrs

__all__ = ["Output", "OutputClosedError", "OutputFailedError"]

HIGH_WATER_BYTES: Final = 256 * 1024
"""More than this unwritten, and whoever writes waits: a slow pipe pushes back on the log stream."""

LAST_WORDS_S: Final = 2.0
"""How long the end waits for what is not yet written, after an interruption."""


class OutputClosedError(Exception):
    """
    Nobody reads the output any more, as in ``clever-v4 logs shop | head``: that is a success.
    """


class OutputFailedError(Exception):
    """
    The output cannot be written to, as on a full disk.
    """


@attrs.define(eq=False)
class _Piece:
    data: bytes
    written: threading.Event | None = None


class Output:
    """
    Standard output or standard error, written to by a thread of its own.

    What is written in one turn of the event loop goes out in one piece at the
    end of that turn: at once, and not in more system calls than needed. When
    the other end is closed or the write fails, the task that entered the
    ``async with`` is cancelled, and leaves it with the error.

    Args:
        stream: Such as ``sys.stdout``; its buffer is not used. None, as Python has it where the
            descriptor was closed when it started: writing fails.
        is_vital: Whether the program ends when nobody reads the output. Else
            what is written after that is dropped.
    """

    def __init__(self, stream: Any, *, is_vital: bool = True) -> None:
        self._is_vital = is_vital
        self._encoding: str = getattr(stream, "encoding", None) or "utf-8"
        buffer = getattr(stream, "buffer", None)
        # A stream of text alone (of a test, of a notebook) is written to as it is.
        self._raw: Any = getattr(buffer, "raw", buffer)
        self._stream = stream
        self._queue: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._pending: list[bytes] = []
        self._unwritten_bytes = 0
        self._drained: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._owner: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._has_cancelled = False
        self._is_cut = False
        self._watched: int | None = None
        self._thread = threading.Thread(target=self._work, name="output", daemon=True)

    # -- life -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._owner = asyncio.current_task()
        assert self._owner is not None  # noqa: S101  -- we are in a coroutine
        self._cancelling = self._owner.cancelling()
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.flush()
        self._thread.start()
        self._watch_for_the_reader()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        is_interrupted = isinstance(exc, asyncio.CancelledError) and not self._has_cancelled
        try:
            self._hand_over()
            await self._drain(LAST_WORDS_S if is_interrupted else None)
        except asyncio.CancelledError:
            if not self._has_cancelled:
                raise
        finally:
            self._unwatch()
            self._is_cut = True
            self._queue.put(None)
            owner, self._owner = self._owner, None
        if self._error is None or not self._is_vital or owner is None:
            return
        is_cancelled_by_others = self._has_cancelled and owner.uncancel() > self._cancelling
        ours = (asyncio.CancelledError, OutputClosedError, OutputFailedError)
        if not is_cancelled_by_others and (exc is None or isinstance(exc, ours)):
            raise self._error from None

    # -- writing --------------------------------------------------------------------------

    async def write(self, data: str | bytes) -> None:
        """
        Write; waits only while much is unwritten.
        """
        self.post(data)
        await self.room()

    async def room(self) -> None:
        """
        Wait until there is room for more.
        """
        while self._unwritten_bytes > HIGH_WATER_BYTES or (self._error and self._is_vital):
            if self._drained is None or self._drained.done():
                self._drained = self._loop.create_future()
            # Several may wait for it; the cancellation of one must not reach the others.
            # After an error nobody goes on: the owner is cancelled, and with it all of them.
            await asyncio.shield(self._drained)

    def post(self, data: str | bytes) -> None:
        """
        Write without waiting, for what is little.
        """
        if isinstance(data, str):
            data = data.encode(self._encoding, "backslashreplace")
        if not data or self._error is not None:
            return
        if not self._pending:
            self._loop.call_soon(self._hand_over)
        self._pending.append(data)
        self._unwritten_bytes += len(data)

    def write_in_thread(self, data: bytes) -> int:
        """
        Write from another thread than the event loop's, and wait until it is written.

        Raises:
            OutputClosedError: It is closed, or the program ends.
        """
        piece = _Piece(bytes(data), threading.Event())
        self._queue.put(piece)
        assert piece.written is not None  # noqa: S101  -- made above
        while not piece.written.wait(0.1):
            if self._is_cut:
                raise OutputClosedError
        if self._error is not None:
            raise self._error
        return len(data)

    def _hand_over(self) -> None:
        if self._pending:
            self._queue.put(_Piece(b"".join(self._pending)))
            self._pending.clear()

    async def _drain(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._unwritten_bytes and self._error is None:
                    if self._drained is None or self._drained.done():
                        self._drained = self._loop.create_future()
                    await asyncio.shield(self._drained)

    # -- the thread -----------------------------------------------------------------------

    def _work(self) -> None:
        while (piece := self._queue.get()) is not None:
            error = self._error
            try:
                if error is None:
                    self._write_all(piece.data)
            except (BrokenPipeError, ConnectionResetError):
                error = OutputClosedError("nobody reads the output any more")
            except (OSError, ValueError) as exc:
                reason = getattr(exc, "strerror", None) or exc
                error = OutputFailedError(f"cannot write the output: {reason}")
            if error is not None:
                self._error = error
            with contextlib.suppress(RuntimeError):  # the event loop is closed already
                if piece.written is None:
                    self._loop.call_soon_threadsafe(self._written, len(piece.data))
                elif error is not None:
                    self._loop.call_soon_threadsafe(self._fail)
            if piece.written is not None:
                piece.written.set()

    def _write_all(self, data: bytes) -> None:
        if self._stream is None:
            raise ValueError("it is closed")
        if self._raw is None:
            self._stream.write(data.decode(self._encoding))
            return
        view = memoryview(data)
        while view:
            try:
                count = self._raw.write(view)
            except BlockingIOError:
                count = None
            if count is None:
                # Somebody made the terminal non-blocking; the flag is shared among processes.
                select.select([], [self._raw], [], 1.0)
                continue
            view = view[count:]

    def _written(self, count: int) -> None:
        self._unwritten_bytes -= count
        if self._error is not None:
            self._fail()
        elif self._unwritten_bytes <= HIGH_WATER_BYTES // 2:
            self._wake()

    def _wake(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _fail(self) -> None:
        self._unwatch()
        self._pending.clear()
        self._unwritten_bytes = 0
        if self._is_vital and self._owner is not None and not self._has_cancelled:
            self._has_cancelled = True
            self._owner.cancel()
        else:
            self._wake()

    # -- a reader that goes away while there is nothing to write -----------------------------

    def _watch_for_the_reader(self) -> None:
        """Learn of a closed pipe at once, not with the next line, which may come in hours."""
        if sys.platform == "win32" or self._raw is None:
            return
        with contextlib.suppress(OSError, ValueError, NotImplementedError):
            descriptor = self._raw.fileno()
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                self._loop.add_reader(descriptor, self._reader_is_gone)
                self._watched = descriptor

    def _unwatch(self) -> None:
        if self._watched is not None:
            self._loop.remove_reader(self._watched)
            self._watched = None

    def _reader_is_gone(self) -> None:
        assert self._watched is not None  # noqa: S101  -- else it would not be called
        poll = select.poll()
        poll.register(self._watched, 0)
        if not poll.poll(0):
            # A pipe that this process may read from, too: such a one never closes.
            self._unwatch()
            return
        self._error = OutputClosedError("nobody reads the output any more")
        self._fail()
