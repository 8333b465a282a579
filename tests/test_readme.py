"""
What the README shows works: its programs against the emulator, its commands as they stand there.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from clever_v4.cli.emulating import export_lines
from clever_v4.emulator import Emulator

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def programs(path: Path) -> list[Example]:
    """
    The blocks of Python in a document, in its order.
    """
    blocks = Sybil([PythonCodeBlockParser()], path=str(path.parent), pattern=path.name)
    return list(blocks.parse(path).examples())


def with_real_ids(example: Example, emulator: Emulator) -> str:
    """
    A block's text with an account's ids in the place of those that stand for them.
    """
    source = str(example.parsed)
    first, second, third = emulator.applications[:3]
    for shown, real in (
        ("orga_...", emulator.owner_id),
        ("app_...", first.id),
        ("app_a...", first.id),
        ("app_b...", second.id),
        ("app_c...", third.id),
    ):
        source = source.replace(shown, real)
    return source


def broken_links(path: Path) -> list[str]:
    """
    The files that a document links to and that do not exist.
    """
    links = re.findall(r"\]\((?!http|#)([^)#]+)", path.read_text())
    return [link for link in links if not (path.parent / link).exists()]


@pytest.fixture(autouse=True)
def blockbuster() -> None:
    """
    No watch over blocking calls: a program may read its configuration file when it starts.
    """


@pytest.fixture
def logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """
    What ``clever login`` leaves behind, for an account on the emulator.
    """
    with Emulator() as emulator:
        profile = {
            "alias": "default",
            "token": emulator.oauth_token,
            "secret": emulator.oauth_secret,
            "overrides": {
                "API_HOST": emulator.url,
                "OAUTH_CONSUMER_KEY": emulator.consumer_key,
                "OAUTH_CONSUMER_SECRET": emulator.consumer_secret,
            },
        }
        path = tmp_path / "clever-tools.json"
        path.write_text(json.dumps({"version": 1, "profiles": [profile]}))
        for name in ("CLEVER_API_TOKEN", "CLEVER_TOKEN", "CLEVER_SECRET"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("CONFIGURATION_FILE", str(path))
        yield emulator


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """
    A running emulator, and in the environment what ``clever-v4 emulator`` tells a shell to export.
    """
    with Emulator() as emulator:
        for line in export_lines(emulator).splitlines():
            word, *settings = shlex.split(line)
            assert word == "export"
            for name, value in (setting.split("=", 1) for setting in settings):
                monkeypatch.setenv(name, value)
        yield emulator


@pytest.mark.parametrize("example", programs(README), ids=lambda example: f"line {example.line}")
def test_the_programs_run_as_they_stand(example, exported, capsys):
    """
    Every program of the README runs against the emulator as pasted, and prints something.
    """
    source = str(example.parsed)
    exec(compile(source, f"README.md, line {example.line}", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip()


def test_the_readme_has_programs():
    """
    The parametrised test above has something to run.
    """
    assert len(programs(README)) >= 4


def test_ci_runs_the_readme_s_command_for_the_tests():
    """
    The command that runs the tests is the same in the README and in CI, and each is one line.
    """
    commands = [line for line in README.read_text().splitlines() if "-m venv .venv" in line]
    demo, tests = commands
    assert demo.endswith("clever-v4 demo")
    assert tests in (ROOT / ".ci" / "run").read_text().splitlines()


HELP = re.compile(r"(?<=<!-- help -->\n\n```text\n).*?(?=```\n\n<!-- end of help -->)", re.DOTALL)


def _help(*arguments: str) -> str:
    environment = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    told = subprocess.run(
        [sys.executable, "-m", "clever_v4", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    ).stdout
    return "\n".join(line.rstrip() for line in told.strip().splitlines())


def test_the_command_line_s_help_is_current():
    """
    The README shows what the command line says of itself; ``nox -s docs`` writes it anew.
    """
    told = f"{_help('--help')}\n\n{_help('logs', '--help')}\n"
    text = README.read_text()
    if "WRITE_README" in os.environ:
        README.write_text(HELP.sub(lambda _: told, text))
        return
    shown = HELP.search(text)
    assert shown, "the README lacks the help"
    assert shown[0] == told


def test_a_package_index_shows_no_broken_link():
    """
    There a link to a file becomes the file's name, which the source distribution has.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shown = README.read_text()
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    for one in hook["substitutions"]:
        shown = re.sub(one["pattern"], one["replacement"], shown)
    assert re.findall(r"\]\((?!https://|#)", shown) == []
    assert "Changelog (`CHANGELOG.md` in the source distribution)" in shown
    packed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    named = set(re.findall(r"`([^`]+)` in the source distribution", shown))
    assert {name for name in named if f"/{name.partition('/')[0]}" not in packed} == set()


def test_links_lead_somewhere():
    """
    Every file that the README links to exists.
    """
    assert broken_links(README) == []
