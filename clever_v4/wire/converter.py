"""
The one cattrs converter: bytes to models by `ModelConverter.loads`, models to values by ``unstructure``.

A model says on its class how its fields are named on the wire (`names.py`);
nothing here knows a model by name. `ModelConverter` is cattrs' converter for
msgspec with its own extension point filled: ``get_loads_hook(cls)`` gives a
compiled function (`compiled.py`) for bytes that fit their model exactly, which
falls back to cattrs' hooks (`hooks.py`) for everything else: they forgive what
the real API is known to do, and where they cannot, the error names the
offending member.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final, TypeVar, cast, get_args, get_origin

from cattrs import AttributeValidationNote, BaseValidationError, IterableValidationNote
from cattrs.errors import ClassValidationError
from cattrs.preconf.msgspec import MsgspecJsonConverter, configure_converter

from clever_v4.errors import ResponseFormatError

from . import scalars
from .compiled import compiled_loads
from .hooks import register_hooks
from .names import wire_names
from .scalars import kind_of

__all__ = ["ModelConverter", "converter"]

T = TypeVar("T")


class ModelConverter(MsgspecJsonConverter):
    """
    cattrs' converter for JSON, quick for what fits and forgiving for what does not.
    """

    def loads(self, data: bytes, cl: type[T], **_: Any) -> T:
        """
        Take the JSON bytes of an answer to its model.

        Args:
            data: The bytes.
            cl: A model, ``list[Model]``, or what cattrs can structure.

        Raises:
            ResponseFormatError: The bytes are not JSON or do not fit; ``paths``
                names the offending members by their names on the wire.
        """
        return self.get_loads_hook(cl)(data)

    def get_loads_hook(self, cl: type[T]) -> Callable[[bytes], T]:
        """
        Give the function that `loads` is for one type: for entries that come by the ten thousand.
        """
        hook: Callable[[bytes], T] = self._loads_hook(cast("Any", cl))
        return hook

    # There is one converter, which lives as long as the process.
    @cache  # noqa: B019
    def _loads_hook(self, cl: Any) -> Callable[[bytes], Any]:
        leniently = partial(self.loads_leniently, cl=cl)
        # Last the lenient way, before it moments with a zone's name, first those of RFC 3339.
        suffixed = compiled_loads(cl, leniently, suffixed=True) or leniently
        return compiled_loads(cl, suffixed) or leniently

    def loads_leniently(self, data: bytes, cl: type[T]) -> T:
        """
        Take JSON bytes to a model by cattrs' hooks alone, with every leniency and the best message.

        Raises:
            ResponseFormatError: As for `loads`.
        """
        try:
            value = scalars.read_json(data)
        except (ValueError, RecursionError) as exc:
            raise ResponseFormatError(f"the answer is not JSON: {exc}") from exc
        try:
            if get_origin(cl) is list and not isinstance(value, list):
                raise TypeError(f"expected an array, got {kind_of(value)}")
            return self.structure(value, cl)
        except (BaseValidationError, TypeError, ValueError, RecursionError) as exc:
            raise _misfit(cl, exc) from exc


converter: Final = ModelConverter(detailed_validation=True)
"""Every model of this library goes through this one converter."""

configure_converter(converter)
register_hooks(converter)


def _misfit(type_: Any, exc: BaseException) -> ResponseFormatError:
    faults = list(_faults(exc, "$"))
    text = "; ".join(f"{reason} @ {path}" for path, reason in faults[:5])
    if len(faults) > 5:
        text += f"; and {len(faults) - 5} more"
    return ResponseFormatError(
        f"the answer does not fit {_name(type_)}: {text}",
        paths=tuple(path for path, _ in faults),
    )


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
