"""
The emulator's own routes.
"""

from __future__ import annotations

from typing import Any

import pytest

from clever_v4.emulator.faults import Cut, Gzip, Unparsable
from tests.emulator.reading import PAST, Reader


async def post(reader: Reader, path: str, body: object) -> tuple[int, Any]:
    """
    Status and body of a POST.
    """
    async with reader.http.post(f"{reader.emulator.url}/_emulator/{path}", json=body) as response:
        return response.status, await response.json()


async def test_plans_are_queued_by_json(reader: Reader) -> None:
    """
    A plan is a list of faults, each by its kind; the record of the connection shows it.
    """
    application = reader.emulator.add_application(history=5)
    plans = [
        [{"kind": "cut", "after_bytes": 9, "reset": True}, {"kind": "gzip"}],
        {"kind": "unparsable", "data": ["a", "b"]},
    ]
    answer = await post(reader, "faults", {"plans": plans, "application_id": application.id})
    assert answer == (200, {"pending": 2})
    take = reader.emulator.faults.take_stream
    assert take("/", application.id) == (Cut(after_bytes=9, reset=True), Gzip())
    assert take("/", application.id) == (Unparsable(data=("a", "b")),)

    await post(reader, "faults", {"plans": [{"kind": "end_of_file", "after_entries": 2}]})
    await reader.events(reader.path(application), {"since": PAST})
    async with reader.http.get(f"{reader.emulator.url}/_emulator/connections") as response:
        known = await response.json()
    (record,) = known["connections"]
    assert known["active"] == 0
    assert record["plan"] == [{"kind": "end_of_file", "after_entries": 2}]
    assert record["entries_sent"] == 2
    assert "Authorization" not in record["headers"]


async def test_random_plans_and_their_end(reader: Reader) -> None:
    """
    They begin with a seed and end with DELETE.
    """
    assert await post(reader, "random", {"seed": 3}) == (200, {})
    take = reader.emulator.faults.take_stream
    assert any(take("/v4/logs/x", "x") for _ in range(20))
    async with reader.http.delete(f"{reader.emulator.url}/_emulator/faults") as response:
        assert response.status == 200
    assert not any(take("/v4/logs/x", "x") for _ in range(20))


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("faults", {}, "plans"),
        ("faults", {"plans": [{"kind": "fire"}]}, "kind"),
        ("faults", {"plans": [{"kind": "cut"}]}, "cut"),
        ("faults", {"plans": [{"kind": "drip", "piece_bytes": 0}]}, "drip"),
        ("faults", {"plans": [], "more": 1}, "more"),
        ("faults", {"plans": [], "path": "/", "application_id": "a"}, "path"),
        ("faults", [], "body"),
        ("random", {"seed": "x"}, "seed"),
        ("random", {"seed": 1, "stall_s": "long"}, "stall_s"),
        ("faults", {"plans": [], "application_id": 5}, "path"),
        ("publish", {"resource_id": "app_rated", "message": "x"}, None),
        ("publish", {"resource_id": "app_0", "text": "x"}, "text"),
    ],
)
async def test_nonsense_is_refused_with_its_name(
    reader: Reader, path: str, body: object, name: str | None
) -> None:
    """
    400 (or 404 for a resource that is not there) and nothing happens.
    """
    status, answer = await post(reader, path, body)
    if name is None:
        assert status == 404
    else:
        assert status == 400
        assert answer["context"]["OVDErrorFieldContext"]["fieldName"] == name
    assert reader.emulator.faults.pending == 0


async def test_entries_can_be_published_and_read(reader: Reader) -> None:
    """
    What was published is produced, with its ids.
    """
    application = reader.emulator.add_application(history=3)
    body = {"resource_id": application.id, "message": "n° {n}", "count": 2}
    status, answer = await post(reader, "publish", body)
    assert status == 200
    url = f"{reader.emulator.url}/_emulator/produced/{application.id}"
    async with reader.http.get(url, params={"start": "3"}) as response:
        entries = await response.json()
    assert [one["message"] for one in entries] == ["n° 0", "n° 1"]
    assert [one["id"] for one in entries] == answer["ids"]


async def test_what_cannot_be_published_or_read_is_said(reader: Reader) -> None:
    """
    A log with a rate takes nothing, what is not JSON is no body, what is unknown has no log.
    """
    rated = reader.emulator.add_application(rate_per_s=1)
    status, answer = await post(reader, "publish", {"resource_id": rated.id, "message": "x"})
    assert status == 400
    assert "rate_per_s=1" in answer["context"]["OVDErrorFieldContext"]["fieldValue"]
    async with reader.http.post(f"{reader.emulator.url}/_emulator/publish", data="{") as response:
        assert (response.status, "is not JSON" in await response.text()) == (400, True)
    async with reader.http.get(f"{reader.emulator.url}/_emulator/produced/app_0") as response:
        assert response.status == 404


async def test_members_alone_are_an_entry(reader: Reader) -> None:
    """
    An entry can be published without a message, as a stream with ``field`` has them.
    """
    application = reader.emulator.add_application()
    body = {"resource_id": application.id, "members": {"severity": "err"}}
    assert (await post(reader, "publish", body))[0] == 200
    (entry,) = reader.emulator.produced(application.id)
    assert set(entry) == {"id", "date", "service", "severity"}


async def test_the_account_can_be_read(reader: Reader) -> None:
    """
    Owners, applications and add-ons with their ids.
    """
    application, addon = reader.emulator.add_application("a"), reader.emulator.add_addon("b")
    async with reader.http.get(f"{reader.emulator.url}/_emulator/") as response:
        account = await response.json()
    assert [one["id"] for one in account["applications"]] == [application.id]
    assert [one["real_id"] for one in account["addons"]] == [addon.real_id]
    assert reader.emulator.owner_id in {one["id"] for one in account["owners"]}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:80"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:80", "Origin": "http://localhost:80"}, 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_no_web_page_of_somebody_elses_reaches_them(
    reader: Reader, method: str, headers: dict[str, str], status: int
) -> None:
    """
    A name that was pointed at the loopback, or another page's origin, is refused by every method.
    """
    paths = {"GET": "", "POST": "random", "DELETE": "faults"}
    url = f"{reader.emulator.url}/_emulator/{paths[method]}"
    async with reader.http.request(method, url, headers=headers, json={"seed": 1}) as response:
        assert response.status == status
