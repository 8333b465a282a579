"""
The bytes that all rings of one hub hold together, and which ring gives up some. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Protocol

__all__ = ["MAX_BYTES", "RING_BYTES", "Storage", "Store"]

RING_BYTES: Final = 16 * 2**20
"""How many bytes one ring holds unless told otherwise: of entries of up to 4 KiB, all 4,096."""
MAX_BYTES: Final = 256 * 2**20
"""How many bytes all rings of a hub hold together unless told otherwise."""
_LARGEST_CLASS: Final = 64
"""No ring holds 2 to the power of so many bytes."""


class Store(Protocol):
    """
    Who holds bytes: a ring.

    Attributes:
        is_stuck: Whether it could give up nothing when it was asked last.
    """

    is_stuck: bool

    @property
    def held_bytes(self) -> int:
        """How many it holds."""
        ...

    def give_up_oldest(self) -> bool:
        """Drop the oldest batch, unless somebody must have it; returns whether it did."""
        ...


class Storage:
    """
    How many bytes all stores hold, bounded: where it is too much, those that hold most give up some.

    So a log that writes a lot takes nothing from quiet ones as long as it holds more than they
    do. Stores are kept by size in classes of a factor of two, which makes the choice one of a few
    steps, however many there are: of the largest class, one after another gives up its oldest.

    Args:
        max_bytes: How many bytes are held at most.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes: int = 0
        self._classes: list[OrderedDict[Store, None]] = [
            OrderedDict() for _ in range(_LARGEST_CLASS)
        ]

    def changed(self, store: Store, before: int) -> None:
        """
        Take note that a store holds another number of bytes than *before*, and may give up some.
        """
        held = store.held_bytes
        self.held_bytes += held - before
        was, size_class = before.bit_length(), held.bit_length()
        if was != size_class or store.is_stuck:
            store.is_stuck = False
            self._classes[was].pop(store, None)
            if held:
                self._classes[size_class][store] = None

    def may_give_up(self, store: Store) -> None:
        """
        Take note that what somebody had to have of a store may have been read meanwhile.
        """
        if store.is_stuck:
            self.changed(store, store.held_bytes)

    def make_room(self, size_bytes: int = 0) -> bool:
        """
        Have stores give up bytes until there is room for so many more; returns whether there is.
        """
        while self.held_bytes + size_bytes > self.max_bytes:
            largest = next((stores for stores in reversed(self._classes) if stores), None)
            if largest is None:
                return False
            store = next(iter(largest))
            largest.move_to_end(store)
            if not store.give_up_oldest():
                largest.pop(store, None)
                store.is_stuck = True
        return True
