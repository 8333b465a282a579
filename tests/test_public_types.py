"""
What the public interface names can be imported by its users, and closes in one way.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import clever_v4

ROOMS = ("cli", "fanout", "streaming", "transport", "wire")
"""What no user imports from."""


def public_modules() -> list[types.ModuleType]:
    """
    The package, its modules, and the API groups: what documentation imports from.
    """
    names = ["clever_v4"]
    for path in (clever_v4.__path__, importlib.import_module("clever_v4.api").__path__):
        prefix = "clever_v4." if path is clever_v4.__path__ else "clever_v4.api."
        names += [
            prefix + module.name
            for module in pkgutil.iter_modules(path)
            if module.name not in ROOMS and not module.name.startswith("_")
        ]
    return [importlib.import_module(name) for name in [*names, "clever_v4.emulator.faults"]]


def _all(module: types.ModuleType) -> list[str]:
    return list(getattr(module, "__all__", ()))


def closes(one: type) -> bool:
    """
    Whether it is left, or closed by hand.
    """
    return any(hasattr(one, name) for name in ("__aexit__", "aclose"))


MODULES = public_modules()
EXPORTED = {id(getattr(module, name)) for module in MODULES for name in _all(module)}
"""What can be imported from one of them."""

PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in _all(module)
    if callable(getattr(module, name))
}


def named_by(public: Any) -> Iterator[tuple[str, Any]]:
    """
    Where it names a type: its own arguments and result, those of its methods, its members.
    """
    if not inspect.isclass(public):
        yield from hints(getattr(public, "__name__", "it"), public)
        return
    yield from hints("member", public)
    for name, member in inspect.getmembers(public):
        if is_for_users(public, name, member):
            function = member.fget if isinstance(member, property) else member
            if inspect.isroutine(function):
                yield from hints(name, inspect.unwrap(function))


def is_for_users(public: type, name: str, member: Any) -> bool:
    """
    Whether users call it: a constructor that tells of its arguments, a method that no part of
    the library says to be called by itself.
    """
    if name == "__init__":
        return "Args:" in (inspect.getdoc(public) or "")
    return not name.startswith("_") and "called by the" not in (inspect.getdoc(member) or "")


def hints(place: str, annotated: Any) -> Iterator[tuple[str, Any]]:
    try:
        found = typing.get_type_hints(annotated)
    except (NameError, TypeError):
        return
    for name, hint in found.items():
        if not name.startswith("_"):
            for one in classes_in(hint):
                yield f"{place}: {name}", one


def classes_in(hint: Any) -> Iterator[type]:
    """
    The classes of ours in a type.
    """
    is_options = typing.is_typeddict(hint)  # written out at each call, never imported
    if inspect.isclass(hint) and not is_options and hint.__module__.startswith("clever_v4"):
        yield hint
    origin = typing.get_origin(hint)
    if origin is not None:
        yield from classes_in(origin)
    for part in typing.get_args(hint):
        for one in part if isinstance(part, list) else [part]:
            yield from classes_in(one)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_each_type_that_is_named_can_be_imported(name: str) -> None:
    """
    A class in an annotation of the public interface is exported by a public module.
    """
    hidden = {
        f"{place}: {one.__module__}.{one.__name__}"
        for place, one in named_by(PUBLIC[name])
        if id(one) not in EXPORTED
    }
    assert not hidden


@pytest.mark.parametrize(
    "name",
    sorted(name for name, one in PUBLIC.items() if inspect.isclass(one) and closes(one)),
)
def test_what_closes_does_so_in_one_way(name: str) -> None:
    """
    ``await it.aclose()``, and ``it.is_open`` says whether.
    """
    one = PUBLIC[name]
    assert inspect.iscoroutinefunction(inspect.unwrap(one.aclose))
    assert isinstance(inspect.getattr_static(one, "is_open"), property)
    assert inspect.getdoc(one.is_open)
