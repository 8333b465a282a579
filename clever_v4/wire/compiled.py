"""
The compiled way from JSON bytes to frozen attrs models.

Structuring decides what a log entry costs, and cattrs after `json` takes
several times what reading the socket takes. So each model gets, once, a
msgspec struct with the model's wire names, which a typed JSON decoder fills in
C, and a generated function that moves its members into the attrs class.
There are two such structs: the one whose moments are RFC 3339, which the
decoder reads itself, and the one for a server that writes them with a zone's
name (``…Z[UTC]``), where they are read as text. Whatever fits neither goes
the lenient way of `converter.py`, which has the last word: all ways give
equal models.

For a model with an id, a moment, a price of another model and some tags, the
generated function is::

    def loads(data):
        try:
            read = decode(data)
            made = Open()
            made.id = read.id
            made.sent_at = (
                None
                if (value := read.sent_at) is None
                else (value if value.tzinfo is UTC else value.astimezone(UTC))
            )
            made.price = None if (value := read.price) is None else build_Price(value)
            made.tags = default_tags if (value := read.tags) is None else value
            made.__class__ = Model
            return made
        except MISFIT:
            return otherwise(data)

``decode`` is the typed decoder of the struct, ``Open`` the model with its
attributes unlocked, ``otherwise`` the next way.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from textwrap import indent
from typing import Annotated, Any, Final, Union, get_args, get_origin

import attrs
import msgspec

from .names import wire_names
from .scalars import LARGEST_EXPONENT, parse_moment

# Types that are put together at run time.
_list_of: Any = list
_tuple_of: Any = tuple
_MOMENT: Any = Annotated[datetime, msgspec.Meta(tz=True)]


class _NotCompilableError(Exception):
    """The type needs the lenient way."""


MISFIT: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What a compiled function raises on bytes that do not fit exactly."""


def compiled_loads(
    type_: Any, otherwise: Callable[[bytes], Any], *, suffixed: bool = False
) -> Callable[[bytes], Any] | None:
    """
    Give the function from exact JSON bytes to a type, None where there is no such way.

    Args:
        type_: A model, or ``list[Model]``.
        otherwise: Takes the bytes that do not fit exactly.
        suffixed: Read moments as text, so that they may have a zone's name;
            None comes out for a type without moments.
    """
    is_list = get_origin(type_) is list
    recipe = _recipe(get_args(type_)[0] if is_list else type_, suffixed)
    if recipe is None:
        return None
    decode = msgspec.json.Decoder(_list_of[recipe.struct] if is_list else recipe.struct).decode
    if not is_list:
        # One flat function: no call is spent that every log entry would pay for.
        names = {"decode": decode, "MISFIT": MISFIT, "otherwise": otherwise}
        return recipe.function("loads(data)", recipe.loading, names)
    build = recipe.build

    def loads_list(data: bytes) -> Any:
        try:
            return [build(one) for one in decode(data)]
        except MISFIT:
            return otherwise(data)

    return loads_list


class _Recipe:
    """How a model is made from its struct: generated text and the names that it refers to."""

    def __init__(self, model: Any, suffixed: bool) -> None:
        self.model = model
        self.suffixed = suffixed
        self.has_moments = False
        self.struct: Any = None
        self.build: Callable[[Any], Any] = self._unready
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "UTC": UTC,
            "Open": _open_twin(model),
            "Model": model,
        }

    def refer(self, name: str, value: object) -> str:
        """Let the text call a value by a name; another value of that name gets a number."""
        known, number = name, 2
        while self.names.setdefault(known, value) is not value:
            known, number = f"{name}_{number}", number + 1
        return known

    @property
    def building(self) -> str:
        """From ``read``, the filled struct, to the model."""
        return f"made = Open()\n{''.join(self.lines)}made.__class__ = Model\nreturn made\n"

    @property
    def loading(self) -> str:
        """From ``data``, bytes, to the model."""
        return (
            f"try:\n    read = decode(data)\n{indent(self.building, '    ')}"
            "except MISFIT:\n    return otherwise(data)\n"
        )

    def function(self, signature: str, body: str, names: dict[str, Any]) -> Callable[[Any], Any]:
        text = f"def {signature}:\n{indent(body, '    ')}"
        names = self.names | names
        exec(compile(text, f"<made for {self.model.__qualname__}>", "exec"), names)  # noqa: S102 -- our own text, no input in it
        made: Callable[[Any], Any] = names[signature.partition("(")[0]]
        return made

    @staticmethod
    def _unready(_: Any) -> Any:
        raise _NotCompilableError  # pragma: no cover -- replaced before it is given away


def _recipe(model: Any, suffixed: bool) -> _Recipe | None:
    try:
        recipe = _compile(model, suffixed)
    except _NotCompilableError:
        return None
    return None if suffixed and not recipe.has_moments else recipe


