"""
``clever-v4 invoices`` and ``clever-v4 invoice``.
"""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4 import Money
from clever_v4.cli.invoices import money
from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f

from .running import Command, Ran, start

OWNER = ("--owner", "Analytical Engines")


@pytest.fixture
def number(clever: Command) -> str:
    """
    The number of an invoice.
    """
    return str(clever("invoices", *OWNER, "--unpaid", "-F", "json").json[0]["invoice_number"])


def test_the_invoices_of_the_api_s_period(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    What the API shows by default, which is not all.
    """
    assert clever("invoices", *OWNER).shown == snapshot


def test_a_table_on_a_terminal(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    With the states in colour.
    """
    assert clever("invoices", *OWNER, "--limit", "4", on_terminal=True).shown == snapshot


def test_the_options(clever: Command) -> None:
    """
    A period and how many; ``all`` is more than the default.
    """
    every = clever("invoices", *OWNER, "--since", "all", "--format", "json").json
    default = clever("invoices", *OWNER, "--format", "json").json
    assert len(every) > len(default) > 0
    chosen = clever(
        *("invoices", *OWNER, "--since", "2023-01-01T00:00Z", "--until", "2023-12-31T00:00Z"),
        *("--limit", "2", "--format", "json"),
    ).json
    assert len(chosen) == 2
    assert all(one["emission_date"].startswith("2023") for one in chosen)


def test_unpaid_invoices(clever: Command) -> None:
    """
    Only those; of somebody who paid all of them there are none.
    """
    ran = clever("invoices", *OWNER, "--unpaid", "--format", "json")
    assert {one["status"] for one in ran.json} <= {"PENDING", "PAYMENTHELD", "WONTPAY"}
    assert ran.json


def test_no_invoices(clever: Command) -> None:
    """
    The message says how to see more.
    """
    arguments = ("invoices", *OWNER, "--until", "2011-01-01T00:00Z")
    ran = clever(*arguments)
    assert ran == Ran(0, "", "clever-v4: no invoices in this period (--since all shows all)\n")
    assert clever(*arguments, "-F", "json").json == []


def test_one_invoice(clever: Command, number: str, snapshot: SnapshotAssertion) -> None:
    """
    With its lines.
    """
    assert clever("invoice", number, *OWNER).shown == snapshot


def test_one_invoice_as_json(clever: Command, number: str) -> None:
    """
    The amounts have the API's digits.
    """
    ran = clever("invoice", number, *OWNER, "--format", "json")
    assert (ran.code, ran.json["invoice_number"]) == (0, number)
    assert re.search(r'"amount": \d+\.\d\d,', ran.out)


def test_a_page_of_html(clever: Command, number: str, tmp_path: Path) -> None:
    """
    On standard output, or in a file.
    """
    ran = clever("invoice", number, *OWNER, "--html")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("<!DOCTYPE html>")
    assert clever("invoice", number, *OWNER, "--html", "-o", "-") == ran
    path = tmp_path / "invoice.html"
    saved = clever("invoice", number, *OWNER, "--html", "--output", str(path))
    assert saved == Ran(0, "", f"clever-v4: wrote {len(ran.out.encode()):,} bytes to {path}\n")
    assert path.read_text() == ran.out


def test_a_pdf_in_a_pipe(clever: Command, number: str, tmp_path: Path) -> None:
    """
    Is the file, byte by byte.
    """
    path = tmp_path / "invoice.pdf"
    assert clever("invoice", number, *OWNER, "--pdf", "-o", str(path)).code == 0
    ran = clever("invoice", number, *OWNER, "--pdf")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.encode("utf-8", "surrogateescape") == path.read_bytes()
    assert ran.out.startswith("%PDF")


def test_a_pdf_is_not_for_a_terminal(clever: Command, number: str) -> None:
    """
    It would be noise.
    """
    ran = clever("invoice", number, *OWNER, "--pdf", on_terminal=True)
    assert (ran.code, ran.out) == (2, "")
    assert "a PDF is not for a terminal: name a file with -o FILE" in ran.err


def test_a_progress_bar_on_a_terminal(clever: Command, number: str, tmp_path: Path) -> None:
    """
    Of the bytes that came; it is gone at the end.
    """
    path = tmp_path / "invoice.pdf"
    ran = clever("invoice", number, *OWNER, "--pdf", "-o", str(path), on_terminal=True)
    assert (ran.code, ran.out) == (0, "")
    assert f"Invoice {number}" in ran.err
    assert "━" in ran.err
    size = path.stat().st_size
    # What is left when everything that was drawn over is gone.
    assert ran.err.rpartition("\x1b[2K")[2] == (
        f"\x1b[2mclever-v4: wrote {size:,} bytes to {path}\x1b[0m\n"
    )


def test_a_broken_download_leaves_no_file(
    clever: Command, emulator: Emulator, number: str, tmp_path: Path
) -> None:
    """
    Neither a half one nor a temporary one.
    """
    path = f"/v4/billing/organisations/{emulator.owner_id}/invoices/{number}.html"
    emulator.faults.push(*[f.Cut(after_bytes=1000)] * 5, path=path)
    ran = clever("invoice", number, *OWNER, "--html", "-o", str(tmp_path / "invoice.html"))
    assert (ran.code, ran.out) == (1, "")
    assert "clever-v4: GET http://emulator" in ran.err
    assert list(tmp_path.iterdir()) == []


class HalfAPage:
    """
    A server that sends half a page, and the rest when it is told to.
    """

    def __enter__(self) -> Self:
        self._rest = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_args: object) -> None:
        self.send_the_rest()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.recv(65536)
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 10\r\n\r\n"
            connection.sendall(f"{head}<html".encode())
            self._rest.wait()
            with contextlib.suppress(OSError):
                connection.sendall(b"/html")

    def send_the_rest(self) -> None:
        """
        End the page.
        """
        self._rest.set()


