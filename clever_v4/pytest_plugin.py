"""
Fixtures for tests of what uses ``clever_v4``: the emulator, and a session on it.

They are found by pytest without an import, once the package is installed (with pytest and
pytest-asyncio: ``clever-v4[pytest]``).

``clever_emulator`` runs in a thread of its own. So it serves any test: plain ones, which may use
synchronous clients and start processes, those of pytest-asyncio in both its modes, and those of
anyio. Its methods may be called from any of them.

```python
import urllib.request

def test_zones_are_public(clever_emulator):
    with urllib.request.urlopen(f"{clever_emulator.url}/v4/products/zones") as answer:
        assert answer.status == 200
```

``clever_session`` is for coroutines, by pytest-asyncio or anyio (on asyncio; aiohttp does not
run on trio):

```python
import pytest
from clever_v4 import LogQuery
from clever_v4.emulator.faults import Cut

@pytest.mark.asyncio
async def test_a_lost_connection_loses_no_entry(clever_emulator, clever_session):
    application = clever_emulator.add_application()
    clever_emulator.faults.push(Cut(after_entries=3, inside="line"))
    query = LogQuery(limit=8)
    async with clever_session.logs.stream(application.owner_id, application.id, query) as stream:
        ids = clever_emulator.publish(application.id, "line {n}", count=8)
        assert [entry.id async for entry in stream] == ids
```
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from clever_v4.emulator import Emulator
    from clever_v4.session import Session

# The imports of what the fixtures need stand inside them: pytest loads this file in every
# project where the package is installed, used or not.


@pytest.fixture
def clever_emulator_options() -> Mapping[str, Any]:
    """
    The keyword arguments of ``Emulator``; override it to change them. By default none.
    """
    return {}


@pytest.fixture
def clever_emulator(clever_emulator_options: Mapping[str, Any]) -> Iterator[Emulator]:
    """
    A running ``Emulator`` of the Clever Cloud API in a thread of its own, stopped after the test.
    """
    from clever_v4.emulator import Emulator

    with Emulator(**clever_emulator_options) as emulator:
        yield emulator


@pytest.fixture
def clever_session(request: pytest.FixtureRequest) -> Session:
    """
    A ``Session`` on the emulator, with its API token, closed after the test.
    """
    session: Session = request.getfixturevalue(_session_fixture(request))
    return session


def _session_fixture(request: pytest.FixtureRequest) -> str:
    """Choose the session of the plugin that runs the test's coroutine."""
    if not inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        pytest.fail(
            "clever_session is for a test that is a coroutine (async def); a plain test can use "
            "clever_emulator",
            pytrace=False,
        )
    if "anyio_backend" in request.fixturenames:
        backend = request.getfixturevalue("anyio_backend_name")
        if backend != "asyncio":
            pytest.fail(
                f"clever_v4 runs on asyncio, not on {backend}: let the fixture anyio_backend "
                "return 'asyncio'",
                pytrace=False,
            )
        return "_clever_session_of_anyio"
    if not _has_pytest_asyncio(request.config):
        pytest.fail("the fixture clever_session needs pytest-asyncio or anyio", pytrace=False)
    return "_clever_session_of_asyncio"


async def _open_session(clever_emulator: Emulator) -> AsyncIterator[Session]:
    from clever_v4.auth import ApiToken
    from clever_v4.session import Session

    async with Session(ApiToken(clever_emulator.token), base_url=clever_emulator.url) as session:
        yield session


# anyio takes an async fixture as it is, where the test asks for its backend.
_clever_session_of_anyio = pytest.fixture(name="_clever_session_of_anyio")(_open_session)


def pytest_configure(config: pytest.Config) -> None:
    """
    Add the session for pytest-asyncio's tests, where it is loaded: only then may it be imported.
    """
    if not _has_pytest_asyncio(config):
        return
    import pytest_asyncio

    class Fixtures:
        @pytest_asyncio.fixture
        async def _clever_session_of_asyncio(
            self, clever_emulator: Emulator
        ) -> AsyncIterator[Session]:
            async for session in _open_session(clever_emulator):
                yield session

    config.pluginmanager.register(Fixtures(), "clever_v4 session for pytest-asyncio")


def _has_pytest_asyncio(config: pytest.Config) -> bool:
    # By its entry point, or as -p names it.
    return any(map(config.pluginmanager.hasplugin, ("asyncio", "pytest_asyncio.plugin")))
