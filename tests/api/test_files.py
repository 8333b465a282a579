"""
Documents on their way to a file: complete or not at all, whatever happens.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from clever_v4.api.invoices import ALL, InvoiceQuery
from clever_v4.api.invoices.files import PathSink
from clever_v4.emulator import Emulator
from clever_v4.errors import ConnectionFailedError, NotFoundError
from clever_v4.session import Session
from tests.serving import serve


def files_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


async def first_number(emulator: Emulator, session: Session) -> str:
    return (await session.invoices.list(emulator.owner_id, InvoiceQuery(since=ALL)))[
        0
    ].invoice_number


async def test_a_download_replaces_the_file_when_it_is_complete(
    emulator: Emulator, session: Session, tmp_path: Path
) -> None:
    """
    The file has the whole document, nothing else is left, and progress reached its size.
    """
    number = await first_number(emulator, session)
    target = tmp_path / "invoice.pdf"
    target.write_bytes(b"older")
    seen: list[tuple[int, int | None]] = []
    count = await session.invoices.download_pdf(
        emulator.owner_id, number, target, on_progress=lambda *told: seen.append(told)
    )
    expected = await session.invoices.get_pdf(emulator.owner_id, number)
    assert files_in(tmp_path) == {"invoice.pdf": expected}
    assert count == len(expected)
    assert seen[-1] == (count, count)
    assert len(seen) > 1


async def test_a_download_goes_to_a_file_object(emulator: Emulator, session: Session) -> None:
    """
    A file object of the caller's is written to and left open.
    """
    number = await first_number(emulator, session)
    file = io.BytesIO()
    count = await session.invoices.download_html(emulator.owner_id, number, file)
    html = await session.invoices.get_html(emulator.owner_id, number)
    assert file.getvalue().decode() == html
    assert count == len(file.getvalue())


async def test_a_file_object_that_takes_less_is_asked_again(
    emulator: Emulator, session: Session
) -> None:
    """
    A raw file may take a part of a piece; nothing of the rest is lost.
    """

    class Reluctant:
        def __init__(self) -> None:
            self.taken = b""

        def write(self, data: bytes, /) -> int:
            self.taken += bytes(data[:1000])
            return min(len(data), 1000)

    number = await first_number(emulator, session)
    file = Reluctant()
    await session.invoices.download_pdf(emulator.owner_id, number, file)
    assert file.taken == await session.invoices.get_pdf(emulator.owner_id, number)


async def test_a_broken_download_leaves_no_half_file(tmp_path: Path) -> None:
    """
    The connection breaks in the middle: an older file stays as it was and no other appears.
    """

    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 200_000
        await response.prepare(request)
        await response.write(b"%PDF" * 25_000)
        assert request.transport is not None
        request.transport.abort()
        return response

    target = tmp_path / "invoice.pdf"
    target.write_bytes(b"older")
    async with serve(break_off) as server, Session(base_url=server.url) as session:
        with pytest.raises(ConnectionFailedError):
            await session.invoices.download_pdf("orga_1", "F1", target)
    assert files_in(tmp_path) == {"invoice.pdf": b"older"}


async def test_a_failing_callback_leaves_no_half_file(
    emulator: Emulator, session: Session, tmp_path: Path
) -> None:
    """
    What the caller's own callback raises arrives unchanged, and the file does not.
    """
    number = await first_number(emulator, session)

    def fail(done: int, size: int | None) -> None:
        raise LookupError(done)

    with pytest.raises(LookupError):
        await session.invoices.download_pdf(
            emulator.owner_id, number, tmp_path / "x.pdf", on_progress=fail
        )
    assert files_in(tmp_path) == {}


async def test_a_missing_directory_is_the_operating_systems_error(
    emulator: Emulator, session: Session, tmp_path: Path
) -> None:
    """
    A path that cannot be written to is told as such.
    """
    number = await first_number(emulator, session)
    with pytest.raises(FileNotFoundError):
        await session.invoices.download_pdf(emulator.owner_id, number, tmp_path / "no" / "x.pdf")


async def test_a_refused_download_touches_nothing(
    emulator: Emulator, session: Session, tmp_path: Path
) -> None:
    """
    A 404 is raised before any file is made.
    """
    with pytest.raises(NotFoundError):
        await session.invoices.download_pdf(emulator.owner_id, "F0", tmp_path / "x.pdf")
    assert files_in(tmp_path) == {}


async def test_a_destination_has_to_be_writable_bytes(session: Session) -> None:
    """
    A text file, a number and a path without a name are refused before anything is asked.
    """
    download = session.invoices.download_pdf
    with pytest.raises(TypeError, match="must be opened for bytes"):
        await download("o", "F1", io.StringIO())  # type: ignore[arg-type]  -- the caller's mistake
    with pytest.raises(TypeError, match="destination must be a path or a binary file object"):
        await download("o", "F1", 3)  # type: ignore[arg-type]  -- the caller's mistake
    with pytest.raises(ValueError, match="destination must name a file"):
        await download("o", "F1", "/")

    class Asynchronous:
        async def write(self, data: bytes, /) -> int:
            return len(data)

    with pytest.raises(TypeError, match="destination must be a synchronous file object"):
        await download("o", "F1", Asynchronous())  # type: ignore[arg-type] -- the caller's mistake


async def test_a_name_may_be_as_long_as_the_system_allows(
    emulator: Emulator, session: Session, tmp_path: Path
) -> None:
    """
    The temporary name is not longer: 255 bytes are a limit, and a character may have four.
    """
    number = await first_number(emulator, session)
    target = tmp_path / ("\N{MONEY BAG}" * 62 + ".pdf")
    count = await session.invoices.download_pdf(emulator.owner_id, number, target)
    assert {name: len(data) for name, data in files_in(tmp_path).items()} == {target.name: count}


async def test_what_a_link_leads_to_is_replaced_with_its_permissions(
    emulator: Emulator, session: Session, tmp_path: Path
) -> None:
    """
    The link stays a link, and a private file private.
    """
    number = await first_number(emulator, session)
    kept, link = tmp_path / "kept", tmp_path / "link.pdf"
    kept.mkdir()
    (kept / "invoice.pdf").write_bytes(b"older")
    (kept / "invoice.pdf").chmod(0o600)
    link.symlink_to(kept / "invoice.pdf")
    count = await session.invoices.download_pdf(emulator.owner_id, number, link)
    assert link.is_symlink()
    assert {name: len(data) for name, data in files_in(kept).items()} == {"invoice.pdf": count}
    assert (kept / "invoice.pdf").stat().st_mode & 0o777 == 0o600


async def test_a_pipe_is_written_to_as_it_is(
    emulator: Emulator, session: Session, tmp_path: Path
) -> None:
    """
    What is no regular file, such as ``/dev/stdout``, is not replaced by one.
    """
    number = await first_number(emulator, session)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read, count = await asyncio.gather(
        asyncio.to_thread(pipe.read_bytes),
        session.invoices.download_pdf(emulator.owner_id, number, pipe),
    )
    assert len(read) == count
    assert pipe.is_fifo()


async def test_a_directory_is_the_operating_systems_error(
    emulator: Emulator, session: Session, tmp_path: Path
) -> None:
    """
    And nothing is left in it or beside it.
    """
    number = await first_number(emulator, session)
    (tmp_path / "there").mkdir()
    with pytest.raises(IsADirectoryError):
        await session.invoices.download_pdf(emulator.owner_id, number, tmp_path / "there")
    assert files_in(tmp_path / "there") == {}
    (tmp_path / "there").rmdir()
    assert files_in(tmp_path) == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
async def test_a_full_disk_leaves_no_half_file(
    emulator: Emulator, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The older file stays, and the temporary one goes.
    """

    class OnFullDisk(PathSink):
        def _open(self) -> Any:
            super()._open().close()
            return Path("/dev/full").open("wb")

    number = await first_number(emulator, session)
    monkeypatch.setattr("clever_v4.api.invoices.group.PathSink", OnFullDisk)
    target = tmp_path / "invoice.pdf"
    target.write_bytes(b"older")
    with pytest.raises(OSError, match="No space left"):
        await session.invoices.download_pdf(emulator.owner_id, number, target)
    assert files_in(tmp_path) == {"invoice.pdf": b"older"}


