"""
Async generators that are classes: no frame is ever suspended inside an open connection.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

__all__ = ["Closable", "ClosableGenerator", "View"]

T_co = TypeVar("T_co", covariant=True)


class Closable(Protocol):
    """
    Whatever is closed in this library.
    """

    @property
    def is_open(self) -> bool:
        """Whether it was neither closed nor came to its end."""
        ...

    async def aclose(self) -> None:
        """Close it; idempotent."""
        ...


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

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """
        Whether more may come: it was neither closed nor came to its end.
        """

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
    A stream or subscription seen in another way (batches, raw events); closing it closes that.

    Its makers give it what it is a view of, and what gives the next item.
    """

    __slots__ = ("_fetch", "_viewed")

    def __init__(self, viewed: Closable, fetch: Callable[[], Coroutine[Any, Any, T_co]]) -> None:
        self._viewed = viewed
        self._fetch = fetch

    def __anext__(self) -> Coroutine[Any, Any, T_co]:
        return self._fetch()

    @property
    def is_open(self) -> bool:
        """
        Whether what this is a view of is open.
        """
        return self._viewed.is_open

    async def aclose(self) -> None:
        """
        Close what this is a view of.
        """
        await self._viewed.aclose()
