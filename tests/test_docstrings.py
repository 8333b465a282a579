"""
What ``help()``, an editor's hover and Sphinx show of a class: it stands in the class' docstring.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import pydoc
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import clever_v4
from clever_v4 import ApiToken, Session

PACKAGE = Path(clever_v4.__file__).parent


def public_classes() -> Iterator[type]:
    """
    The attrs classes of the library and the emulator; nobody constructs those of the command line.
    """
    for module in pkgutil.walk_packages(clever_v4.__path__, "clever_v4."):
        if module.name.startswith("clever_v4.cli") or module.name.endswith("__main__"):
            continue
        for name, one in vars(importlib.import_module(module.name)).items():
            is_own = inspect.isclass(one) and one.__module__ == module.name
            if is_own and attrs.has(one) and not name.startswith("_"):
                yield one


@pytest.mark.parametrize(
    "one", list(public_classes()), ids=lambda one: f"{one.__module__}.{one.__name__}"
)
def test_each_field_is_told_of_in_the_class_docstring(one: type) -> None:
    """
    By name, in a section of its own.
    """
    told = set(re.findall(r"^    (\w+): \S", inspect.getdoc(one) or "", re.MULTILINE))
    fields = {
        field.name
        for field in attrs.fields(one)
        if field.init and not field.inherited and not field.name.startswith("_")
    }
    assert fields <= told


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=str)
def test_no_text_stands_under_a_member_where_help_does_not_look(path: Path) -> None:
    """
    A text under a field or an enumeration's member is shown by none of the three.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            texts = [one for one in node.body[1:] if _is_text(one)]
            assert not texts, f"{node.name}, line {texts[0].lineno}"


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


async def test_the_help_of_a_session_names_its_groups() -> None:
    """
    Each attribute that is a group of coroutines, and no other.
    """
    session = Session(ApiToken("token"))
    groups = {name for name in vars(session) if not name.startswith("_")}
    told = pydoc.render_doc(Session, renderer=pydoc.plaintext)
    section = told.split("Attributes:")[1].split("Methods defined here")[0]
    assert set(re.findall(r"^ \|\s+(\w+): \S", section, re.MULTILINE)) == groups
    assert len(groups) >= 8


def test_the_help_of_an_enumeration_tells_its_members_apart() -> None:
    """
    What a subscriber can choose from is explained there, not only named.
    """
    told = inspect.getdoc(clever_v4.Overflow) or ""
    assert all(f"    {member.name}: " in told for member in clever_v4.Overflow)
