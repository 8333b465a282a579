"""
Writing to a stream that may be slow or closed.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from clever_v4.cli.output import HIGH_WATER_BYTES, Output, OutputClosedError, OutputFailedError


class Pipe:
    """
    A pipe whose other end a test reads, or closes.
    """

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.stream = os.fdopen(writer, "w", encoding="utf-8")

    def close_reader(self) -> None:
        """
        Nobody reads any more.
        """
        os.close(self.reader)
        self.reader = -1

    def close(self) -> None:
        """
        Close what is open.
        """
        if self.reader >= 0:
            self.close_reader()
        self.stream.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """
    A pipe.
    """
    one = Pipe()
    yield one
    one.close()


async def test_what_is_written_in_one_turn_goes_out_in_one_piece(pipe: Pipe) -> None:
    """
    Text and bytes, in their order.
    """
    async with Output(pipe.stream) as output:
        output.post("é")
        await output.write(b"b")
        output.post("")
        await asyncio.to_thread(lambda: None)
        assert await asyncio.to_thread(os.read, pipe.reader, 100) == "éb".encode()


async def test_what_the_encoding_lacks_is_escaped() -> None:
    """
    A terminal of another age shows the rest.
    """
    data = io.BytesIO()
    async with Output(io.TextIOWrapper(data, encoding="ascii")) as output:
        output.post("café")
    assert data.getvalue() == b"caf\\xe9"


async def test_a_stream_of_text_alone() -> None:
    """
    As a notebook has it.
    """
    text = io.StringIO()
    async with Output(text) as output:
        await output.write("é")
        await output.write(b"b")
    assert text.getvalue() == "éb"


async def test_a_slow_reader_makes_the_writer_wait(pipe: Pipe) -> None:
    """
    As soon as much is unwritten; then all of it arrives.
    """
    piece = b"x" * 64 * 1024
    count = 2 * HIGH_WATER_BYTES // len(piece)
    read = 0

    async def write() -> None:
        for _ in range(count):
            await output.write(piece)

    async with Output(pipe.stream) as output, asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        for _ in range(50):
            await asyncio.sleep(0)
        assert not writing.done()
        while read < count * len(piece):
            read += len(await asyncio.to_thread(os.read, pipe.reader, 1 << 20))
        await writing
    assert read == count * len(piece)


async def test_a_reader_that_is_gone_ends_the_task_that_waits(pipe: Pipe) -> None:
    """
    Also while there is nothing to write.
    """

    async def wait() -> None:
        async with Output(pipe.stream):
            pipe.close_reader()
            await asyncio.get_running_loop().create_future()

    with pytest.raises(OutputClosedError):
        await wait()


async def test_a_reader_that_is_gone_ends_a_writer(pipe: Pipe) -> None:
    """
    And what it still has to write is dropped.
    """

    async def write() -> None:
        async with Output(pipe.stream) as output:
            while True:
                await output.write("x" * 1000)

    pipe.close_reader()
    with pytest.raises(OutputClosedError):
        await write()


async def test_the_last_write_fails_too(pipe: Pipe) -> None:
    """
    After the body was left.
    """
    pipe.close_reader()
    with pytest.raises(OutputClosedError):
        async with Output(pipe.stream) as output:
            output.post("x")


async def test_messages_that_nobody_reads_are_dropped(pipe: Pipe) -> None:
    """
    They are not vital: whoever writes them goes on, and nothing of them is kept.
    """
    pipe.close_reader()
    written = 0
    async with Output(pipe.stream, is_vital=False) as output:
        for _ in range(3):
            await output.write("x" * HIGH_WATER_BYTES * 2)
            written += 1
        await output.room()
        assert output._unwritten_bytes == 0
        assert output._pending == []
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
    assert written == 3


async def test_the_messages_before_the_reader_was_gone_are_its_own(pipe: Pipe) -> None:
    """
    What could be written was written, in its order; what came later was dropped.
    """
    async with Output(pipe.stream, is_vital=False) as output:
        output.post("first\n")
        output.post("second\n")
        assert await asyncio.to_thread(os.read, pipe.reader, 100) == b"first\nsecond\n"
        pipe.close_reader()
        await output.write("third\n" * HIGH_WATER_BYTES)
        await output.write("fourth\n")


async def test_an_error_of_the_body_wins(pipe: Pipe) -> None:
    """
    Over that of the output.
    """

    async def work() -> None:
        async with Output(pipe.stream):
            pipe.close_reader()
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                raise ZeroDivisionError from None

    with pytest.raises(ZeroDivisionError):
        await work()


async def test_a_cancellation_from_outside_stays_one(pipe: Pipe) -> None:
    """
    Even when the output has closed meanwhile.
    """

    async def work() -> None:
        async with Output(pipe.stream):
            ready.set()
            await asyncio.get_running_loop().create_future()

    ready = asyncio.Event()
    task = asyncio.get_running_loop().create_task(work())
    await ready.wait()
    pipe.close_reader()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Full(io.RawIOBase):
    """
    A disk without room, or a stream of another kind.
    """

    def __init__(self, error: Exception) -> None:
        self._failure = error

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        raise self._failure


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError("I/O operation on closed file"), "I/O operation on closed file"),
    ],
)
async def test_an_output_that_cannot_be_written_to(error: Exception, text: str) -> None:
    """
    Is a failure with a reason.
    """
    stream = io.TextIOWrapper(io.BufferedWriter(Full(error)))
    with pytest.raises(OutputFailedError, match=f"cannot write the output: {text}"):
        async with Output(stream) as output:
            await output.write("x")
    stream.detach().detach()


async def test_an_output_that_was_closed_before_the_start() -> None:
    """
    Python has none then: writing fails, and who does not write does not learn of it.
    """
    async with Output(None):
        pass

    async def write() -> None:
        async with Output(None) as output:
            await output.write("x")
            await asyncio.get_running_loop().create_future()

    async def write_in_thread() -> None:
        async with Output(None) as output:
            await asyncio.to_thread(output.write_in_thread, b"x")

    for work in (write, write_in_thread):
        with pytest.raises(OutputFailedError, match="cannot write the output: it is closed"):
            await work()
    async with Output(None, is_vital=False) as output:
        await output.write("x" * HIGH_WATER_BYTES * 2)
        await output.write("x")


async def test_a_stream_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    """
    Whoever shares the terminal may have made it so.
    """
    os.set_blocking(pipe.stream.fileno(), False)
    data = b"x" * 200_000
    read = b""
    async with Output(pipe.stream) as output:
        output.post(data)
        while len(read) < len(data):
            read += await asyncio.to_thread(os.read, pipe.reader, 1 << 20)
    assert read == data


async def test_writing_from_another_thread(pipe: Pipe) -> None:
    """
    Waits until it is written; a reader that is gone is an error there as well.
    """

    async def work() -> None:
        async with Output(pipe.stream) as output:
            assert await asyncio.to_thread(output.write_in_thread, b"abc") == 3
            assert await asyncio.to_thread(os.read, pipe.reader, 100) == b"abc"
            pipe.close_reader()
            await asyncio.to_thread(output.write_in_thread, b"abc")

    with pytest.raises(OutputClosedError):
        await work()


async def test_a_thread_does_not_wait_for_ever(pipe: Pipe) -> None:
    """
    It is let go when the program ends while nobody reads.
    """
    ended: list[BaseException] = []

    def write() -> None:
        try:
            output.write_in_thread(b"x" * 1_000_000)
        except OutputClosedError as exc:
            ended.append(exc)

    async with Output(pipe.stream) as output:
        thread = threading.Thread(target=write)
        thread.start()
    await asyncio.to_thread(thread.join)
    assert len(ended) == 1
    pipe.close_reader()


async def test_last_words_are_not_waited_for_long(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    When somebody presses Ctrl-C because nothing moves.
    """
    monkeypatch.setattr("clever_v4.cli.output.LAST_WORDS_S", 0.05)

    async def work() -> None:
        async with asyncio.timeout(0.05), Output(pipe.stream) as output:
            await output.write("x" * HIGH_WATER_BYTES * 4)

    with pytest.raises(TimeoutError):
        await work()
    pipe.close_reader()
