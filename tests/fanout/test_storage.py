"""
The bytes of all rings together, and which of them gives up some.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clever_v4.fanout.storage import Storage

MOST = 100


class Store:
    """
    Pieces of so many bytes, the first *pinned* of which somebody must have.
    """

    is_stuck = False

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.pieces: list[int] = []
        self.pinned = False
        self.given: list[int] = []

    @property
    def held_bytes(self) -> int:
        return sum(self.pieces)

    def give_up_oldest(self) -> bool:
        if self.pinned or not self.pieces:
            return False
        before = self.held_bytes
        self.given.append(self.pieces.pop(0))
        self.storage.changed(self, before)
        return True

    def add(self, size_bytes: int) -> None:
        before = self.held_bytes
        self.pieces.append(size_bytes)
        self.storage.changed(self, before)


def stores_of(count: int) -> tuple[Storage, list[Store]]:
    storage = Storage(MOST)
    return storage, [Store(storage) for _ in range(count)]


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.integers(0, 4), st.integers(0, 60)),
            st.tuples(st.integers(0, 4), st.booleans()),
        ),
        max_size=60,
    )
)
def test_the_bound_holds_unless_nobody_can_give_up_more(steps: list[tuple[int, int]]) -> None:
    """
    Whatever is held, given up and kept, the sum is right, and room is refused to nobody in vain.
    """
    storage, stores = stores_of(5)
    for which, what in steps:
        store = stores[which]
        if isinstance(what, bool):
            store.pinned = what
            storage.may_give_up(store)
        else:
            store.add(what)
            has_room = storage.make_room()
            assert has_room == (storage.held_bytes <= MOST)
            assert has_room or all(one.pinned or not one.held_bytes for one in stores)
        assert storage.held_bytes == sum(one.held_bytes for one in stores)


def test_those_that_hold_most_give_up_in_turn() -> None:
    """
    Stores of about the same size give up one after another, and small ones nothing.
    """
    storage, (large, other, small) = stores_of(3)
    for _ in range(10):
        large.add(4)
        other.add(4)
    small.add(20)
    assert storage.make_room()
    for _ in range(4):
        small.storage.max_bytes -= 4
        assert storage.make_room()
    assert (len(large.given), len(other.given), small.given) == (2, 2, [])


def test_who_holds_less_than_it_did_is_not_asked_for_what_it_held() -> None:
    """
    A store that dropped most of what it held counts as small from then on.
    """
    storage, (shrunk, large) = stores_of(2)
    for size_bytes in (60, 5, 5):
        shrunk.add(size_bytes)
    before = shrunk.held_bytes
    shrunk.pieces.pop(0)
    storage.changed(shrunk, before)
    for _ in range(10):
        large.add(10)
    assert storage.make_room()
    assert (shrunk.given, large.given) == ([], [10])


def test_who_can_give_up_nothing_is_asked_again_when_that_changed() -> None:
    """
    What somebody had to have and has read meanwhile makes room.
    """
    storage, (store, other) = stores_of(2)
    store.pinned = True
    store.add(90)
    other.add(60)
    assert storage.make_room()  # by the other
    store.add(20)
    assert not storage.make_room()
    store.pinned = False
    assert not storage.make_room()  # it is not asked in vain, over and over
    storage.may_give_up(store)
    assert storage.make_room(80)
    assert store.pieces == [20]
