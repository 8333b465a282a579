"""
What arguments and options are checked with: one wording for all of the library; pure.

A check takes the name of the argument and its value, and raises ``TypeError`` where the value
is of another kind, ``ValueError`` where it is out of bounds: ``limit must be at least 1, got 0``.
It gives nothing back. `field` makes of it what ``attrs.field(validator=...)`` takes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

__all__ = [
    "check_callback",
    "check_choice",
    "check_duration",
    "check_flag",
    "check_hashable",
    "check_header",
    "check_headers",
    "check_instance",
    "check_keys",
    "check_method",
    "check_names",
    "check_number",
    "check_secret",
    "check_text",
    "check_text_mapping",
    "check_tuple_of_texts",
    "check_whole_number",
    "field",
    "shown",
]

# A whole log pasted where a name belongs must not fill the error's message.
_SHOWN_CHARACTERS: Final = 80
# RFC 9110, section 5.6.2.
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN_WORDS: Final = {"NoneType": "None", "bytes": "bytes", "bool": "True or False", "str": "text"}


def shown(value: object) -> str:
    """
    A value as a message shows it: its ``repr``, cut where it is long.
    """
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def field(check: Callable[..., None], *, optional: bool = False, **bounds: Any) -> Any:
    """
    A validator for an attrs field.

    Args:
        check: One of the checks below, or a function of the same shape.
        optional: Whether None is accepted, too.
        bounds: Given to *check*, such as ``at_least=0``.
    """

    def validate(_instance: object, attribute: Any, value: object) -> None:
        if value is not None or not optional:
            check(attribute.alias or attribute.name, value, **bounds)

    return validate


def check_whole_number(
    name: str, value: object, *, at_least: int | None = 1, at_most: int | None = None
) -> None:
    """
    An ``int`` within bounds, None for no bound; a ``bool`` is none.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is less than *at_least* or more than *at_most*.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {shown(value)}")
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    if at_most is not None and value > at_most:
        raise ValueError(f"{name} must be at most {at_most}, got {value}")


def check_number(
    name: str, value: object, *, at_least: float | None = None, more_than: float | None = None
) -> None:
    """
    An ``int`` or ``float`` that is finite and within bounds; a ``bool`` is none.

    Raises:
        TypeError: It is no number.
        ValueError: It is not finite, less than *at_least*, or not more than *more_than*.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    if not float("-inf") < value < float("inf"):
        raise ValueError(f"{name} must be finite, got {value}")
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} must be at least {at_least:g}, got {value}")
    if more_than is not None and value <= more_than:
        raise ValueError(f"{name} must be more than {more_than:g}, got {value}")


def check_duration(name: str, value: object, *, or_zero: bool = False) -> None:
    """
    A ``timedelta`` of more than nothing or, with *or_zero*, of nothing.

    Raises:
        TypeError: It is no ``timedelta``: seconds as a number are not guessed at.
        ValueError: It is negative, or zero where that makes no sense.
    """
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} must be a timedelta, got {shown(value)}")
    if or_zero and value < timedelta(0):
        raise ValueError(f"{name} must not be negative, got {value}")
    if not or_zero and value <= timedelta(0):
        raise ValueError(f"{name} must be positive, got {value}")


def check_callback(name: str, value: object) -> None:
    """
    Something that can be called and is done when it returns.

    Raises:
        TypeError: It cannot be called, or is a coroutine function (or an async generator
            function): what that returns would never be run.
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {shown(value)}")
    function: Any = value
    while isinstance(function, partial):
        function = function.func
    # Of an object it is its class's method that is called; of a class, its constructor.
    method = getattr(type(function), "__call__", None)  # noqa: B004  -- read, not tested for
    for one in (function, method):
        if inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one):
            raise TypeError(
                f"{name} must be a plain function, got a coroutine function, "
                f"which would never run: {shown(value)}"
            )


def check_text(name: str, value: object, *, or_empty: bool = False) -> None:
    """
    A ``str`` of at least one character or, with *or_empty*, of none.

    Raises:
        TypeError: It is no ``str``.
        ValueError: It is empty.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {shown(value)}")
    if not value and not or_empty:
        raise ValueError(f"{name} must not be empty, got {value!r}")


def check_secret(name: str, value: object) -> None:
    """
    Text that can stand in a header, and that no message shows.

    Raises:
        TypeError: It is no ``str``.
        ValueError: It is empty, or holds a space, a control character or one beyond ASCII.
    """
    # Not even what is no text is shown: it is, or nearly is, a secret.
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {_with_article(type(value).__name__)}")
    if not value:
        raise ValueError(f"{name} must not be empty")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError(f"{name} must be printable ASCII without spaces (value not shown)")


def check_header(name: str, value: object) -> None:
    """
    Text that can be the value of a header, or empty.

    Raises:
        TypeError: It is no ``str``.
        ValueError: It holds an end of line or a NUL (RFC 9110, section 5.5).
    """
    # It is not shown: it may be credentials.
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {_with_article(type(value).__name__)}")
    if any(one in value for one in "\r\n\0"):
        raise ValueError(f"{name} must hold no end of line and no NUL (value not shown)")


def check_headers(name: str, value: object) -> None:
    """
    A mapping of names of headers to their values, which no message shows.

    Raises:
        TypeError: It is no mapping, or a name or value is no ``str``.
        ValueError: A name or value cannot stand in a header.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, got {_with_article(type(value).__name__)}")
    for key, one in value.items():
        check_text(f"each name of {name}", key)
        if not _HEADER_NAME.fullmatch(key):
            raise ValueError(f"each name of {name} must be one of a header, got {shown(key)}")
        check_header(f"{name}[{key!r}]", one)


def check_text_mapping(name: str, value: object) -> None:
    """
    A mapping of texts to texts, such as headers.

    Raises:
        TypeError: It is no mapping, or a key or value is no ``str``.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, got {shown(value)}")
    for key, one in value.items():
        check_text(f"each name of {name}", key, or_empty=True)
        check_text(f"{name}[{key!r}]", one, or_empty=True)


def check_choice(name: str, value: object, kind: Iterable[str]) -> None:
    """
    One of several words: of an enum, whose members are as good as their text, or of a tuple.

    Raises:
        TypeError: It is no text.
        ValueError: It is another word.
    """
    check_text(name, value, or_empty=True)
    if value not in list(kind):
        raise ValueError(f"{name} must be one of {', '.join(kind)}, got {shown(value)}")


def check_flag(name: str, value: object) -> None:
    """
    True or False.

    Raises:
        TypeError: It is something else, be it as good as one of them.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")


def check_hashable(name: str, value: object) -> None:
    """
    Something that can be a key of a dictionary.

    Raises:
        TypeError: It has no hash.
    """
    try:
        hash(value)
    except TypeError as exc:
        raise TypeError(f"{name} must be hashable, got {shown(value)}") from exc


def check_instance(name: str, value: object, kind: type | tuple[type, ...]) -> None:
    """
    An instance of *kind*, or of one of several.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(_with_article(one.__name__) for one in kinds)
        raise TypeError(f"{name} must be {names}, got {shown(value)}")


def check_method(name: str, value: object, method: str) -> None:
    """
    Something that has a method of this name.

    Raises:
        TypeError: It has none.
    """
    if not callable(getattr(value, method, None)):
        raise TypeError(f"{name} must have a method {method}(), got {shown(value)}")


def check_keys(name: str, value: object) -> None:
    """
    Several keys: a list, tuple or set, say; not one text.

    Raises:
        TypeError: It is one text, no collection, or holds something that has no hash.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        raise TypeError(f"{name} must be several keys, got {shown(value)}")
    for one in value:
        check_hashable(f"each of {name}", one)


def check_names(name: str, value: object) -> None:
    """
    Several texts, none of them empty: a list, tuple or set, say.

    Raises:
        TypeError: It is one text, no collection, or holds something that is no text.
        ValueError: One of them is empty.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        raise TypeError(f"{name} must be several texts, got {shown(value)}")
    for one in value:
        check_text(f"each of {name}", one)


def check_tuple_of_texts(name: str, value: object) -> None:
    """
    A tuple of texts, none of them empty: what an options object that can be a key holds.

    Raises:
        TypeError: It is no tuple, or holds something that is no text.
        ValueError: One of them is empty.
    """
    if not isinstance(value, tuple):
        raise TypeError(f"{name} must be a tuple of texts, got {shown(value)}")
    check_names(name, value)


def _with_article(name: str) -> str:
    if name in _PLAIN_WORDS:
        return _PLAIN_WORDS[name]
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
