"""
``session.invoices``: the invoices of an organisation or user.
"""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator
from pathlib import Path

from clever_v4.transport.client import Client
from clever_v4.transport.resources import get_list, get_one
from clever_v4.validators import check_callback
from clever_v4.wire.ids import IdKind, check_id
from clever_v4.wire.paths import check_path_segment
from clever_v4.wire.query import pairs_of

from .files import Destination, PathSink, Progress, checked_destination, save, write_all
from .models import Invoice, InvoiceSummary
from .queries import InvoiceQuery


class Invoices:
    """
    ``session.invoices``: the invoices of an organisation or user.

    Every coroutine may raise these; each tells only what is special to it.

    Raises:
        ValueError: An id cannot stand in a path, or is known to be of another kind.
        TypeError: An argument is of another type.
        APIError: The API refused.
        TransportError: There was no usable answer.
        ResponseFormatError: The answer does not fit its model.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list(
        self, owner_id: str, query: InvoiceQuery | None = None, *, missing_ok: bool = True
    ) -> builtins.list[InvoiceSummary]:
        """
        List invoices and credit notes, without their consumption lines.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            query: Which ones. None: those of the server's default window;
                ``InvoiceQuery(since=ALL)`` asks for all.
            missing_ok: Whether a 404 gives an empty list. The API answers it for
                a mistyped id and for one that has none alike; False raises it.

        Returns:
            In the server's order, which is not documented. Empty also where
            the server answers 404, as the official client has it.

        Raises:
            NotFoundError: The server answers 404, and *missing_ok* is False.

        Source: ``GET /v4/billing/organisations/{ownerId}/invoices``; for the
        default window: CleverCloud/clever-components (src/lib/api-helpers.js)
        and CleverCloud/clever-client.js (list-invoice-command.ts).
        """
        pairs = pairs_of(query, InvoiceQuery)
        return await get_list(
            self._client, _path(owner_id), InvoiceSummary, query=pairs, missing_ok=missing_ok
        )

    async def list_unpaid(
        self, owner_id: str, *, missing_ok: bool = True
    ) -> builtins.list[InvoiceSummary]:
        """
        List the invoices that are still to be paid.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            missing_ok: Whether a 404 gives an empty list. The API answers it for
                a mistyped id and for one that has none alike; False raises it.

        Returns:
            Empty also where the server answers 404.

        Raises:
            NotFoundError: The server answers 404, and *missing_ok* is False.

        Source: ``GET /v4/billing/organisations/{ownerId}/invoices/unpaid``,
        not in the reference (CleverCloud/clever-client.js,
        list-unpaid-invoice-command.ts).
        """
        path = (*_path(owner_id), "unpaid")
        return await get_list(self._client, path, InvoiceSummary, missing_ok=missing_ok)

    async def get(self, owner_id: str, invoice_number: str) -> Invoice:
        """
        Get one invoice with its consumption lines.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            invoice_number: Such as ``F20250602-015972``.

        Raises:
            ValueError: An argument cannot stand in a path.
            NotFoundError: There is no such invoice.

        Source: ``GET /v4/billing/organisations/{ownerId}/invoices/{number}``;
        for its shape, which is not the list's: CleverCloud/clever-client.js
        (invoice-transform.ts).
        """
        return await get_one(self._client, _path_of_one(owner_id, invoice_number), Invoice)

    async def get_html(self, owner_id: str, invoice_number: str) -> str:
        """
        Get an invoice as a page of HTML.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            invoice_number: Such as ``F20250602-015972``.

        Raises:
            ValueError: An argument cannot stand in a path.
            NotFoundError: There is no such invoice.
            ResponseFormatError: It is another kind of document.

        Source: ``GET /v4/billing/organisations/{ownerId}/invoices/{number}.html``.
        """
        path = _path_of_one(owner_id, invoice_number, ".html")
        return (await self._client.get_document(path, "text/html")).text

    async def get_pdf(self, owner_id: str, invoice_number: str) -> bytes:
        """
        Get an invoice as a PDF, whole in memory; see `download_pdf`.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            invoice_number: Such as ``F20250602-015972``.

        Raises:
            ValueError: An argument cannot stand in a path.
            NotFoundError: There is no such invoice.
            ResponseFormatError: It is another kind of document.

        Source: ``GET /v4/billing/organisations/{ownerId}/invoices/{number}.pdf``.
        """
        path = _path_of_one(owner_id, invoice_number, ".pdf")
        return (await self._client.get_document(path, "application/pdf")).body

    async def download_html(
        self,
        owner_id: str,
        invoice_number: str,
        destination: Destination,
        *,
        on_progress: Progress | None = None,
    ) -> int:
        """
        Write an invoice as HTML to a file, in pieces as they arrive.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            invoice_number: Such as ``F20250602-015972``.
            destination: As for `download_pdf`.
            on_progress: As for `download_pdf`.

        Returns:
            The size in bytes.

        Raises:
            ValueError: An argument cannot stand in a path, or the destination
                names no file.
            TypeError: The destination is neither a path nor opened for bytes, or
                *on_progress* is no function.
            NotFoundError: There is no such invoice.
            TransportError: There was no usable answer, or its end did not come.
            ResponseFormatError: It is another kind of document; nothing is written.
            OSError: The file cannot be written.

        Source: ``GET /v4/billing/organisations/{ownerId}/invoices/{number}.html``.
        """
        path = _path_of_one(owner_id, invoice_number, ".html")
        return await self._download(path, "text/html", destination, on_progress)

    async def download_pdf(
        self,
        owner_id: str,
        invoice_number: str,
        destination: Destination,
        *,
        on_progress: Progress | None = None,
    ) -> int:
        """
        Write an invoice as a PDF to a file, in pieces as they arrive.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            invoice_number: Such as ``F20250602-015972``.
            destination: A path: the file appears there when it is complete,
                replacing one of that name; until then it has a temporary name
                in the same directory, and a broken download leaves nothing.
                (A pipe or device is written to as it is.)
                Or a file object opened for bytes, which is written to as the
                pieces arrive and left open; after a failure it holds what had
                arrived. Either is written to in a thread, which nothing stops:
                after a cancellation, the write of a piece that was under way
                may still come to its end in the file object.
            on_progress: Called after each piece with the bytes written and the
                size of the whole (None when the server does not say).

        Returns:
            The size in bytes.

        Raises:
            ValueError: An argument cannot stand in a path, or the destination
                names no file.
            TypeError: The destination is neither a path nor opened for bytes, or
                *on_progress* is no function.
            NotFoundError: There is no such invoice.
            TransportError: There was no usable answer, or its end did not come.
            ResponseFormatError: It is another kind of document; nothing is written.
            OSError: The file cannot be written.

        Source: ``GET /v4/billing/organisations/{ownerId}/invoices/{number}.pdf``.
        """
        path = _path_of_one(owner_id, invoice_number, ".pdf")
        return await self._download(path, "application/pdf", destination, on_progress)

    async def _download(
        self,
        path: tuple[str, ...],
        accept: str,
        destination: Destination,
        on_progress: Progress | None,
    ) -> int:
        target = checked_destination(destination)
        if on_progress is not None:
            check_callback("on_progress", on_progress)
        async with self._client.download(path, accept=accept) as download:
            pieces = _Counted(download.chunks(), download.content_length, on_progress)
            if isinstance(target, Path):
                await save(pieces, PathSink(target))
            else:
                async for piece in pieces:
                    await write_all(target, piece)
        return pieces.count


class _Counted(AsyncIterator[bytes]):
    """
    Pieces on their way, counted; a piece is told of when it has been written.
    """

    def __init__(
        self, pieces: AsyncIterator[bytes], size: int | None, on_progress: Progress | None
    ) -> None:
        self._pieces = pieces
        self._size = size
        self._on_progress = on_progress
        self._told = 0
        self.count = 0

    async def __anext__(self) -> bytes:
        # Whoever asks for the next piece has written the one before.
        if self._on_progress is not None and self.count > self._told:
            self._told = self.count
            self._on_progress(self.count, self._size)
        piece = await anext(self._pieces)
        self.count += len(piece)
        return piece


def _path(owner_id: str) -> tuple[str, ...]:
    check_id("owner_id", owner_id, IdKind.OWNER)
    return ("v4", "billing", "organisations", owner_id, "invoices")


def _path_of_one(owner_id: str, invoice_number: str, suffix: str = "") -> tuple[str, ...]:
    return (*_path(owner_id), check_path_segment("invoice_number", invoice_number) + suffix)
