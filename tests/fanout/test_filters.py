"""
Ready-made predicates over any entries.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from clever_v4.fanout.filters import AllOf, AnyOf, AtMost, Contains, Matches, Not, OneOf


def entry(**members: object) -> SimpleNamespace:
    return SimpleNamespace(**members)


def test_predicates_read_one_attribute() -> None:
    """
    Each accepts by the value of its attribute; None is accepted by none of them.
    """
    assert OneOf("kind", ["x", "y"])(entry(kind="y"))
    assert not OneOf("kind", ["x", "y"])(entry(kind=None))
    assert AtMost("priority", 4)(entry(priority=4))
    assert not AtMost("priority", 4)(entry(priority=5))
    assert not AtMost("priority", 4)(entry(priority=None))
    assert Contains("message", "STRASSE")(entry(message="die Straße"))
    assert not Contains("message", "x")(entry(message=None))
    assert Matches("message", r"\d{3}$")(entry(message="code 500"))
    assert not Matches("message", r"\d")(entry(message=None))
    assert OneOf("http.status", [200])(entry(http=entry(status=200)))


def test_predicates_combine() -> None:
    """
    And, or and not, also with plain functions.
    """
    small, even = AtMost("n", 4), OneOf("n", [0, 2, 4, 6])
    numbers = [entry(n=n) for n in range(8)]
    assert [one.n for one in numbers if (small & even)(one)] == [0, 2, 4]
    assert [one.n for one in numbers if (small | even)(one)] == [0, 1, 2, 3, 4, 6]
    assert [one.n for one in numbers if (~small)(one)] == [5, 6, 7]
    assert [one.n for one in numbers if (small & (lambda e: e.n > 3))(one)] == [4]
    assert isinstance(small & even, AllOf)
    assert isinstance(small | even, AnyOf)
    assert isinstance(~small, Not)


def test_predicates_made_alike_are_equal() -> None:
    """
    That is what lets many subscribers share one evaluation.
    """
    one = Contains("message", "x") & OneOf("kind", ["a", "b"]) & ~Matches("message", "y")
    other = Contains("message", "x") & OneOf("kind", ("b", "a")) & ~Matches("message", "y")
    assert one == other
    assert hash(one) == hash(other)
    assert one != Contains("message", "x")


def test_predicates_that_cannot_be_meant_are_refused() -> None:
    """
    The message names the argument and the value.
    """
    with pytest.raises(ValueError, match="text must not be empty, got ''"):
        Contains("message", "")
    with pytest.raises(
        ValueError, match=re.escape("pattern must be a regular expression, got '('")
    ):
        Matches("message", "(")
    with pytest.raises(TypeError, match="values must be several, got 'abc'"):
        OneOf("kind", "abc")
    with pytest.raises(ValueError, match="attribute must name an attribute, got 'a b'"):
        OneOf("a b", ["x"])
    with pytest.raises(TypeError, match="each of predicates must be a function, got 3"):
        AllOf([3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="predicate must be a function, got 3"):
        Not(3)  # type: ignore[arg-type]
