"""
A chunk is a sequence of entries that knows the cursor for after them.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from clever_v4.streaming.chunk import Chunk


def test_a_chunk_is_a_sequence_with_a_cursor() -> None:
    """
    It is read as a sequence, compared by value, frozen, and its repr shows no entry.
    """
    chunk = Chunk(("secret a", "b", "c"), 3)
    assert isinstance(chunk, Sequence)
    assert (len(chunk), chunk[0], chunk[-1], chunk[1:]) == (3, "secret a", "c", ("b", "c"))
    assert list(chunk) == ["secret a", "b", "c"]
    assert list(reversed(chunk)) == ["c", "b", "secret a"]
    assert "b" in chunk
    assert chunk.cursor == 3
    assert chunk == Chunk(("secret a", "b", "c"), 3)
    assert chunk != Chunk(("secret a", "b", "c"), 4)
    assert repr(chunk) == "<Chunk of 3, cursor 3>"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        chunk.cursor = 4  # type: ignore[misc]  # it is frozen
