"""
Conformance vectors: byte streams, and what a conforming reader dispatches for them.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from .oracle import Dispatched

__all__ = ["VECTORS", "chunks_of", "expected_of"]

TESTS = Path(__file__).parents[1]
CORPUS = TESTS / "corpus" / "decoder.json"
SHARED = TESTS.parents[1] / "shared" / "sse" / "vectors.json"
"""More of them, where the project stands beside them."""


def _load() -> list[Any]:
    vectors = json.loads(CORPUS.read_text())
    if SHARED.exists():
        vectors += json.loads(SHARED.read_text())
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


VECTORS = _load()


def chunks_of(vector: dict[str, Any]) -> list[bytes]:
    """
    Give the reads of a vector.
    """
    chunks: list[bytes] = []
    for chunk in vector["chunks"]:
        text, times = chunk if isinstance(chunk, list) else (chunk, 1)
        chunks += [base64.b64decode(text)] * times
    return chunks


def expected_of(vector: dict[str, Any]) -> list[Dispatched]:
    """
    Give what is dispatched: type, data and last event id.
    """
    return [(one["type"], _data(one["data"]), one["id"]) for one in vector["expected"]]


def _data(expected: Any) -> str:
    if isinstance(expected, dict):
        return "".join(text * times for text, times in expected["repeat"])
    return str(expected)
