"""
Tables of arguments that cannot be meant: for each argument of a callable what is of the wrong kind
(``TypeError``) and what is out of bounds (``ValueError``), and how a table is tried.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

import attrs
import pytest

from clever_v4.validators import shown

# --- Kinds of arguments: what is wrong for each ------------------------------------------------

Wrong: TypeAlias = "Mapping[type[Exception], Sequence[object]]"


async def coroutine_function(*_: object) -> None: ...


def accepts(*_: object) -> bool:
    return True


NEGATIVE = timedelta(seconds=-1)

COUNT: Wrong = {TypeError: ["5", 1.5, True, None], ValueError: [0, -1]}
COUNT_OR_ZERO: Wrong = {TypeError: ["5", 1.5, True, None], ValueError: [-1]}
WHOLE_NUMBER: Wrong = {TypeError: ["5", 1.5, True, None]}
RATE: Wrong = {TypeError: ["5", True, None], ValueError: [0, -1.5, float("inf"), float("nan")]}
NUMBER: Wrong = {TypeError: ["5", True, None], ValueError: [float("inf"), float("nan")]}
NUMBER_OR_ZERO: Wrong = {TypeError: ["5", True, None], ValueError: [-0.5, float("nan")]}
DURATION: Wrong = {TypeError: [30, 0.25, "1s", None], ValueError: [timedelta(0), NEGATIVE]}
DURATION_OR_ZERO: Wrong = {TypeError: [30, 0.25, "1s", None], ValueError: [NEGATIVE]}
CALLBACK: Wrong = {TypeError: ["text", 5, None, coroutine_function, partial(coroutine_function)]}
FLAG: Wrong = {TypeError: [0, "yes", None]}
TEXT: Wrong = {TypeError: [5, None, b"text"], ValueError: [""]}
TEXT_OR_EMPTY: Wrong = {TypeError: [5, None, b"text"]}
TEXTS: Wrong = {TypeError: ["text", 5, [5], ["a", None]], ValueError: [[""]]}
TUPLE_OF_TEXTS: Wrong = {TypeError: ["text", ["a"], 5, (5,)], ValueError: [("",)]}
MAPPING_OF_TEXTS: Wrong = {TypeError: ["text", 5, [("a", "b")], {"a": 5}, {5: "a"}]}
HEADERS: Wrong = {
    TypeError: ["text", 5678, [("a", "b")], {"a": 5678}, {"a": b"secret"}, {5: "a"}],
    ValueError: [{"a": "b\r\nc"}, {"a\r\nb": "c"}, {"": "a"}, {"a b": "c"}],
}
KEY: Wrong = {TypeError: [[], {}]}
ANY: Wrong = {}
"""Takes whatever is given."""


def optional(kind: Wrong) -> Wrong:
    """The same, but None is right."""
    return {error: [v for v in values if v is not None] for error, values in kind.items()}


def also(kind: Wrong, **more: Sequence[object]) -> Wrong:
    """The same, with more values, by the name of the error."""
    return {
        error: [*kind.get(error, ()), *more.get(error.__name__, ())]
        for error in (TypeError, ValueError)
    }


def instance(*others: object) -> Wrong:
    """An instance of one class, given by what is none."""
    return {TypeError: ["text", 5, *others]}


def one_of(*others: object) -> Wrong:
    """One of several words."""
    return {TypeError: [5, None, b"text"], ValueError: ["nonsense", "", *others]}


# --- Rows --------------------------------------------------------------------------------------


@attrs.frozen
class Row:
    """
    A callable, arguments that are right, and what is wrong for each.

    Attributes:
        name: As documentation writes it, ``Class.method``.
        get: Finds the callable, on what the table's tests stand on.
        right: Arguments that are right.
        wrong: What is wrong, for each argument.
        positional: The argument that takes any number of values.
        hidden: Arguments of which no message shows the value, since it may be a secret.
    """

    name: str
    get: Callable[[Any], Callable[..., Any]]
    right: Callable[[Any], Mapping[str, object]]
    wrong: Mapping[str, Wrong]
    positional: str | None = None
    hidden: Sequence[str] = ()


def row(
    name: str,
    function: Callable[..., Any],
    right: Mapping[str, object] | None = None,
    /,
    **wrong: Wrong,
) -> Row:
    """A function or class."""
    return Row(name, lambda _: function, lambda _: right or {}, wrong)


def several(name: str, function: Callable[..., Any], argument: str, kind: Wrong) -> Row:
    """A function that takes any number of the same."""
    return Row(name, lambda _: function, lambda _: {}, {argument: kind}, positional=argument)


def method(
    name: str,
    get: Callable[[Any], Callable[..., Any]],
    right: Mapping[str, object] | None = None,
    /,
    **wrong: Wrong,
) -> Row:
    """A method of something on the ground."""
    return Row(name, get, lambda _: right or {}, wrong)


# --- How a table is tried ----------------------------------------------------------------------


def cases(table: Iterable[Row]) -> list[Any]:
    """Each wrong value of each argument, with the error that it is."""
    return list(_cases(table))


def _cases(table: Iterable[Row]) -> Iterator[Any]:
    for one in table:
        for argument, kind in one.wrong.items():
            for error, values in kind.items():
                for number, value in enumerate(values):
                    case_id = f"{one.name}-{argument}-{error.__name__}-{number}"
                    yield pytest.param(one, argument, value, error, id=case_id)


async def check_refused(
    ground: object, one: Row, argument: str, value: object, error: type[Exception]
) -> None:
    """
    See that the call is refused, with an error of Python's own that names argument and value.
    """
    with pytest.raises((TypeError, ValueError)) as caught:
        await _call(ground, one, argument, value)
    message = str(caught.value)
    assert type(caught.value) is error, message
    assert argument.removesuffix("s") in message
    if one.wrong[argument] is HEADERS:
        # Of a value it is told which, not what it is: some are credentials.
        names = (
            value if isinstance(value, Mapping) else [type(value).__name__.replace("str", "text")]
        )
        assert any(repr(name).strip("'") in message for name in names), message
        assert not any(secret in message for secret in ("secret", "5678")), message
    elif argument in one.hidden:
        assert value in (None, "") or str(value) not in message, message
    else:
        assert any(text in message for text in _ways_to_show(value)), message


async def _call(ground: object, one: Row, argument: str, value: object) -> None:
    function = one.get(ground)
    if argument == one.positional:
        found = function(value, **one.right(ground))
    else:
        found = function(**{**one.right(ground), argument: value})
    if inspect.isawaitable(found):
        await found


def _ways_to_show(value: object) -> Iterator[str]:
    yield shown(value)
    yield repr(value)
    yield value.isoformat() if isinstance(value, datetime) else str(value)
    # Of several it is the wrong one that is shown.
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        for one in value:
            yield from _ways_to_show(one)


def check_row(ground: object, one: Row) -> None:
    """
    See that a row names every argument of its callable, so that a new one has its line there.
    """
    function = one.get(ground)
    assert set(one.wrong) == set(inspect.signature(function).parameters)
    while isinstance(function, partial):
        function = function.func
    assert one.name.split(".")[-1] == function.__name__
