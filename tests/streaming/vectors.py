"""
The conformance vectors as parameters of tests.
"""

from __future__ import annotations

import pytest

from tests.corpus.vectors import Vector, read

__all__ = ["VECTORS", "Vector"]

VECTORS = [
    pytest.param(vector, id=vector.name)
    for name in ("decoder", "standard")
    for vector in read(name)
]
