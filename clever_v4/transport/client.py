"""
What the API groups ask through: paths, queries and models in; answers, models or errors out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ssl import SSLContext
from typing import Final, TypeVar

import aiohttp
import msgspec
from yarl import URL

from clever_v4.auth import Auth, AuthProvider
from clever_v4.errors import ResponseTooLargeError
from clever_v4.validators import (
    check_flag,
    check_header,
    check_headers,
    check_text,
    check_whole_number,
    shown,
)
from clever_v4.wire.converter import converter
from clever_v4.wire.names import UNSET
from clever_v4.wire.paths import QueryPairs

from .addresses import target
from .bodies import ACCEPTED_CODINGS
from .connections import Connections
from .downloads import Download
from .exchange import USER_AGENT, Exchange, Sending, seconds
from .policies import ResponseInfo, Retry, Timeout
from .responses import (
    DOCUMENT_SHOWN_BYTES,
    Response,
    document_error,
    is_document,
    is_success,
)
from .sender import Sender
from .streams import StreamOpener

__all__ = ["Client"]

T = TypeVar("T")

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_METHODS: Final = _IDEMPOTENT | {"POST", "PATCH"}

# Money leaves as the number that it is, with all its digits.
_encode_json: Final = msgspec.json.Encoder(decimal_format="number").encode


def _check_document(sending: Sending, body: bytes, media_type: str) -> None:
    # No variable of its own for the headers: a traceback shows them.
    if not is_document(sending.status, sending.response_headers, media_type):
        raise document_error(
            sending.status,
            sending.response_headers,
            body[:DOCUMENT_SHOWN_BYTES],
            media_type,
            secrets=sending.secrets,
        )


def _json_body(value: object) -> bytes:
    try:
        return _encode_json(converter.unstructure(value))
    except TypeError as exc:
        raise TypeError(f"json must be plain values or a model, got {shown(value)}: {exc}") from exc


class Client:
    """
    What every API group holds: requests with one session's credentials, retries and errors.

    Belongs to the event loop of its first use.
    """

    def __init__(
        self,
        *,
        auth: Auth | AuthProvider | None = None,
        http: aiohttp.ClientSession | None = None,
        stream_http: aiohttp.ClientSession | None = None,
        base_url: str | URL | None = None,
        retry: Retry | None = None,
        timeout: Timeout | None = None,
        on_response: Callable[[ResponseInfo], None] | None = None,
        allow_insecure_http: bool = False,
        ssl: SSLContext | aiohttp.Fingerprint | bool = True,
        proxy: str | URL | None = None,
        trust_env: bool = False,
        max_connections: int = 100,
        max_streams: int = 10_000,
        max_response_bytes: int = 64 * 1024 * 1024,
        max_header_bytes: int = 8190,
    ) -> None:
        check_whole_number("max_response_bytes", max_response_bytes)
        check_whole_number("max_header_bytes", max_header_bytes)
        self._max_response_bytes = max_response_bytes
        self._connections = Connections(
            http=http,
            stream_http=stream_http,
            max_connections=max_connections,
            max_streams=max_streams,
        )
        self._sender = Sender(
            self._connections,
            auth=auth,
            base_url=base_url,
            retry=retry,
            timeout=timeout,
            on_response=on_response,
            allow_insecure_http=allow_insecure_http,
            ssl=ssl,
            proxy=proxy,
            trust_env=trust_env,
            max_header_bytes=max_header_bytes,
        )
        self._stream_opener = StreamOpener(self._sender)

    @property
    def credentials_source(self) -> str | None:
        """
        Where the credentials were found; None where they were given. A 401 names it.
        """
        return self._sender.credentials_source

    @credentials_source.setter
    def credentials_source(self, source: str) -> None:
        self._sender.credentials_source = source

    # --- life ------------------------------------------------------------------------

    @property
    def base_url(self) -> URL:
        """
        Where requests go.

        Raises:
            SessionClosedError: It follows from credentials that were not yet
                asked for.
        """
        return self._sender.base_url

    @property
    def base_url_known(self) -> bool:
        """
        Whether the base URL is known: it may follow from credentials not yet asked for.
        """
        return self._sender.base_url_known

    @property
    def closed(self) -> bool:
        """
        Whether it was closed.
        """
        return self._connections.closed

    @property
    def open_stream_count(self) -> int:
        """
        How many streams are open or opening.
        """
        return len(self._connections.streams)

    async def open(self) -> None:
        """
        Bind to the running event loop and ask for credentials that are still to be given.
        """
        self._connections.bind()
        await self._sender.current_auth()

    async def close(self) -> None:
        """
        Close what is owned; streams, and requests on owned connections, end with an error. Idempotent.

        Raises:
            DifferentEventLoopError: Called from another event loop.
        """
        await self._connections.close()

    # --- requests ----------------------------------------------------------------------

    async def get(
        self,
        path: Sequence[str],
        type_: type[T],
        *,
        query: QueryPairs = (),
        accept: str = "application/json",
        authenticated: bool = True,
    ) -> T:
        """
        Get a resource as a model.

        Raises:
            APIError: The API refused.
            TransportError: There was no usable answer.
            ResponseFormatError: The answer does not fit the model.
        """
        response = await self.request(
            "GET", path, query=query, accept=accept, authenticated=authenticated
        )
        return response.json(type_)

    async def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        query: QueryPairs = (),
        json: object = UNSET,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        authenticated: bool = True,
    ) -> Response:
        """
        Send a request and read its answer whole.

        Args:
            method: The HTTP method.
            path: Its segments, each percent-encoded here.
            query: Pairs; a list repeats its key.
            json: What to send as the body: a model or plain values. None is
                sent as null, ``UNSET`` sends no body.
            accept: The ``Accept`` header.
            headers: More headers; one of the same name wins.
            idempotent: Whether it may be sent twice, and so be retried. None:
                as the method says (all but POST and PATCH).
            authenticated: Whether to send the credentials.

        Raises:
            APIError: The API refused.
            TransportError: There was no usable answer.
            ValueError: The method or a segment of the path is none.
            TypeError: An argument is of another type.
        """
        check_text("method", method)
        check_header("accept", accept)
        check_flag("authenticated", authenticated)
        if headers is not None:
            check_headers("headers", headers)
        if idempotent is not None:
            check_flag("idempotent", idempotent)
        verb = method.upper()
        if verb not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(sorted(_METHODS))}, got {method!r}")
        sent = {"Accept": accept, "Accept-Encoding": ACCEPTED_CODINGS, "User-Agent": USER_AGENT}
        body = None
        if json is not UNSET:
            body = _json_body(json)
            sent["Content-Type"] = "application/json"
        exchange = Exchange(
            verb, target(path, query), sent, headers, body=body, authenticated=authenticated
        )
        may_retry = verb in _IDEMPOTENT if idempotent is None else idempotent
        return await self._sender.with_retries(
            exchange,
            lambda: self._sender.attempt(exchange, self._send),
            may_retry,
        )

    async def get_document(self, path: Sequence[str], media_type: str) -> Response:
        """
        Get a document that is no JSON, whole in memory.

        Raises:
            APIError: The API refused.
            TransportError: There was no usable answer.
            ResponseFormatError: The answer is of another type.
        """
        sent = {"Accept": media_type, "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        exchange = Exchange("GET", target(path, ()), sent)
        return await self._sender.with_retries(
            exchange,
            lambda: self._sender.attempt(exchange, partial(self._send, document_type=media_type)),
            may_retry=True,
        )

    def download(
        self,
        path: Sequence[str],
        *,
        accept: str,
        query: QueryPairs = (),
    ) -> Download:
        """
        Get a body in pieces, of any size: ``async with client.download(...) as download``.

        Opening it is retried as a request is; reading it is not. An answer of
        another type than *accept* is refused.
        """
        sent = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        return Download(self._sender, Exchange("GET", target(path, query), sent))

    def stream_opener(self) -> StreamOpener:
        """
        Give what opens the connections of a stream.
        """
        return self._stream_opener

    async def _send(
        self, exchange: Exchange, auth: Auth | None, *, document_type: str | None = None
    ) -> Response:
        sender, connections = self._sender, self._connections
        async with connections.slots:
            sending = sender.prepare(exchange, auth)
            with sender.exchanging(sending):
                async with (
                    asyncio.timeout(seconds(sender.timeout.total)),
                    await self._answer(sending),
                ):
                    if not is_success(sending.status):
                        raise await sending.refusal()
                    body = await self._read_all(sending)
                if document_type is not None:
                    _check_document(sending, body, document_type)
        return Response(
            status=sending.status,
            headers=sending.response_headers,
            body=body,
            request_id=sending.request_id,
        )

    async def _answer(self, sending: Sending) -> aiohttp.ClientResponse:
        async with self._sender.opening(sending):
            return await self._sender.send(sending, self._connections.http)

    async def _read_all(self, sending: Sending) -> bytes:
        limit = self._max_response_bytes
        pieces: list[bytes] = []
        size = 0
        body = sending.body_of_answer()
        while piece := await body.read():
            size += len(piece)
            if size > limit:
                raise ResponseTooLargeError(limit_bytes=limit, request_id=sending.request_id)
            pieces.append(piece)
        body.close()
        return b"".join(pieces)
