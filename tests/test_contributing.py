"""
What CONTRIBUTING.md says of the house is what holds.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_house_is_the_one_that_import_linter_holds() -> None:
    """
    Row by row, from the top; private modules are left out.
    """
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    (rooms,) = [one for one in contracts if one["id"] == "rooms"]
    held = [
        [room for room in layer.split(" | ") if not room.startswith("_")]
        for layer in rooms["layers"]
    ]
    block = TEXT.split("```")[1]
    shown = [re.split(r"\s{2,}", line)[0].split(" | ") for line in block.splitlines()]
    assert [row for row in shown if row != [""]] == [row for row in held if row]


def test_the_sessions_that_it_names_exist() -> None:
    """
    Each that ``nox -s`` is asked for.
    """
    functions = {
        node.name
        for node in ast.parse((ROOT / "noxfile.py").read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    named = {
        word.partition("-3.")[0]
        for line in re.findall(r"nox -s ([^#\n]*)", TEXT)
        for word in line.partition(" -- ")[0].split()
    }
    assert named
    assert named <= functions


def test_the_files_that_it_names_exist() -> None:
    """
    Each path in backquotes, but for those that stand for many.
    """
    paths = {one for one in re.findall(r"`([\w./-]+/[\w./-]*)`", TEXT) if "<" not in one}
    assert paths
    assert [one for one in sorted(paths) if not (ROOT / one).exists()] == []
