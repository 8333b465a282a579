"""
One resource by its id, also where the answer is an array around it.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence
from types import GenericAlias
from typing import TypeVar, cast

from clever_v4.errors import ResponseFormatError

from .client import Client
from .converter import decode
from .query import QueryPairs
from .responses import Response

T = TypeVar("T")


async def get_one(
    client: Client, path: Sequence[str], type_: type[T], *, query: QueryPairs = ()
) -> T:
    """
    Get one resource.

    Raises:
        APIError: The API refused.
        TransportError: There was no usable answer.
        ResponseFormatError: The answer is neither the resource nor an array of one.
    """
    return read_one(type_, await client.request("GET", path, query=query))


def read_one(type_: type[T], response: Response) -> T:
    """
    Read one resource from an answer.

    The server's own OpenAPI description says that these endpoints answer an
    array; the official client takes an object. Both are read.

    Raises:
        ResponseFormatError: The answer is neither the resource nor an array of one.
    """
    body = response.body
    if not body.removeprefix(BOM_UTF8).lstrip(b" \t\r\n").startswith(b"["):
        return decode(type_, body, request_id=response.request_id)
    array = cast("type[list[T]]", GenericAlias(list, (type_,)))
    found = decode(array, body, request_id=response.request_id)
    if len(found) != 1:
        raise ResponseFormatError(
            f"expected one {type_.__name__}, got an array of {len(found):,}",
            paths=("$",),
            request_id=response.request_id,
        )
    return found[0]
