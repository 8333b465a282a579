"""
The session: life, event loops, and what it refuses.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from clever_v4.auth import ApiToken, OAuth1
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    ConnectionFailedError,
    DifferentEventLoopError,
    SessionClosedError,
)
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect
from clever_v4.transport.policies import Retry, Timeout
from tests.serving import serve


async def test_session_opens_works_and_closes(emulator: Emulator) -> None:
    """
    The ten lines that a user writes first.
    """
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        zones = await session.zones.list()
        assert "par" in {zone.name for zone in zones}
        assert not session.closed
    assert session.closed


async def test_session_works_without_its_with(emulator: Emulator) -> None:
    """
    It opens on first use; closing is then the caller's, and may be repeated.
    """
    session = Session(ApiToken(emulator.token), base_url=emulator.url)
    assert await session.zones.list()
    await session.close()
    await session.close()


async def test_session_that_was_never_used_closes(emulator: Emulator) -> None:
    """
    There is nothing to close, and nothing to complain about.
    """
    session = Session(ApiToken(emulator.token), base_url=emulator.url)
    await session.close()
    assert session.closed


async def test_closed_session_is_refused(emulator: Emulator) -> None:
    """
    The message says what happened, not what aiohttp thinks.
    """
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        pass
    with pytest.raises(SessionClosedError, match=r"^the session is closed$"):
        await session.zones.list()
    with pytest.raises(SessionClosedError, match=r"^the session is closed$"):
        async with session:
            pass


async def test_closing_ends_what_is_under_way() -> None:
    """
    A request that waits for its answer is an error at once, and is not repeated.
    """
    asked = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        return web.Response()

    async with serve(wait) as server:
        session = Session(ApiToken("t"), base_url=server.url)
        async with asyncio.TaskGroup() as group:
            call = group.create_task(_outcome(session.request("GET", "/x")))
            await asked.wait()
            await session.close()
        assert isinstance(call.result(), SessionClosedError | ConnectionFailedError)
    assert len(server.requests) == 1


async def _outcome(awaitable: Any) -> object:
    try:
        return await awaitable
    except Exception as error:  # noqa: BLE001 -- the outcome is what is asked for
        return error


def test_second_event_loop_is_refused(unused_tcp_port: int) -> None:
    """
    A session belongs to the event loop of its first use, and says so.
    """
    session = Session(ApiToken("t"), base_url=f"http://127.0.0.1:{unused_tcp_port}", retry=None)

    async def use() -> object:
        return await _outcome(session.zones.list())

    with asyncio.Runner() as first:
        assert isinstance(first.run(use()), ConnectionFailedError)
        with asyncio.Runner() as second:
            error = second.run(use())
            assert isinstance(error, DifferentEventLoopError)
            assert str(error) == (
                "the session belongs to another event loop; open one session in each event loop"
            )
            assert isinstance(second.run(_outcome(session.close())), DifferentEventLoopError)
        first.run(session.close())


def test_session_is_closed_after_its_event_loop(unused_tcp_port: int) -> None:
    """
    Where the loop of its first use is gone, another one may close it, without a complaint.
    """
    session = Session(ApiToken("t"), base_url=f"http://127.0.0.1:{unused_tcp_port}", retry=None)
    assert isinstance(asyncio.run(_outcome(session.zones.list())), ConnectionFailedError)
    asyncio.run(session.close())
    assert session.closed
    assert isinstance(asyncio.run(_outcome(session.zones.list())), SessionClosedError)


async def test_session_leaves_no_connection_task_or_warning(emulator: Emulator) -> None:
    """
    After closing, nothing of it is left to be collected with a complaint.
    """
    before = _tasks_of_clients()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session = Session(ApiToken(emulator.token), base_url=emulator.url)
        async with session:
            await asyncio.gather(*(session.zones.list() for _ in range(20)))
            connector = session._client._connections.http.connector
        assert connector is not None
        assert connector.closed
        del session, connector
        gc.collect()
    assert not [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)]
    assert _tasks_of_clients() == before


def _tasks_of_clients() -> set[asyncio.Task[Any]]:
    # The emulator lives in the same event loop; its connections end a moment after ours.
    return {task for task in asyncio.all_tasks() if "RequestHandler.start" not in repr(task)}


def test_repr_shows_no_secret() -> None:
    """
    Where it goes and whether it is open, no more.
    """
    session = Session(ApiToken("the-token"))
    assert repr(session) == "<Session https://api-bridge.clever-cloud.com open>"


@pytest.mark.parametrize("auth", ["the-token", b"x", 3, ApiToken, OAuth1])
def test_auth_that_is_none_is_refused_and_not_shown(auth: Any) -> None:
    """
    A bare string is the likeliest mistake, and the secret itself.
    """
    with pytest.raises(TypeError, match=r"^auth must be ApiToken\(\.\.\.\), OAuth1") as raised:
        Session(auth)
    assert "the-token" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"max_connections": 0}, ValueError, r"^max_connections must be at least 1, got 0"),
        ({"max_streams": -1}, ValueError, r"^max_streams must be at least 1, got -1"),
        (
            {"max_response_bytes": 1.5},
            TypeError,
            r"^max_response_bytes must be a whole number, got 1\.5",
        ),
        ({"base_url": "api.clever-cloud.com"}, ValueError, r"^base_url must be an http"),
        ({"base_url": "https://u:p@host:port"}, ValueError, r"^base_url .*\(value not shown\)$"),
        ({"timeout": timedelta(0)}, ValueError, r"^timeout must be positive, got 0:00:00"),
        ({"timeout": 5}, TypeError, r"^timeout must be a Timeout or None, got 5$"),
        ({"retry": 5}, TypeError, r"^retry must be a Retry or None, got 5$"),
        ({"on_response": "f"}, TypeError, r"^on_response must be a function, got 'f'$"),
        ({"proxy": "proxy:3128"}, ValueError, r"^proxy must be an http\(s\) address \(value not"),
        ({"proxy": "http://["}, ValueError, r"^proxy must be an http\(s\) address"),
        ({"proxy": "socks5://u:p@proxy"}, ValueError, r"^proxy must be an http\(s\) address"),
    ],
)
def test_nonsense_is_refused_by_name(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """
    On construction, with the argument's name and value.
    """
    with pytest.raises(error, match=text):
        Session(ApiToken("t"), **options)


async def _never_run(_: object) -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("on_response", lambda: Session(on_response=_never_run)),
        ("on_response", lambda: Session(on_response=partial(_never_run, None))),
        (
            "on_reconnection",
            lambda: Session().logs.stream("orga_1", "app_1", on_reconnection=_never_run),
        ),
        ("on_bad_entry", lambda: Session().logs.stream("orga_1", "app_1", on_bad_entry=_never_run)),
        ("is_transient", lambda: Reconnect(is_transient=_never_run)),
    ],
)
def test_coroutine_function_as_a_callback_is_refused(name: str, make: Callable[[], object]) -> None:
    """
    What it returns would never be run: an entry that does not fit would be gone in silence.
    """
    with pytest.raises(TypeError, match=rf"^{name} must be a plain function, got a coroutine"):
        make()


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Retry(attempts=0), ValueError, r"^attempts must be at least 1, got 0"),
        (lambda: Retry(attempts=True), TypeError, r"^attempts must be a whole number, got True"),
        (lambda: Retry(wait_max=5), TypeError, r"^wait_max must be a timedelta, got 5"),  # type: ignore[arg-type]
        (
            lambda: Retry(wait_jitter=timedelta(-1)),
            ValueError,
            r"^wait_jitter must not be negative",
        ),
        (
            lambda: Retry(timeout=timedelta(0)),
            ValueError,
            r"^timeout must be positive, got 0:00:00",
        ),
        (lambda: Timeout(connect=3), TypeError, r"^connect must be a timedelta, got 3"),  # type: ignore[arg-type]
    ],
)
def test_policies_refuse_nonsense_by_name(make: Any, error: type[Exception], text: str) -> None:
    """
    On construction, with the argument's name and value.
    """
    with pytest.raises(error, match=text):
        make()


def test_every_call_of_every_group_is_type_checked() -> None:
    """
    tests/typing, which mypy and pyright read, leaves out nothing that a session offers.
    """
    typed = "\n".join(path.read_text() for path in (Path(__file__).parent / "typing").glob("*.py"))
    session = Session()
    calls = [
        f"session.{group}.{name}("
        for group, offered in vars(session).items()
        if not group.startswith("_")
        for name, member in inspect.getmembers(type(offered), inspect.isfunction)
        if not name.startswith("_") and name != "through"
    ]
    assert len(calls) > 25
    assert [call for call in calls if call not in typed] == []
