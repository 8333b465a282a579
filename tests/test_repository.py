"""
The repository stands alone: what its programs and tests read is in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.vectors import read

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = [
    ROOT / "noxfile.py",
    *(ROOT / "benchmarks").rglob("*.py"),
    *(ROOT / "clever_v4").rglob("*.py"),
    *(ROOT / "examples").rglob("*.py"),
    *(ROOT / "tests").rglob("*.py"),
]
SYSTEM = ("/bin/", "/dev/", "/proc/", "/sys/")


class Paths(ast.NodeVisitor):
    """
    The paths that a program makes from its own (``Path(__file__).parents[1] / "docs"``), and
    those that it names in full or from the folder above.
    """

    def __init__(self, program: Path) -> None:
        self._program = program
        self._known: dict[str, Path] = {}
        self.found: list[Path] = []

    def visit_Assign(self, node: ast.Assign) -> None:
        if (path := self._path(node.value)) is not None:
            self._known |= {one.id: path for one in node.targets if isinstance(one, ast.Name)}
        self.generic_visit(node)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr) and (path := self._path(node)) is not None:
            self.found.append(path)
        super().visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, str) or "\n" in node.value or "\0" in node.value:
            return
        if node.value.startswith("../"):
            self.found.append(self._program.parent / node.value)
        elif node.value.startswith("/") and not node.value.startswith(SYSTEM):
            # "/v4/logs" is an address; "/home/me/vectors.json" is a file where there is one.
            path = Path(node.value)
            self.found += [path] if len(path.parts) > 2 and _is_there(path) else []

    def _path(self, node: ast.expr) -> Path | None:
        match node:
            case ast.Call(func=ast.Name(id="Path"), args=[ast.Name(id="__file__")]):
                return self._program
            case ast.Call(func=ast.Attribute(value=value, attr="resolve" | "absolute")):
                return self._path(value)
            case ast.Name(id=name):
                return self._known.get(name)
            case ast.Attribute(value=value, attr="parent") if path := self._path(value):
                return path.parent
            case ast.Subscript(
                value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(up))
            ) if path := self._path(value):
                return path.parents[up]
            case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(name))):
                path = self._path(left)
                return path / name if path is not None else None
        return None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long is no file's
        return False


def outside(program: Path, text: str) -> Iterator[str]:
    """
    The paths in a program's text that lead out of the repository.
    """
    paths = Paths(program)
    paths.visit(ast.parse(text))
    for path in paths.found:
        if not path.resolve().is_relative_to(ROOT):
            yield str(path)


def test_nothing_outside_the_repository_is_read() -> None:
    """
    A clone, or an unpacked sdist, has all that its programs read.
    """
    found = {
        str(program.relative_to(ROOT)): paths
        for program in PROGRAMS
        if (paths := list(outside(program, program.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        'V = Path(__file__).parents[3] / "vectors.json"',
        'TESTS = Path(__file__).resolve().parents[1]\nV = TESTS.parents[1] / "vectors.json"',
        'V = (Path(__file__).parent.parent.parent.parent / "vectors.json").read_text()',
        'open("../../../vectors.json")',
        'open("/usr/lib")',
    ],
)
def test_a_path_that_leads_out_is_found(text: str) -> None:
    """
    The test above sees each of the ways in which a program of tests/streaming could look outside.
    """
    assert list(outside(ROOT / "tests" / "streaming" / "vectors.py", text))


def test_the_vectors_are_here() -> None:
    """
    None of the corpus is lost without notice, and each vector has a name of its own.
    """
    standard, decoder = read("standard"), read("decoder")
    assert len(standard) >= 319
    assert len(decoder) >= 26
    assert len({vector.name for vector in standard + decoder}) == len(standard + decoder)
    assert {vector.base for vector in standard} <= {vector.name for vector in standard}
