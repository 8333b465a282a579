"""
A session on a small server, which retries without waiting.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clever_v4.auth import ApiToken
from clever_v4.session import Session
from clever_v4.transport.policies import Retry
from tests.serving import Server

PROMPT = Retry(
    attempts=3, wait_initial=timedelta(0), wait_max=timedelta(0), wait_jitter=timedelta(0)
)


def session(server: Server, **options: Any) -> Session:
    auth = options.pop("auth", ApiToken("the-token"))
    return Session(auth, base_url=server.url, **{"retry": PROMPT, **options})
