"""
What most endpoints give: a list of resources, or one by its id.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence
from types import GenericAlias
from typing import TypeVar, cast

from clever_v4.errors import NotFoundError, ResponseFormatError
from clever_v4.validators import check_flag
from clever_v4.wire.paths import QueryPairs

from .client import Client
from .responses import Response

T = TypeVar("T")


async def get_list(
    client: Client,
    path: Sequence[str],
    type_: type[T],
    *,
    query: QueryPairs = (),
    missing_ok: bool = True,
) -> list[T]:
    """
    Get a list of resources, empty where the server answers 404.

    For the lists for which the official client does so
    (CleverCloud/clever-client.js, ``getEmptyResponsePolicy``).

    Args:
        client: Who asks.
        path: The segments of the path.
        type_: The model of one resource.
        query: Which ones.
        missing_ok: False: a 404 is raised. The API answers it for a mistyped
            id and for one that has none of these alike.

    Raises:
        NotFoundError: The server answers 404, and *missing_ok* is False.
        APIError: The API refused.
        TransportError: There was no usable answer.
        ResponseFormatError: The answer is not a list of the resource.
        TypeError: *missing_ok* is neither True nor False.
    """
    check_flag("missing_ok", missing_ok)
    try:
        return await client.get(path, _list_of(type_), query=query)
    except NotFoundError:
        if not missing_ok:
            raise
        return []


def _list_of(type_: type[T]) -> type[list[T]]:
    return cast("type[list[T]]", GenericAlias(list, (type_,)))


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
        return response.json(type_)
    found = response.json(_list_of(type_))
    if len(found) != 1:
        raise ResponseFormatError(
            f"expected one {type_.__name__}, got an array of {len(found):,}",
            paths=("$",),
            request_id=response.request_id,
        )
    return found[0]
