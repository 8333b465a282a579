"""
The credentials of one session, and how they are renewed.
"""

from __future__ import annotations

import asyncio

from clever_v4.auth import Auth, AuthProvider

__all__ = ["Credentials"]


class Credentials:
    """
    The credentials of a session, and how they are renewed: by one call, however many wait for it.
    """

    def __init__(self, auth: Auth | AuthProvider | None) -> None:
        self._provider: AuthProvider | None = None
        self.known: Auth | None = None
        self._lock = asyncio.Lock()
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
            return await self.renew(None)
        return self.known

    async def renew(self, refused: Auth | None) -> Auth:
        """
        Ask for fresh credentials, unless somebody did since *refused* was in use.
        """
        assert self._provider is not None  # noqa: S101 -- a fact of the callers above
        async with self._lock:
            if self.known is None or self.known is refused:
                fresh: object = await self._provider()
                if not isinstance(fresh, Auth):
                    raise TypeError(
                        f"the auth callable must give an Auth, got {type(fresh).__name__}"
                    )
                self.known = fresh
            return self.known
