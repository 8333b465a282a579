"""
Fixtures for tests of what uses ``clever_v4``: the emulator, and a session on it.

They are found by pytest without an import, once the package is installed. They need
pytest-asyncio; without it, a test that asks for one is told so.

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

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from clever_v4.emulator import Emulator
    from clever_v4.session import Session

# The imports of what the fixtures need stand inside them: pytest loads this file in every
# project where the package is installed, used or not.


def _async_fixture(function: Callable[..., Any]) -> Any:
    try:
        import pytest_asyncio
    except ImportError:

        def missing() -> None:
            pytest.fail(f"the fixture {function.__name__} needs pytest-asyncio", pytrace=False)

        missing.__doc__ = function.__doc__
        return pytest.fixture(name=function.__name__)(missing)
    return pytest_asyncio.fixture(function)


@pytest.fixture
def clever_emulator_options() -> Mapping[str, Any]:
    """
    The keyword arguments of ``Emulator``; override it to change them. By default none.
    """
    return {}


@_async_fixture
async def clever_emulator(clever_emulator_options: Mapping[str, Any]) -> AsyncIterator[Emulator]:
    """
    A running ``Emulator`` of the Clever Cloud API, stopped after the test.
    """
    from clever_v4.emulator import Emulator

    async with Emulator(**clever_emulator_options) as emulator:
        yield emulator


@_async_fixture
async def clever_session(clever_emulator: Emulator) -> AsyncIterator[Session]:
    """
    A ``Session`` on the emulator, with its API token, closed after the test.
    """
    from clever_v4.auth import ApiToken
    from clever_v4.session import Session

    async with Session(ApiToken(clever_emulator.token), base_url=clever_emulator.url) as session:
        yield session
