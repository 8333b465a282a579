"""
The project's chores: ``nox`` runs what has to hold, ``nox -l`` lists it, ``nox -s NAME -- ARGS`` runs one.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_external_run = True
# A Python that is not installed here is skipped, also where CI is set.
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = [
    "tests",
    "coverage",
    "tests_lowest",
    "lint",
    "imports",
    "types",
    "types_api",
    "build",
]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
OLDEST = PYTHONS[0]

# pyenv shows only the versions that are switched on; the others are installed all the same.
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
os.environ["PATH"] = os.pathsep.join(
    [
        *(
            str(path)
            for version in PYTHONS
            for path in sorted(PYENV.glob(f"versions/{version}.*/bin"))
        ),
        os.environ["PATH"],
    ]
)

# The newest that is installed here.
NEWEST = next(
    (version for version in reversed(PYTHONS) if shutil.which(f"python{version}")), OLDEST
)

# Files whose every branch is tested: decisions without input or output.
PURE_FILES = (
    "clever_v4/http_dates.py",
    "clever_v4/streaming/cursor.py",
    "clever_v4/streaming/decoder.py",
    "clever_v4/streaming/resume.py",
    "clever_v4/streaming/sieve.py",
    "clever_v4/transport/redaction.py",
    "clever_v4/transport/responses.py",
)

# Two processes: most of a test's time is waiting, and two cores is what the smallest machine has.
SIDE_BY_SIDE = ("-n", "2", "--dist", "worksteal")

# Tests that read files of the repository.
READING_FILES = (
    "tests/benchmarks",
    "tests/streaming/test_conformance.py",
    "tests/streaming/test_decoder.py",
    "tests/test_contributing.py",
    "tests/test_docs.py",
    "tests/test_public_names.py",
    "tests/test_readme.py",
    "tests/test_repository.py",
    "tests/test_shell.py",
)


def dependencies(*groups: str) -> list[str]:
    return list(nox.project.dependency_groups(PROJECT, *groups))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """
    Run the tests with the newest dependencies.
    """
    session.install("-e", ".[cli,otel]", *dependencies("test", "bench"))
    session.run("pytest", *(session.posargs or SIDE_BY_SIDE))


@nox.session(python=NEWEST)
def coverage(session: nox.Session) -> None:
    """
    Run the quick tests under coverage: 95 % of all branches, every one of the pure files.

    And where everything is set that could mislead them (tests/shell.py).

    On the newest Python that is here, which coverage watches in the cheapest way that it has for
    it. That is the C tracer, which doubles the processor time of the tests: the hub's chaos test
    takes 11 to 12 s instead of 6, on 3.11 as on 3.13. ``COVERAGE_CORE=sysmon`` costs nothing
    (6 s), but sees branches from Python 3.14 on only, where coverage takes it by itself.
    tests/conftest.py does not watch locks under a tracer; the C tracer takes one at each call.
    """
    session.install("-e", ".[cli,otel]", *dependencies("test", "bench"))
    environment = {"COVERAGE_FILE": str(Path(session.create_tmp()).resolve() / "coverage")}
    session.run("coverage", "erase", env=environment)
    session.run(
        *("python", "-m", "tests.hostile", "coverage", "run", "-m", "pytest", "-m", "not slow"),
        *(session.posargs or SIDE_BY_SIDE),
        env=environment,
    )
    session.run("coverage", "combine", env=environment, silent=True)
    session.run("coverage", "report", env=environment)
    session.run(
        "coverage",
        "report",
        f"--include={','.join(PURE_FILES)}",
        "--fail-under=100",
        env=environment,
    )


@nox.session(python=OLDEST)
def tests_lowest(session: nox.Session) -> None:
    """
    Run the tests with the lowest versions that pyproject.toml admits.
    """
    session.install("uv")
    session.run(
        "uv",
        "pip",
        "install",
        "--resolution=lowest-direct",
        f"--python={session.virtualenv.location}",
        "-e",
        ".[cli,otel]",
    )
    # The tools are not what is tried: they stay as new as these admit.
    session.install(*dependencies("test", "bench"))
    session.run("pytest", *(session.posargs or SIDE_BY_SIDE))


@nox.session(python=NEWEST)
def properties(session: nox.Session) -> None:
    """
    Run twenty thousand seeds of the model of a stream's server, of which the tests run a thousand.

    ``nox -s properties -- 100000`` runs more. A seed takes 6 ms of processor time.
    """
    session.install("-e", ".[cli,otel]", *dependencies("test"))
    seeds = session.posargs[0] if session.posargs else "20000"
    session.run("pytest", "tests/streaming/test_model.py", env={"STREAM_MODEL_SEEDS": seeds})


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """
    Check style and known mistakes.
    """
    session.install(*dependencies("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python=OLDEST)
def imports(session: nox.Session) -> None:
    """
    Check who imports whom.
    """
    session.install("-e", ".[cli,otel]", *dependencies("imports"))
    session.run("lint-imports", "--no-cache")


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """
    Check the types of the package, its benchmarks and its chores; each public name has one.
    """
    session.install("-e", ".[cli,otel]", *dependencies("types"))
    session.run("mypy")
    session.run("pyright", "--pythonpath", _python(session))
    _check_public_types(session)


def _check_public_types(session: nox.Session) -> None:
    """
    Fail where users' type checkers would have to guess the type of a public name.
    """
    said = session.run(
        *("pyright", "--pythonpath", _python(session), "--outputjson"),
        *("--verifytypes", "clever_v4", "--ignoreexternal"),
        success_codes=[0, 1],
        silent=True,
    )
    # What pyright's wrapper says of itself comes before.
    found = json.loads(str(said)[str(said).index("{") :])["typeCompleteness"]
    public = [one for one in found["symbols"] if one["isExported"]]
    unknown = [
        f"{one['name']}: {fault['message']}"
        for one in public
        if not one["isTypeKnown"]
        for fault in one["diagnostics"] or [{"message": "a part of it is not known"}]
    ]
    if unknown or not public:
        session.error("\n".join([f"types of {len(public)} public names:", *unknown]))
    session.log(f"all {len(public)} public names have a type")


@nox.session(python=PYTHONS)
def types_api(session: nox.Session) -> None:
    """
    Check on every Python that the public interface has the types that its users rely on.
    """
    session.install("-e", ".[cli,otel]", *dependencies("types"))
    session.run("mypy", f"--python-version={session.python}", "tests/typing")


@nox.session(python=OLDEST)
def docs(session: nox.Session) -> None:
    """
    Write the command line's help into the README; the tests compare them.
    """
    session.install("-e", ".[cli,otel]", *dependencies("test"))
    session.run("pytest", "tests/test_readme.py", "-k", "help", env={"WRITE_README": "1"})


@nox.session(python=OLDEST)
def interop(session: nox.Session) -> None:
    """
    Compare what the official CLI and client make of the emulator with what we make of it.
    """
    session.install("-e", ".[cli]", *dependencies("test"))
    # Kept between runs; the module says what the machine lacks, and fails.
    official = Path(session.create_tmp()).resolve() / "official"
    session.run("python", "-m", "tests.interop.install", str(official))
    session.run(
        *("pytest", "tests/interop", *session.posargs),
        env={"CLEVER_V4_INTEROP": str(official)},
    )


@nox.session(python=OLDEST)
def audit(session: nox.Session) -> None:
    """
    Look up known faults of the lowest and of the newest versions that pyproject.toml admits.

    Without the database of faults, which is elsewhere, it says so and does not fail.
    """
    session.install(*dependencies("audit"))
    for resolution in ("lowest-direct", "highest"):
        folder = Path(session.create_tmp()).resolve()
        pinned, found = folder / f"{resolution}.txt", folder / f"{resolution}.json"
        session.run(
            *("uv", "pip", "compile", "-q", f"--resolution={resolution}", "--all-extras"),
            *(f"--python-version={OLDEST}", "--no-header", "-o", str(pinned), "pyproject.toml"),
            silent=True,
        )
        found.unlink(missing_ok=True)
        said = session.run(
            *("pip-audit", "-r", str(pinned), "--no-deps", "--disable-pip", "-s", "osv"),
            *("--progress-spinner=off", "-f", "json", "-o", str(found), *session.posargs),
            success_codes=[0, 1],
            silent=True,
        )
        if not found.exists():
            last = str(said).strip().splitlines()[-1]
            if "ConnectionError" not in last and "Timeout" not in last:
                session.error(str(said))
            session.warn(f"{resolution}: the database of known faults was not reached: {last}")
            continue
        faulty = [
            f"{one['name']} {one['version']}: {fault['id']}, fixed in {fault['fix_versions']}"
            for one in json.loads(found.read_text())["dependencies"]
            for fault in one.get("vulns", ())
        ]
        if faulty:
            session.error("\n".join([f"{resolution}:", *faulty]))
        session.log(f"{resolution}: no known faults")


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """
    Measure reading log streams beside the other clients and write benchmarks/README.md.
    """
    session.install(".", *dependencies("bench"))
    session.run("python", "-m", "benchmarks.run", *session.posargs)


@nox.session(python=OLDEST)
def build(session: nox.Session) -> None:
    """
    Build wheel and sdist, install each in an empty environment and import it; the sdist has all
    that its own tests need.
    """
    session.install("build[uv]" if session.venv_backend == "uv" else "build")
    shutil.rmtree("dist", ignore_errors=True)
    session.run(
        "python", "-m", "build", *(["--installer=uv"] if session.venv_backend == "uv" else [])
    )
    artefacts = sorted(Path("dist").iterdir())
    if sorted(path.suffix for path in artefacts) != [".gz", ".whl"]:
        session.error(f"expected one wheel and one sdist, built {artefacts}")
    for artefact in artefacts:
        _install_and_import(session, artefact.resolve())
        if artefact.suffix == ".gz":
            _test_unpacked(session, artefact.resolve())


def _install_and_import(session: nox.Session, artefact: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "environment"
        session.run("python", "-m", "venv", str(environment))
        python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
        pip = (str(python), "-m", "pip", "install")
        if session.venv_backend == "uv":
            pip = ("uv", "pip", "install", f"--python={python}")
        session.run(*pip, "-q", str(artefact), external=True)
        # From a folder of its own, so that the sources here cannot stand in for the installed ones.
        with session.chdir(folder):
            session.run(
                str(python),
                "-W",
                "error",
                "-c",
                "import clever_v4, importlib.metadata as m;"
                "from clever_v4 import *;"
                "print(clever_v4.__file__, m.version('clever-v4'))",
                external=True,
            )


def _test_unpacked(session: nox.Session, sdist: Path) -> None:
    """
    Run from an unpacked sdist the tests that read its files; the others only import.
    """
    session.install(f"{sdist}[cli,otel]", *dependencies("test", "bench"))
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(sdist, folder)
        (unpacked,) = Path(folder).iterdir()
        # As a module: then it is the sources here that are imported, not what is installed.
        with session.chdir(unpacked):
            session.run("python", "-m", "pytest", "-q", *READING_FILES)


def _python(session: nox.Session) -> str:
    return str(Path(session.bin) / ("python.exe" if sys.platform == "win32" else "python"))
