"""
A chunk is a sequence of entries that knows the cursor for after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from clever_v4.streaming.chunk import Chunk, check_count, check_wait


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


@pytest.mark.parametrize(
    ("check", "value", "error", "text"),
    [
        (check_count, 0, ValueError, "size must be at least 1, got 0"),
        (check_count, -1, ValueError, "size must be at least 1, got -1"),
        (check_count, True, TypeError, "size must be an int, got True"),
        (check_count, 1.5, TypeError, "size must be an int, got 1.5"),
        (check_count, None, TypeError, "size must be an int, got None"),
        (check_wait, 1, TypeError, "size must be a timedelta, got 1"),
        (check_wait, None, TypeError, "size must be a timedelta, got None"),
        (check_wait, timedelta(), ValueError, "size must be positive, got datetime.timedelta(0)"),
        (check_wait, timedelta(-1), ValueError, "size must be positive"),
    ],
)
def test_what_asks_for_chunks_is_checked(
    check: Any, value: Any, error: type[Exception], text: str
) -> None:
    """
    A size that is no count and a wait that is no positive duration are refused by name and value.
    """
    with pytest.raises(error) as caught:
        check("size", value)
    assert text in str(caught.value)


def test_what_is_checked_is_given_back() -> None:
    """
    A right size comes back as it is, a right wait in seconds.
    """
    assert check_count("size", 500) == 500
    assert check_wait("wait", timedelta(milliseconds=1500)) == 1.5
