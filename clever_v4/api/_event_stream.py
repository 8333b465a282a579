"""
Any event stream of the API, with what a log stream promises as far as its endpoint allows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from yarl import URL

from clever_v4.streaming.stream import EventStream
from clever_v4.streaming.subject import Subject
from clever_v4.transport.client import Client
from clever_v4.validators import check_flag, check_text
from clever_v4.wire.converter import converter
from clever_v4.wire.query import QueryPairs

__all__ = ["open_event_stream"]

T = TypeVar("T")


def open_event_stream(
    client: Client,
    path: Sequence[str],
    query: QueryPairs,
    *,
    event: str,
    model: type[T] | Any,
    is_resumable: bool,
    is_bounded: bool,
    **given: Any,
) -> EventStream[T]:
    """
    Make the stream that ``session.stream()`` documents.
    """
    check_text("event", event)
    check_flag("is_resumable", is_resumable)
    check_flag("is_bounded", is_bounded)
    if not is_resumable and given.get("resume_from") is not None:
        raise ValueError("resume_from needs a stream that is_resumable, got is_resumable=False")
    opener = client.stream_opener()
    opener.url(path, query)  # refuses now what cannot stand in a path
    name = "/" + "/".join(path)

    def url(_limit: int | None, _since: datetime | None) -> URL:
        return opener.url(path, query)

    subject = Subject(
        name=name,
        key="&".join((f"{name}?{event}", *(f"{key}={value}" for key, value in query))),
        labels={"path": name},
        opener=opener,
        url=url,
        event_type=event.encode(),
        read=converter.get_loads_hook(model),
        date_of=_no_date,
        is_live=False,  # it has no moment to begin at: each connection begins as the server likes
        until=None,
        limit=None,
        is_resumable=is_resumable,
        is_bounded=is_bounded,
    )
    return EventStream(subject, **given)


def _no_date(_: object) -> None:
    return None
