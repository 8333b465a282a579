"""
What docs/fan-out.md shows works: its program as it stands, its other pieces inside that program's hub.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from datetime import timedelta
from typing import Any

import pytest
from sybil import Example

from clever_v4 import LogHub, LogQuery, Session, Throttle
from clever_v4.emulator import Emulator
from tests import test_readme
from tests.test_readme import ROOT, broken_links, programs, with_real_ids

DOCUMENT = ROOT / "docs" / "fan-out.md"
PROGRAM, IMPORTS, *PIECES = programs(DOCUMENT)

# Programs bring their event loops, so that the emulator needs one of its own, in a thread.
blockbuster = test_readme.blockbuster
logged_in = test_readme.logged_in


def _imported() -> dict[str, Any]:
    """
    The names that the program and the block of imports bring.
    """
    names: dict[str, Any] = {}
    for example in (PROGRAM, IMPORTS):
        statements = ast.parse(str(example.parsed)).body
        imports = [one for one in statements if isinstance(one, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(imports, []), DOCUMENT.name, "exec"), names)
    return names


def test_the_program_runs_as_it_stands(
    logged_in: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The first block runs against the emulator, the ids put in, and prints entries.
    """
    source = with_real_ids(PROGRAM, logged_in)
    exec(compile(source, f"{DOCUMENT.name}, line {PROGRAM.line}", "exec"), {"__name__": "__main__"})
    assert "GET /" in capsys.readouterr().out


@pytest.mark.parametrize("example", PIECES, ids=lambda example: f"line {example.line}")
def test_the_pieces_run_inside_the_program(
    example: Example, logged_in: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Every other block runs where the program subscribes, and prints something.
    """
    code = compile(
        with_real_ids(example, logged_in),
        f"{DOCUMENT.name}, line {example.line}",
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )

    async def run() -> None:
        query = LogQuery(since=timedelta(hours=1))
        async with Session.from_environment() as session, LogHub(session) as hub:
            for application in logged_in.applications[:3]:
                hub.follow(logged_in.owner_id, application.id, query, throttle=Throttle.CLI)
            # As in the program's loop: the rings hold something.
            async with hub.subscribe() as subscription:
                await anext(subscription)
            outcome = eval(code, {**_imported(), "session": session, "hub": hub})
            if inspect.iscoroutine(outcome):
                await outcome

    asyncio.run(run())
    assert capsys.readouterr().out.strip()


def test_the_document_has_pieces() -> None:
    """
    The parametrised test above has something to run.
    """
    assert len(PIECES) >= 8


def test_links_lead_somewhere() -> None:
    """
    Every file and every heading that the document links to exists.
    """
    assert broken_links(DOCUMENT) == []
    text = DOCUMENT.read_text()
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings
