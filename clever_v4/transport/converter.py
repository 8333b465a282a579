"""
The one cattrs converter: wire names, dates, money, open enums, UNSET.

A model says on its class how its fields are named on the wire (`wire_style`,
`wire`); nothing here knows a model by name. `decode` takes bytes to models by
two ways with one result: the compiled ones (`compiled.py`) for an answer that
fits its model exactly, and cattrs for everything else: it forgives what the
real API is known to do (`scalars.py`), and where it cannot, it names the
offending member.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin

import attrs
from cattrs import AttributeValidationNote, BaseValidationError, IterableValidationNote
from cattrs.errors import ClassValidationError
from cattrs.gen import make_dict_structure_fn, override
from cattrs.preconf.msgspec import make_converter

from clever_v4.errors import ResponseFormatError

from . import scalars
from .compiled import MISFIT, compiled, compiled_reader
from .scalars import kind_of, parse_moment
from .wire import UNSET, Unset, wire, wire_names, wire_style

__all__ = [
    "UNSET",
    "Unset",
    "converter",
    "decode",
    "parse_moment",
    "reader",
    "structure",
    "wire",
    "wire_names",
    "wire_style",
]

T = TypeVar("T")


# --- the converter -------------------------------------------------------------------------

converter: Final = make_converter(detailed_validation=True)
"""Every model of this library goes through this one converter."""


def _admits_none(type_: object) -> bool:
    return type(None) in get_args(type_) or type_ in (Any, object, None)


def nulls_to_drop(cls: type) -> frozenset[str]:
    """
    Name the wire members of an attrs class for which null means their default.
    """
    names = wire_names(cls)
    return frozenset(
        names[field.name]
        for field in attrs.fields(attrs.resolve_types(cls))
        if field.default is not attrs.NOTHING and not _admits_none(field.type)
    )


def _structure_hook(cls: Any) -> Callable[[Any, Any], Any]:
    renames = {name: override(rename=wired) for name, wired in wire_names(cls).items()}
    structure = make_dict_structure_fn(cls, converter, **cast("Any", renames))
    droppable = nulls_to_drop(cls)

    def hook(value: Any, type_: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(f"expected an object, got {kind_of(value)}")
        if any(value.get(name, ...) is None for name in droppable):
            value = {k: v for k, v in value.items() if v is not None or k not in droppable}
        return structure(value, type_)

    return hook


def _unstructure_hook(cls: Any) -> Callable[[Any], dict[str, Any]]:
    names = wire_names(cls)

    def hook(instance: Any) -> dict[str, Any]:
        members = ((names[field], getattr(instance, field)) for field in names)
        return {name: converter.unstructure(v) for name, v in members if v is not UNSET}

    return hook


_list_of: Any = list


def _is_tuple(type_: Any) -> bool:
    return get_origin(type_) is tuple and get_args(type_)[-1:] == (...,)


def _tuple_hook(type_: Any) -> Callable[[Any, Any], tuple[Any, ...]]:
    # cattrs would take any iterable, so that text became a tuple of characters.
    items = _list_of[get_args(type_)[0]]
    structure = converter.get_structure_hook(items)

    def hook(value: Any, _: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise TypeError(f"expected an array, got {kind_of(value)}")
        return tuple(structure(value, items))

    return hook


def _union_of_scalars(type_: Any) -> bool:
    members = [member for member in get_args(type_) if member is not type(None)]
    scalars = (str, int, float, bool)
    return get_origin(type_) in (Union, types.UnionType) and (
        len(members) > 1 and all(member in scalars for member in members)
    )


def _union_hook(type_: Any) -> Callable[[Any, Any], Any]:
    members = get_args(type_)

    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, str) and str in members:
            return scalars.text(value)
        if type(value) in members and type(value) is not float:
            return value
        if isinstance(value, float | Decimal) and float in members:
            return scalars.number(value)
        if isinstance(value, float | Decimal) and int in members:
            return scalars.whole_number(value)
        raise TypeError(f"expected {_one_of(members)}, got {kind_of(value)}")

    return hook


def _one_of(members: tuple[type, ...]) -> str:
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    return " or ".join(words[member] for member in members if member in words)


converter.register_structure_hook(str, scalars.text)
converter.register_structure_hook(int, scalars.whole_number)
converter.register_structure_hook(float, scalars.number)
converter.register_structure_hook(bool, scalars.boolean)
converter.register_structure_hook(Decimal, scalars.amount)
converter.register_structure_hook(datetime, lambda value, _: parse_moment(value))
converter.register_structure_hook_factory(_union_of_scalars, _union_hook)
converter.register_structure_hook_factory(attrs.has, _structure_hook)
converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
converter.register_unstructure_hook_factory(attrs.has, _unstructure_hook)


# --- from bytes ----------------------------------------------------------------------------


def decode(
    type_: type[T], body: bytes, *, request_id: str | None = None, event: object | None = None
) -> T:
    """
    Take the JSON bytes of an answer to its model.

    Args:
        type_: A model, ``list[Model]``, or what cattrs can structure.
        body: The bytes of the answer.
        request_id: The Sozu-Id of the answer, for the error.
        event: The raw event that holds the bytes, for the error.

    Raises:
        ResponseFormatError: The bytes are not JSON or do not fit.
    """
    for way in _ways(cast("Any", type_)):
        try:
            fitting: T = way(body)
        except MISFIT:
            continue  # The lenient way decides, and names what is wrong.
        return fitting
    return decode_leniently(type_, body, request_id=request_id, event=event)


@cache
def _ways(type_: Any) -> tuple[Callable[[bytes], Any], ...]:
    return tuple(filter(None, (compiled(type_), compiled(type_, suffixed=True))))


def reader(type_: type[T]) -> Callable[[bytes], T]:
    """
    Give the function that `decode` is for one type: for entries that come by the ten thousand.
    """
    read: Callable[[bytes], T] = _reader(cast("Any", type_))
    return read


@cache
def _reader(type_: Any) -> Callable[[bytes], Any]:
    def leniently(body: bytes) -> Any:
        return decode_leniently(type_, body)

    suffixed = compiled_reader(type_, leniently, suffixed=True) or leniently
    return compiled_reader(type_, suffixed) or leniently


def decode_leniently(
    type_: type[T], body: bytes, *, request_id: str | None = None, event: object | None = None
) -> T:
    """
    Take JSON bytes to a model by way of cattrs, with every leniency and the best message.

    Raises:
        ResponseFormatError: The bytes are not JSON or do not fit; ``paths``
            names the offending members by their names on the wire.
    """
    try:
        value = scalars.read_json(body)
    except (ValueError, RecursionError) as exc:
        raise ResponseFormatError(
            f"the answer is not JSON: {exc}", request_id=request_id, event=event
        ) from exc
    return structure(type_, value, request_id=request_id, event=event)


def structure(
    type_: type[T], value: object, *, request_id: str | None = None, event: object | None = None
) -> T:
    """
    Take a value as JSON gave it to a model.

    Raises:
        ResponseFormatError: It does not fit.
    """
    try:
        if get_origin(type_) is list and not isinstance(value, list):
            raise TypeError(f"expected an array, got {kind_of(value)}")
        return converter.structure(value, type_)
    except (BaseValidationError, TypeError, ValueError, RecursionError) as exc:
        faults = list(_faults(exc, "$"))
        paths = tuple(path for path, _ in faults)
        text = "; ".join(f"{reason} @ {path}" for path, reason in faults[:5])
        if len(faults) > 5:
            text += f"; and {len(faults) - 5} more"
        raise ResponseFormatError(
            f"the answer does not fit {_name(type_)}: {text}",
            paths=paths,
            request_id=request_id,
            event=event,
        ) from exc


def _name(type_: Any) -> str:
    arguments = get_args(type_)
    name = getattr(type_, "__name__", str(type_))
    return f"{name}[{', '.join(_name(a) for a in arguments)}]" if arguments else str(name)


def _faults(exc: BaseException, path: str) -> list[tuple[str, str]]:
    if not isinstance(exc, BaseValidationError):
        if isinstance(exc, KeyError):
            return [(f"{path}.{exc.args[0]}", "required but absent")]
        return [(path, str(exc))]
    names = wire_names(exc.cl) if isinstance(exc, ClassValidationError) else {}
    found: list[tuple[str, str]] = []
    for inner in exc.exceptions:
        where = path
        for note in getattr(inner, "__notes__", ()):
            if isinstance(note, AttributeValidationNote) and not isinstance(inner, KeyError):
                where = f"{path}.{names.get(note.name, note.name)}"
            elif isinstance(note, IterableValidationNote):
                where = f"{path}[{note.index}]"
        found += _faults(inner, where)
    return found
