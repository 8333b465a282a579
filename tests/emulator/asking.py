"""
A bare client of the emulator's plain endpoints.
"""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import attrs

from clever_v4.emulator import Emulator

ALWAYS = {"since": "2010-08-01T00:00:00.000Z"}


@attrs.frozen
class Answer:
    """
    What came back.
    """

    status: int
    content_type: str
    body: bytes
    sozu_id: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def field(self) -> tuple[str, str]:
        """
        The member that a 400 names, and what is said of it.
        """
        context = self.json["context"]
        inner = context.get("OVDErrorFieldContext", context)
        return inner["fieldName"], inner["fieldValue"]


@attrs.frozen
class Asker:
    """
    Asks with the emulator's API token.
    """

    emulator: Emulator

    async def __call__(
        self, path: str, query: Any = (), *, method: str = "GET", body: object = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self.emulator.token}"}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, self.emulator.url + path, params=query, data=data) as response,
        ):
            return Answer(
                response.status,
                response.content_type,
                await response.read(),
                response.headers["Sozu-Id"],
            )
