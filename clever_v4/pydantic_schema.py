"""
Models in pydantic and FastAPI, without needing either.

pydantic asks a class for its schema by ``__get_pydantic_core_schema__``, which is where pydantic
is imported. In both directions a model has its Python names: those on the wire are the API's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import attrs

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["known_to_pydantic"]

C = TypeVar("C", bound=type)

_PLAIN = (str, int, float, NoneType, date, timedelta, Decimal)


def known_to_pydantic(cls: C) -> C:
    """
    Let an attrs class be a field of pydantic models, and what a FastAPI endpoint returns.

    It is taken as an instance, or as a mapping from which one is made; it is given out as a
    mapping. Its JSON schema is an object with a member for each of its fields.
    """
    hooks: dict[str, Any] = {
        "__get_pydantic_core_schema__": _core_schema,
        "__get_pydantic_json_schema__": _json_schema,
    }
    for name, hook in hooks.items():
        setattr(cls, name, classmethod(hook))
    return cls


def _core_schema(cls: Any, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
    from pydantic_core import core_schema

    fields = attrs.fields(attrs.resolve_types(cls))
    arguments = {field.name: field.alias for field in fields}
    mapping = core_schema.typed_dict_schema(
        {
            field.name: core_schema.typed_dict_field(
                _loose_schema() if _is_loose(field.type) else handler.generate_schema(field.type),
                required=field.default is attrs.NOTHING,
            )
            for field in fields
        },
        cls=cls,
        cls_name=cls.__name__,
    )

    def take(value: Any, make: Callable[[Any], dict[str, Any]]) -> Any:
        if isinstance(value, cls):
            return value
        return cls(**{arguments[name]: member for name, member in make(value).items()})

    def give(instance: Any) -> dict[str, Any]:
        return {name: getattr(instance, name) for name in arguments}

    return core_schema.no_info_wrap_validator_function(
        take,
        mapping,
        # By this name a schema is recognised as one, however often the class is met.
        ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        serialization=core_schema.plain_serializer_function_ser_schema(give, return_schema=mapping),
    )


def _json_schema(cls: type, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
    """
    The description is the first paragraph of the class's docstring, which goes on for Python's eyes.
    """
    found = handler(schema)
    summary = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0]
    handler.resolve_ref_schema(found)["description"] = " ".join(summary.split())
    return found


def _is_loose(type_: Any) -> bool:
    """
    Whether a field holds what only the program knows: the key of a source, an error.
    """
    return any(
        isinstance(one, TypeVar)
        or one is object
        or (isinstance(one, type) and issubclass(one, BaseException))
        for one in (type_, *(get_args(type_) if get_origin(type_) is UnionType else ()))
    )


def _loose_schema() -> CoreSchema:
    from pydantic_core import core_schema

    return core_schema.any_schema(
        serialization=core_schema.plain_serializer_function_ser_schema(_loosely)
    )


def _loosely(value: Any) -> Any:
    if isinstance(value, BaseException):
        return type(value).__name__  # its message may hold what is not for everybody
    if hasattr(type(value), "__get_pydantic_core_schema__") and attrs.has(type(value)):
        return {
            field.name: _loosely(getattr(value, field.name)) for field in attrs.fields(type(value))
        }
    return value if isinstance(value, _PLAIN) else str(value)
