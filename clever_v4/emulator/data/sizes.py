"""
The sizes that an instance may have.
"""

from __future__ import annotations

FLAVORS = ("pico", "nano", "XS", "S", "M", "L", "XL", "2XL", "3XL")
"""Their names, smallest first."""


def flavor_members(name: str) -> dict[str, object]:
    """
    A size as v2 answers it.
    """
    number = FLAVORS.index(name)
    return {
        "name": name,
        "mem": 256 << number,
        "cpus": max(number - 1, 1),
        "gpus": 0,
        "price": 0.5 * (number + 1),
        "available": True,
        "microservice": name in {"pico", "nano"},
    }