@cache
def _compile(model: Any, suffixed: bool) -> _Recipe:
    """Make the struct of a model and the function from struct to model."""
    fields = _fields(model)
    recipe = _Recipe(model, suffixed)
    members: list[Any] = []
    # A struct wants its required members first.
    for field in sorted(fields, key=lambda field: field.default is not attrs.NOTHING):
        struct_type, expression = _member(field, recipe)
        default = () if field.default is attrs.NOTHING else (field.default,)
        members.append((field.name, struct_type, *default))
        recipe.lines.append(f"made.{field.name} = {expression.format(f'read.{field.name}')}\n")
    # It lives for a moment and holds no cycle, so the garbage collector need not know of it.
    recipe.struct = msgspec.defstruct(
        f"{model.__name__}OnTheWire", members, rename=wire_names(model), gc=False
    )
    recipe.build = recipe.function("build(read)", recipe.building, {})
    return recipe


def _fields(cls: Any) -> tuple[Any, ...]:
    if not (isinstance(cls, type) and attrs.has(cls)) or hasattr(cls, "__attrs_post_init__"):
        raise _NotCompilableError
    fields = attrs.fields(attrs.resolve_types(cls))
    for field in fields:
        immutable = field.default is None or isinstance(field.default, str | int | float | tuple)
        if field.validator or field.converter or not field.init:
            raise _NotCompilableError
        if field.default is not attrs.NOTHING and not immutable:
            raise _NotCompilableError
    return tuple(fields)


def _open_twin(cls: Any) -> type:
    """
    Make a subclass of a frozen class that can be written to, with the same layout.

    An instance is filled as the open twin and then given its real class. A frozen
    attrs class calls `object.__setattr__` by name for each field, which costs
    five times as much: 2.2 us against 0.4 us for the 15 fields of a log entry.
    Its ``__init__`` does nothing, and calling it is quicker than ``__new__`` alone.
    """
    return type(
        f"Open{cls.__name__}",
        (cls,),
        {
            "__slots__": (),
            "__init__": object.__init__,
            "__setattr__": object.__setattr__,
            "__delattr__": object.__delattr__,
        },
    )


def _member(field: Any, source: _Recipe) -> tuple[Any, str]:
    """Give the struct's type of a field and the expression that takes it to the model's."""
    inner, optional = _without_none(field.type)
    struct_type, expression = _conversion(inner, source)
    required = field.default is attrs.NOTHING
    if required and not optional:
        return struct_type, expression
    absent = "None" if optional else source.refer(f"default_{field.name}", field.default)
    if expression == "{0}" and optional:
        return struct_type | None, "{0}"
    return (
        struct_type | None,
        f"{absent} if (value := {{0}}) is None else {expression.format('value')}",
    )


def _refuse() -> Any:
    raise ValueError("not a reasonable amount")


def _without_none(type_: Any) -> tuple[Any, bool]:
    if get_origin(type_) not in (Union, types.UnionType):
        return type_, False
    members = get_args(type_)
    kept = tuple(member for member in members if member is not type(None))
    return Union[kept], len(kept) < len(members)  # noqa: UP007  -- a tuple of members


def _conversion(type_: Any, source: _Recipe) -> tuple[Any, str]:
    if type_ is datetime:
        source.has_moments = True
        if source.suffixed:
            return str, f"{source.refer('parse_moment', parse_moment)}({{0}})"
        # Z comes out of the decoder as the UTC singleton; any other offset is converted.
        return _MOMENT, "({0} if {0}.tzinfo is UTC else {0}.astimezone(UTC))"
    if type_ is Decimal:
        # The decoder takes the text "NaN" for an amount, too; the same bounds as in `amount`.
        bounds = f"-{LARGEST_EXPONENT} <= {{0}}.adjusted() <= {LARGEST_EXPONENT}"
        fits = f"{{0}}.is_finite() and {bounds}"
        return Decimal, f"({{0}} if {fits} else {source.refer('refuse', _refuse)}())"
    if attrs.has(type_):
        inner = _compile(type_, source.suffixed)
        source.has_moments |= inner.has_moments
        return inner.struct, f"{source.refer(f'build_{type_.__name__}', inner.build)}({{0}})"
    if get_origin(type_) is tuple and get_args(type_)[-1] is ...:
        struct_type, expression = _conversion(get_args(type_)[0], source)
        if expression == "{0}":
            return _tuple_of[struct_type, ...], "{0}"
        return _list_of[struct_type], f"tuple([{expression.format('item')} for item in {{0}}])"
    if not _is_plain(type_):
        raise _NotCompilableError
    return type_, "{0}"


def _is_plain(type_: Any) -> bool:
    """
    Whether the decoder reads a type as the lenient way does.

    It would read others, too: an attrs class by its Python names, a moment in
    a mapping without looking at its offset.
    """
    if get_origin(type_) is dict:
        return get_args(type_)[0] is str and _is_plain(get_args(type_)[1])
    members = get_args(type_) if get_origin(type_) in (Union, types.UnionType) else (type_,)
    return all(member in (str, int, float, bool, type(None)) for member in members)
