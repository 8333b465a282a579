"""
The credentials of one session, and how they are renewed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Final

from clever_v4.auth import Auth, AuthProvider

__all__ = ["Credentials"]

logger: Final = logging.getLogger("clever_v4.credentials")


class Credentials:
    """
    The credentials of a session, and how they are renewed: by one call, however many wait for it.
    """

    def __init__(self, auth: Auth | AuthProvider | None) -> None:
        self._provider: AuthProvider | None = None
        self.known: Auth | None = None
        self._lock = asyncio.Lock()
        self._failure: Exception | None = None
        self.asked_count: int = 0
        """How often fresh ones were asked for."""
        if auth is None:
            return
        given: object = auth
        if isinstance(given, type) or not (isinstance(given, Auth) or callable(given)):
            # The value itself is not shown: it may be the secret.
            kind = given.__name__ if isinstance(given, type) else type(given).__name__
            raise TypeError(
                f"auth must be ApiToken(...), OAuth1(...) or an async callable, got {kind}"
            )
        if isinstance(auth, Auth):
            self.known = auth
        else:
            self._provider = auth

    @property
    def expected(self) -> bool:
        """
        Whether there are credentials, or will be.
        """
        return self.known is not None or self._provider is not None

    @property
    def renewable(self) -> bool:
        """
        Whether fresh ones can be asked for.
        """
        return self._provider is not None

    async def current(self) -> Auth | None:
        """
        Give those in use, asking for the first ones where they were not given.
        """
        if self.known is None and self._provider is not None:
            return await self.renew(self.asked_count)
        return self.known

    async def renew(self, asked_count: int) -> Auth:
        """
        Ask for fresh credentials, unless somebody did meanwhile; then share the outcome.

        Args:
            asked_count: What `asked_count` was when those in use were taken.

        Raises:
            Exception: What the callable raises.
            TypeError: It is not async, or gives no credentials.
        """
        async with self._lock:
            if self.asked_count == asked_count:
                await self._ask()
            elif self._failure is not None:
                # One call failed for all who waited for it; who comes later asks again.
                raise self._failure
        assert self.known is not None  # noqa: S101 -- the type checker cannot see it
        return self.known

    async def _ask(self) -> None:
        assert self._provider is not None  # noqa: S101 -- a fact of the callers above
        try:
            given: object = self._provider()
            if not inspect.isawaitable(given):
                raise TypeError("the auth callable must be async")
            fresh: object = await given
            if not isinstance(fresh, Auth):
                raise TypeError(f"the auth callable must give an Auth, got {type(fresh).__name__}")
        except Exception as error:
            self._failure = error
            self.asked_count += 1
            raise
        # A cancelled call counts for nothing: the next one that waits asks in its place.
        logger.info("credentials %s", "renewed" if self.asked_count else "given")
        self.known, self._failure = fresh, None
        self.asked_count += 1
