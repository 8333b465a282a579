"""
A bare HTTP client of the emulator, which parses events in the plainest way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import attrs

from clever_v4.emulator import Application, Emulator

PAST = "2001-01-01T00:00:00.000Z"
FAST = {"throttleElements": "1000000", "throttlePerInMilliseconds": "1"}


@attrs.frozen
class Event:
    """
    One event as it came.
    """

    id: str
    event: str
    data: str


@attrs.define
class Reader:
    """
    A bare client.
    """

    emulator: Emulator
    http: aiohttp.ClientSession

    def path(self, application: Application) -> str:
        """
        The path of an application's log stream.
        """
        return f"/v4/logs/organisations/{application.owner_id}/applications/{application.id}/logs"

    async def get(
        self, path: str, query: Any = (), headers: Mapping[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        """
        The response, with its head only.
        """
        auth = {"Authorization": f"Bearer {self.emulator.token}"}
        return await self.http.get(
            self.emulator.url + path, params=query, headers=auth | dict(headers or {})
        )

    async def events(
        self,
        path: str,
        query: Any = (),
        headers: Mapping[str, str] | None = None,
        *,
        most: int | None = None,
    ) -> list[Event]:
        """
        The events up to the end of the stream, or so many of them.
        """
        events: list[Event] = []
        async with await self.get(path, query, headers) as response:
            assert response.status == 200, await response.text()
            text = b""
            async for chunk in response.content.iter_any():
                text += chunk
                *whole, text = text.split(b"\n\n")
                events += map(event_of, whole)
                if most is not None and len(events) >= most:
                    break
        return events

    async def body(self, application: Application, query: Any = ()) -> tuple[bytes, bool]:
        """
        The body of a stream of the whole history as far as it comes, and whether it ended in
        good order.
        """
        asked = {"since": PAST, "until": "2101-01-01T00:00:00Z", **FAST, **dict(query)}
        body = b""
        async with await self.get(self.path(application), asked) as response:
            assert response.status == 200, await response.text()
            try:
                async for chunk in response.content.iter_any():
                    body += chunk
            except aiohttp.ClientError:
                return body, False
        return body, True


def event_of(frame: bytes) -> Event:
    """
    One event from its lines.
    """
    fields = dict(line.split(":", 1) for line in frame.decode().split("\n"))
    return Event(fields.get("id", ""), fields.get("event", ""), fields.get("data", ""))


def date_of(entry: Mapping[str, object]) -> str:
    """
    The date of an entry as a query may say it.
    """
    return str(entry["date"]).removesuffix("[UTC]")


async def whole(reader: Reader, application: Application) -> bytes:
    """
    The body of the whole history, without any fault.
    """
    body, in_order = await reader.body(application, {"limit": "100"})
    assert in_order
    return body