def half_a_file(directory: Path, process: subprocess.Popen[Any]) -> None:
    """
    Wait until the file of the download is there.
    """
    while not any(directory.iterdir()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def test_a_terminal_that_is_closed_leaves_no_half_file(tmp_path: Path) -> None:
    """
    SIGHUP ends the command as other signals do.
    """
    path = tmp_path / "invoice.html"
    with HalfAPage() as server:
        addressed = ("--base-url", server.url, "--api-token", "t", "--owner", "orga_1")
        with start("invoice", "F1", "--html", "-o", str(path), *addressed) as process:
            half_a_file(tmp_path, process)
            process.send_signal(signal.SIGHUP)
            assert (*process.communicate(timeout=60), process.returncode) == ("", "", 129)
    assert list(tmp_path.iterdir()) == []


def test_nohup_is_respected(tmp_path: Path) -> None:
    """
    Who ignores SIGHUP from the beginning gets the whole file.
    """
    path = tmp_path / "invoice.html"
    with HalfAPage() as server:
        addressed = ("--base-url", server.url, "--api-token", "t", "--owner", "orga_1")
        with start(
            *("invoice", "F1", "--html", "-o", str(path), *addressed),
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        ) as process:
            half_a_file(tmp_path, process)
            process.send_signal(signal.SIGHUP)
            server.send_the_rest()
            assert (process.communicate(timeout=60)[0], process.returncode) == ("", 0)
    assert path.read_bytes() == b"<html/html"


def test_a_file_that_cannot_be_written(clever: Command, number: str, tmp_path: Path) -> None:
    """
    Is named, with the reason.
    """
    path = tmp_path / "nowhere" / "invoice.pdf"
    ran = clever("invoice", number, *OWNER, "--pdf", "-o", str(path))
    assert ran == Ran(1, "", f"clever-v4: cannot write {path}: No such file or directory\n")


def test_an_invoice_that_is_not_there(clever: Command) -> None:
    """
    With the answer of the API.
    """
    for form in ((), ("--html",)):
        ran = clever("invoice", "F20200101-000000", *OWNER, *form)
        assert (ran.code, ran.out) == (1, "")
        assert "HTTP 404 clever.core.not-found: Invoice F20200101-000000 not found" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("invoices", "--unpaid", "--limit", "3"),
        ("invoices", "--since", "everything"),
        ("invoice",),
        ("invoice", "F1", "--html", "--pdf"),
        ("invoice", "F1", "--output", "file"),
        ("invoice", "", "--owner", "Analytical Engines"),
        ("invoice", "..", "--owner", "Analytical Engines"),
    ],
)
def test_a_mistake_is_explained(
    clever: Command, snapshot: SnapshotAssertion, arguments: tuple[str, ...]
) -> None:
    """
    In one line, with where to read more.
    """
    ran = clever(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == snapshot


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("12.5", "12.50 EUR"),
        ("0.001234", "0.001234 EUR"),
        ("1234567", "1,234,567.00 EUR"),
        ("-3.10", "-3.10 EUR"),
        ("1E+3", "1,000.00 EUR"),
    ],
)
def test_money(amount: str, text: str) -> None:
    """
    Two decimals at least, and all that there are.
    """
    assert money(Money(amount=Decimal(amount), currency="EUR")) == text
    assert money(None) is None


def test_few_invoices_are_the_newest(clever: Command) -> None:
    """
    In the order of the whole list; also of those that are to be paid.
    """
    for period in ((), ("--since", "all"), ("--unpaid",)):
        every = clever("invoices", *OWNER, *period, "-F", "json").json
        few = clever("invoices", *OWNER, *period, "--limit", "2", "-F", "json").json
        assert few == sorted(every, key=lambda one: one["emission_date"])[-2:]
        assert clever("invoices", *OWNER, *period, "--limit", "9999", "-F", "json").json == every


def test_an_invoice_is_found_without_its_owner(clever: Command, number: str) -> None:
    """
    Among those of all owners that are visible, as its help says.
    """
    assert clever("invoice", number) == clever("invoice", number, *OWNER)
    ran = clever("invoice", "F20200101-000000")
    assert ran == Ran(
        1,
        "",
        "clever-v4: no invoice 'F20200101-000000' is visible with these credentials; "
        "asked for Ada Lovelace, Analytical Engines\n",
    )
