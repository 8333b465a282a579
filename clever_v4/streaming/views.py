"""
Async generators that are classes: no frame is ever suspended inside an open connection.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

__all__ = ["ClosableGenerator", "View"]

T_co = TypeVar("T_co", covariant=True)


class ClosableGenerator(AsyncGenerator[T_co, None]):
    """
    What a stream and its views share: an async generator that is a context manager too.
    """

    __slots__ = ()

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    @abstractmethod
    async def aclose(self) -> None:
        """
        Close it; idempotent, and allowed while another task waits for an item.
        """

    async def asend(self, value: None) -> T_co:  # noqa: ARG002 -- the shape of a generator
        """
        Give the next item; there is nothing to send.
        """
        return await self.__anext__()

    async def athrow(self, typ: Any, val: Any = None, tb: TracebackType | None = None, /) -> T_co:  # noqa: ARG002 -- the shape of a generator
        """
        Close the stream and raise.
        """
        await self.aclose()
        if isinstance(typ, BaseException):
            raise typ
        raise val if isinstance(val, BaseException) else typ() if val is None else typ(val)


class View(ClosableGenerator[T_co]):
    """
    A stream seen in another way (batches, raw events); closing it closes the stream.
    """

    __slots__ = ("_close", "_fetch")

    def __init__(
        self, fetch: Callable[[], Awaitable[T_co]], close: Callable[[], Awaitable[None]]
    ) -> None:
        self._fetch = fetch
        self._close = close

    async def __anext__(self) -> T_co:
        return await self._fetch()

    async def aclose(self) -> None:
        """
        Close the stream that this is a view of.
        """
        await self._close()
