"""
What arguments are checked with: what passes, and the one wording of what does not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import partial, wraps
from typing import Any

import attrs
import pytest

from clever_v4 import validators
from clever_v4.validators import (
    check_callback,
    check_choice,
    check_duration,
    check_flag,
    check_hashable,
    check_header,
    check_headers,
    check_instance,
    check_keys,
    check_method,
    check_names,
    check_number,
    check_secret,
    check_text,
    check_text_mapping,
    check_whole_number,
)

Check = Callable[..., None]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Called:
    def __call__(self) -> None: ...


class Awaited:
    async def __call__(self) -> None: ...

    async def method(self) -> None: ...


async def coroutine_function(*_: object) -> None: ...


async def async_generator(*_: object) -> Any:
    yield


@wraps(coroutine_function)
def plain_but_wraps_one(*_: object) -> None: ...


ACCEPTED: list[tuple[Check, object, dict[str, Any]]] = [
    (check_whole_number, 1, {}),
    (check_whole_number, 0, {"at_least": 0}),
    (check_whole_number, 5, {"at_most": 5}),
    (check_number, -0.5, {}),
    (check_number, 1, {"at_least": 1}),
    (check_number, 0.1, {"more_than": 0}),
    (check_duration, timedelta(microseconds=1), {}),
    (check_duration, timedelta(0), {"or_zero": True}),
    (check_callback, print, {}),
    (check_callback, Called(), {}),
    (check_callback, Called, {}),
    (check_callback, Awaited, {}),
    (check_callback, partial(print, 1), {}),
    (check_callback, plain_but_wraps_one, {}),
    (check_text, "a", {}),
    (check_text, "", {"or_empty": True}),
    (check_choice, "blue", {"kind": Colour}),
    (check_choice, Colour.RED, {"kind": Colour}),
    (check_flag, False, {}),
    (check_hashable, (), {}),
    (check_instance, "a", {"kind": str}),
    (check_instance, None, {"kind": (str, type(None))}),
    (check_keys, {1, "b", None}, {}),
    (check_names, ("a", "b"), {}),
    (check_names, {"a"}, {}),
    (check_names, [], {}),
    (check_whole_number, -(10**30), {"at_least": None}),
    (check_choice, "line", {"kind": ("line", "chunk")}),
    (check_secret, "a-b_c.d=", {}),
    (check_header, "", {}),
    (check_header, "text/html; q=0.5", {}),
    (check_headers, {"X-Any": "a", "b": ""}, {}),
    (check_headers, {}, {}),
    (check_text_mapping, {"a": "", "": "b"}, {}),
    (check_method, "text", {"method": "upper"}),
]


@pytest.mark.parametrize(("check", "value", "bounds"), ACCEPTED)
def test_what_fits_passes(check: Check, value: object, bounds: dict[str, Any]) -> None:
    """
    A value of the right kind and within its bounds, the bounds included, is accepted.
    """
    check("argument", value, **bounds)


REFUSED: list[tuple[Check, object, dict[str, Any], type[Exception], str]] = [
    (check_whole_number, 0, {}, ValueError, "argument must be at least 1, got 0"),
    (check_whole_number, -1, {"at_least": 0}, ValueError, "argument must be at least 0, got -1"),
    (check_whole_number, 6, {"at_most": 5}, ValueError, "argument must be at most 5, got 6"),
    (check_whole_number, "5", {}, TypeError, "argument must be a whole number, got '5'"),
    (check_whole_number, True, {}, TypeError, "argument must be a whole number, got True"),
    (check_whole_number, 1.0, {}, TypeError, "argument must be a whole number, got 1.0"),
    (check_number, "1", {}, TypeError, "argument must be a number, got '1'"),
    (check_number, True, {}, TypeError, "argument must be a number, got True"),
    (check_number, float("nan"), {}, ValueError, "argument must be finite, got nan"),
    (check_number, float("inf"), {}, ValueError, "argument must be finite, got inf"),
    (check_number, 0.5, {"at_least": 1}, ValueError, "argument must be at least 1, got 0.5"),
    (check_number, 0, {"more_than": 0}, ValueError, "argument must be more than 0, got 0"),
    (check_duration, 30, {}, TypeError, "argument must be a timedelta, got 30"),
    (check_duration, timedelta(0), {}, ValueError, "argument must be positive, got 0:00:00"),
    (
        check_duration,
        timedelta(seconds=-1),
        {"or_zero": True},
        ValueError,
        "argument must not be negative, got -1 day, 23:59:59",
    ),
    (check_callback, "text", {}, TypeError, "argument must be a function, got 'text'"),
    (check_callback, None, {}, TypeError, "argument must be a function, got None"),
    (check_text, 5, {}, TypeError, "argument must be text, got 5"),
    (check_text, b"a", {}, TypeError, "argument must be text, got b'a'"),
    (check_text, "", {}, ValueError, "argument must not be empty, got ''"),
    (check_choice, 1, {"kind": Colour}, TypeError, "argument must be text, got 1"),
    (
        check_choice,
        "green",
        {"kind": Colour},
        ValueError,
        "argument must be one of red, blue, got 'green'",
    ),
    (check_hashable, ([],), {}, TypeError, "argument must be hashable, got ([],)"),
    (check_flag, 0, {}, TypeError, "argument must be True or False, got 0"),
    (check_flag, "no", {}, TypeError, "argument must be True or False, got 'no'"),
    (check_instance, 5, {"kind": str}, TypeError, "argument must be text, got 5"),
    (
        check_instance,
        5,
        {"kind": (attrs.Attribute, str, type(None))},
        TypeError,
        "argument must be an Attribute or text or None, got 5",
    ),
    (check_keys, "a", {}, TypeError, "argument must be several keys, got 'a'"),
    (check_keys, 5, {}, TypeError, "argument must be several keys, got 5"),
    (check_keys, [[]], {}, TypeError, "each of argument must be hashable, got []"),
    (check_names, "a", {}, TypeError, "argument must be several texts, got 'a'"),
    (check_names, 5, {}, TypeError, "argument must be several texts, got 5"),
    (check_names, ["a", 5], {}, TypeError, "each of argument must be text, got 5"),
    (check_names, ["a", ""], {}, ValueError, "each of argument must not be empty, got ''"),
    (
        check_choice,
        "word",
        {"kind": ("line", "chunk")},
        ValueError,
        "argument must be one of line, chunk, got 'word'",
    ),
    (check_secret, b"secret", {}, TypeError, "argument must be text, got bytes"),
    (check_secret, "", {}, ValueError, "argument must not be empty"),
    (
        check_secret,
        "my secret",
        {},
        ValueError,
        "argument must be printable ASCII without spaces (value not shown)",
    ),
    (check_header, 5, {}, TypeError, "argument must be text, got an int"),
    (
        check_header,
        "secret\r\n",
        {},
        ValueError,
        "argument must hold no end of line and no NUL (value not shown)",
    ),
    (check_headers, [("a", "b")], {}, TypeError, "argument must be a mapping, got a list"),
    (check_headers, {5: "b"}, {}, TypeError, "each name of argument must be text, got 5"),
    (
        check_headers,
        {"a b": "b"},
        {},
        ValueError,
        "each name of argument must be one of a header, got 'a b'",
    ),
    (check_headers, {"a": b"b"}, {}, TypeError, "argument['a'] must be text, got bytes"),
    (check_text_mapping, "a", {}, TypeError, "argument must be a mapping, got 'a'"),
    (check_text_mapping, {"a": 5}, {}, TypeError, "argument['a'] must be text, got 5"),
    (check_method, 5, {"method": "open"}, TypeError, "argument must have a method open(), got 5"),
]


@pytest.mark.parametrize(("check", "value", "bounds", "error", "message"), REFUSED)
def test_what_does_not_fit_is_named(
    check: Check, value: object, bounds: dict[str, Any], error: type[Exception], message: str
) -> None:
    """
    The message names the argument, what it must be, and what it got; of the wrong kind is another
    error than out of bounds.
    """
    with pytest.raises(error) as caught:
        check("argument", value, **bounds)
    assert type(caught.value) is error
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value",
    [
        coroutine_function,
        async_generator,
        Awaited(),
        Awaited().method,
        partial(coroutine_function, 1),
        partial(partial(Awaited().method), 1),
    ],
)
def test_a_coroutine_function_is_no_callback(value: object) -> None:
    """
    What would only give a coroutine that nobody runs is refused in whatever form it comes.
    """
    with pytest.raises(TypeError, match="on_x must be a plain function, got a coroutine function"):
        check_callback("on_x", value)


def test_a_long_value_is_cut_in_the_message() -> None:
    """
    A value of any length leaves a message that can be read.
    """
    with pytest.raises(TypeError) as caught:
        check_whole_number("limit", "9" * 100_000)
    assert len(str(caught.value)) < 200


def test_every_check_is_a_validator_of_attrs() -> None:
    """
    As a field's validator it names the argument of the constructor; None passes where optional.
    """

    @attrs.frozen
    class Options:
        size: int = attrs.field(validator=validators.field(check_whole_number, at_most=9))
        _wait: timedelta | None = attrs.field(
            default=None, validator=validators.field(check_duration, optional=True)
        )

    Options(9)
    Options(1, timedelta(1))
    with pytest.raises(ValueError, match=r"^size must be at most 9, got 10$"):
        Options(10)
    with pytest.raises(TypeError, match=r"^size must be a whole number, got None$"):
        Options(None)  # type: ignore[arg-type]  -- what is to be refused
    with pytest.raises(TypeError, match=r"^wait must be a timedelta, got 5$"):
        Options(1, 5)  # type: ignore[arg-type]  -- what is to be refused
