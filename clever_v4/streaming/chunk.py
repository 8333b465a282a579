"""
Entries with the cursor for after them: what a loop writes in one transaction; pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar, overload

import attrs

__all__ = ["Chunk", "Given"]

T_co = TypeVar("T_co", covariant=True)
C_co = TypeVar("C_co", covariant=True)


class Given(NamedTuple):
    """
    What a stream gave last, for whoever makes cursors of its own.

    Attributes:
        ids: The own id of each entry, empty where it came without.
        count_before: The ``entry_count`` of the stream's cursor before them.
    """

    ids: Sequence[bytes]
    count_before: int


@attrs.frozen(repr=False)
class Chunk(Sequence[T_co], Generic[T_co, C_co]):
    """
    Some entries in their order, and `cursor`, where a consumer is when it has finished with them.

    Store both together, in one transaction, and each entry is stored once
    whatever happens to the process: whoever starts again goes on from the
    cursor that was stored last.

    ```python
    async for chunk in stream.chunks(size=500, wait=timedelta(seconds=1)):
        await store(chunk, str(chunk.cursor))
    ```

    Attributes:
        entries: The entries; at least one. The chunk is a sequence of them.
        cursor: The cursor *after* them. The ``cursor`` of what gave the chunk
            is the one *before* it until the next chunk is asked for.
    """

    entries: tuple[T_co, ...]
    cursor: C_co

    @overload
    def __getitem__(self, index: int, /) -> T_co: ...

    @overload
    def __getitem__(self, index: slice, /) -> tuple[T_co, ...]: ...

    def __getitem__(self, index: int | slice, /) -> T_co | tuple[T_co, ...]:
        return self.entries[index]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.entries)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.entries)}, cursor {self.cursor!r}>"
