"""
A subscription as a response of Starlette and FastAPI, which have to be installed.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clever_v4.relay.asgi import Answer
from clever_v4.relay.events import HEADERS

__all__ = ["RelayResponse"]


class RelayResponse(Response):
    """
    What ``relay.response()`` makes; as ``response_class`` it tells FastAPI's OpenAPI the type.

    Its ``headers``, cookies and ``background`` are those of any response.
    """

    media_type = "text/event-stream"

    def __init__(self, answer: Answer, headers: Mapping[str, str], status_code: int = 200) -> None:
        # Not the base's constructor: that renders a body, and gives its length. FastAPI's
        # OpenAPI looks for the default of an argument that is called like this one.
        self.status_code = status_code
        self.background: BackgroundTask | None = None
        self.init_headers({**HEADERS, **headers})
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Send it.
        """
        await self._answer(scope, receive, send, headers=self.raw_headers, status=self.status_code)
        if self.background is not None:
            await self.background()
