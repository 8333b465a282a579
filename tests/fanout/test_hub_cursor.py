"""
Cursors of a hub as text.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.fanout.hub_cursor import HubCursor

numbers = st.integers(0, 10**15)


@given(
    hub=st.text("0123456789abcdef", min_size=1, max_size=8),
    through=numbers,
    ahead=st.lists(st.tuples(numbers, numbers), max_size=5),
)
def test_text_and_back(hub: str, through: int, ahead: list[tuple[int, int]]) -> None:
    """
    What is written as text reads back equal, and fits an HTTP header.
    """
    cursor = HubCursor(hub, through, tuple(ahead))
    text = str(cursor)
    assert HubCursor.parse(text) == cursor
    assert text.isascii()
    assert " " not in text


@given(st.text(max_size=40))
def test_anything_else_is_a_value_error(text: str) -> None:
    """
    Text from outside is a cursor or a ValueError, nothing else.
    """
    try:
        assert isinstance(HubCursor.parse(text), HubCursor)
    except ValueError as error:
        assert str(error).startswith("text must")  # noqa: PT017  -- either outcome is right


def test_numbers_with_leading_zeros_or_other_digits() -> None:
    """
    Digits of other alphabets are not digits here.
    """
    with pytest.raises(ValueError, match="text must be"):
        HubCursor.parse("ab.१२")


def test_a_ring_that_is_ahead_has_its_own_number() -> None:
    """
    A merged subscription may have read one ring further than all.
    """
    cursor = HubCursor.parse("ab.10~3.25~4.5")
    assert [cursor.for_ring(ring) for ring in (1, 3, 4)] == [10, 25, 10]