async def test_a_call_that_is_cancelled_while_it_writes_leaves_nothing(
    emulator: Emulator, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The thread that writes cannot be stopped; what it wrote goes when it is done.
    """
    loop, writing, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    original = PathSink._write

    def slowly(self: PathSink, piece: bytes) -> None:
        original(self, piece)
        loop.call_soon_threadsafe(writing.set)
        go_on.wait(10)
        original(self, b"late")

    number = await first_number(emulator, session)
    monkeypatch.setattr(PathSink, "_write", slowly)
    async with asyncio.TaskGroup() as group:
        call = group.create_task(
            session.invoices.download_pdf(emulator.owner_id, number, tmp_path / "x.pdf")
        )
        await writing.wait()
        call.cancel()
        await asyncio.wait({call})
        go_on.set()
    assert call.cancelled()
    assert files_in(tmp_path) == {}


async def test_a_slow_file_object_does_not_hold_the_event_loop(
    emulator: Emulator, session: Session
) -> None:
    """
    It is written to in a thread: the loop runs on while it waits.
    """
    loop, waiting, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    class Slow(io.BytesIO):
        def write(self, data: Any, /) -> int:
            loop.call_soon_threadsafe(waiting.set)
            assert go_on.wait(10)
            return super().write(data)

    number = await first_number(emulator, session)
    file = Slow()
    async with asyncio.TaskGroup() as group:
        call = group.create_task(session.invoices.download_html(emulator.owner_id, number, file))
        await waiting.wait()
        go_on.set()
    assert call.result() == len(file.getvalue())
    assert not file.closed


async def test_a_file_object_that_fails_is_told_and_left_open(emulator: Emulator) -> None:
    """
    Its own error arrives, and the only connection is free again.
    """

    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError("no space left")

    from clever_v4.auth import ApiToken

    async with Session(
        ApiToken(emulator.token), base_url=emulator.url, max_connections=1
    ) as session:
        number = await first_number(emulator, session)
        file = Full()
        with pytest.raises(OSError, match="no space left"):
            await session.invoices.download_html(emulator.owner_id, number, file)
        assert not file.closed
        assert await session.invoices.get_html(emulator.owner_id, number)


@pytest.mark.parametrize(
    ("given", "error"), [(None, BlockingIOError), (0, BlockingIOError), ("all", TypeError)]
)
async def test_a_file_object_that_takes_nothing_is_not_asked_for_ever(
    emulator: Emulator, session: Session, given: object, error: type[Exception]
) -> None:
    """
    A raw file set not to block gives None, which is not "all of it".
    """

    class Raw(io.RawIOBase):
        def write(self, data: Any, /) -> Any:
            return given

    number = await first_number(emulator, session)
    with pytest.raises(error):
        await session.invoices.download_html(emulator.owner_id, number, Raw())


def test_what_is_discarded_stays_discarded(tmp_path: Path) -> None:
    """
    A write that a cancelled call left behind in its thread does not bring the file back.
    """
    sink = PathSink(tmp_path / "x.pdf")
    sink._write(b"half")
    sink._discard()
    with pytest.raises(ValueError, match="discarded"):
        sink._write(b"late")
    assert files_in(tmp_path) == {}
