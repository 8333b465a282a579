"""
Conformance vectors: byte streams, and what a conforming reader dispatches for them.

``README.md`` says how they are written down.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

__all__ = ["Dispatched", "Vector", "read"]

HERE = Path(__file__).parent

Dispatched = tuple[str, str, str]
"""An event: type, data and last event id."""


@attrs.frozen
class Vector:
    """
    A stream's bytes, read by read, and its events.
    """

    name: str
    base: str
    """The vector that it feeds in other pieces; its own name otherwise."""
    group: str
    source: str
    content_type: str
    chunks: list[Any] = attrs.field(repr=False)
    expected: list[Any] = attrs.field(repr=False)
    expected_retry: int | str | None

    @property
    def reads(self) -> list[bytes]:
        """
        What arrives, read by read.
        """
        return [_text(chunk).encode("latin-1") for chunk in _each(self.chunks)]

    @property
    def events(self) -> list[Dispatched]:
        """
        What is dispatched.
        """
        return [
            (event["type"], _text(event["data"]), event["id"]) for event in _each(self.expected)
        ]


def read(name: str) -> list[Vector]:
    """
    Read the vectors of one file of this folder.

    Args:
        name: ``"standard"`` or ``"decoder"``.
    """
    lines = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Vector(**json.loads(line)) for line in lines]


def _each(items: list[Any]) -> list[Any]:
    every: list[Any] = []
    for item in items:
        one, times = item if isinstance(item, list) else (item, 1)
        every += [one] * times
    return every


def _text(text: Any) -> str:
    if isinstance(text, str):
        return text
    return "".join(_text(part) * times for part, times in text["repeat"])
