"""
How cattrs takes values to models and back: the lenient way, which forgives what the real API does.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Union, cast, get_args, get_origin

import attrs
from cattrs import BaseConverter
from cattrs.gen import make_dict_structure_fn, override

from . import scalars
from .names import UNSET, wire_names
from .scalars import kind_of, parse_moment

__all__ = ["nulls_to_drop", "register_hooks"]

_list_of: Any = list


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


def _structure_hook(cls: Any, converter: BaseConverter) -> Callable[[Any, Any], Any]:
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


def _unstructure_hook(cls: Any, converter: BaseConverter) -> Callable[[Any], dict[str, Any]]:
    names = wire_names(cls)

    def hook(instance: Any) -> dict[str, Any]:
        members = ((names[field], getattr(instance, field)) for field in names)
        return {name: converter.unstructure(v) for name, v in members if v is not UNSET}

    return hook


def _is_tuple(type_: Any) -> bool:
    return get_origin(type_) is tuple and get_args(type_)[-1:] == (...,)


def _tuple_hook(type_: Any, converter: BaseConverter) -> Callable[[Any, Any], tuple[Any, ...]]:
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


def register_hooks(converter: BaseConverter) -> None:
    """
    Teach a converter the models of this library and what the real API is known to write.
    """
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
