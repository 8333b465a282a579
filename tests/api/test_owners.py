"""
``session.owners``: one summary, remembered, and what is found in it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.errors import APIError, AuthenticationError, UnresolvedNameError
from clever_v4.session import Session
from clever_v4.transport.policies import ResponseInfo
from tests.serving import Server, serve

SUMMARY: dict[str, Any] = {
    "user": {
        "id": "user_1",
        "name": "Ada",
        "applications": [{"id": "app_1", "name": "shop", "zone": "par"}],
        "addons": None,
    },
    "organisations": [
        {
            "id": "orga_1",
            "name": "Acme",
            "applications": [
                {"id": "app_2", "name": "shop"},
                {"id": "app_3", "name": "app_1"},
                {"id": "app_4", "name": "blog", "unknown": {}},
            ],
            "addons": [
                {
                    "id": "addon_1",
                    "realId": "postgresql_1",
                    "name": "database",
                    "providerId": "postgresql-addon",
                },
                {"id": "addon_2", "realId": None, "name": "mail"},
            ],
        },
        {"id": "orga_2", "name": "Acme"},
    ],
}


class Account:
    """
    Serves a summary that a test may change.
    """

    def __init__(self) -> None:
        self.summary = json.loads(json.dumps(SUMMARY))
        self.count = 0
        self.status = 200

    async def __call__(self, _: web.Request) -> web.Response:
        self.count += 1
        await asyncio.sleep(0)
        return web.json_response(self.summary, status=self.status)


def on(server: Server) -> Session:
    return Session(ApiToken("t"), base_url=server.url)


async def test_owner_of_each_kind_of_id() -> None:
    """
    Applications, add-ons by either id, and owners themselves.
    """
    account = Account()
    async with serve(account) as server, on(server) as session:
        assert await session.owners.owner_of("app_1") == "user_1"
        assert await session.owners.owner_of("app_4") == "orga_1"
        assert await session.owners.owner_of("addon_1") == "orga_1"
        assert await session.owners.owner_of("postgresql_1") == "orga_1"
        assert await session.owners.owner_of("orga_9") == "orga_9"
        assert await session.owners.owner_of("user_9") == "user_9"
    assert account.count == 1


async def test_emulator_s_account_is_understood(emulator: Emulator) -> None:
    """
    The summary of the emulator, which has the members of the real one.
    """
    application = emulator.add_application(name="front")
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        summary = await session.owners.summary()
        assert await session.owners.owner_of(application.id) == application.owner_id
        found = await session.owners.find_application("front")
    assert found.id == application.id
    assert summary.owners[0].is_user
    assert [owner.is_user for owner in summary.owners[1:]] == [False] * (len(summary.owners) - 1)
    assert emulator.owner_id in {owner.id for owner in summary.owners}


async def test_many_who_ask_share_one_answer() -> None:
    """
    Two hundred at once: one request.
    """
    account = Account()
    async with serve(account) as server, on(server) as session:
        owners = await asyncio.gather(*(session.owners.owner_of("app_2") for _ in range(200)))
    assert set(owners) == {"orga_1"}
    assert account.count == 1


async def test_what_is_new_is_asked_for_again() -> None:
    """
    An application made since is found; two hundred who miss it ask once.
    """
    account = Account()
    async with serve(account) as server, on(server) as session:
        await session.owners.summary()
        account.summary["user"]["applications"].append({"id": "app_new", "name": "new"})
        owners = await asyncio.gather(*(session.owners.owner_of("app_new") for _ in range(200)))
        assert set(owners) == {"user_1"}
        assert account.count == 2
        session.owners.forget()
        await session.owners.summary()
        assert account.count == 3


async def test_what_is_not_there_is_told() -> None:
    """
    The message says what was asked for.
    """
    async with serve(Account()) as server, on(server) as session:
        with pytest.raises(UnresolvedNameError) as raised:
            await session.owners.owner_of("app_none")
        assert str(raised.value) == (
            "'app_none' is neither an id nor a name visible with these credentials"
        )
        with pytest.raises(LookupError, match="'none'"):
            await session.owners.find_addon("none")


async def test_application_is_found_by_id_or_by_its_only_name() -> None:
    """
    An id wins over a name; the owner narrows, by id or name.
    """
    async with serve(Account()) as server, on(server) as session:
        find = session.owners.find_application
        assert (await find("blog")).id == "app_4"
        assert (await find("app_4")).name == "blog"
        assert (await find("app_1")).name == "shop"
        assert (await find("app_1", owner="orga_1")).id == "app_3"
        assert (await find("shop", owner="orga_1")).id == "app_2"
        found = await find("shop", owner="Ada")
        assert (found.id, found.owner_id, found.zone) == ("app_1", "user_1", "par")


async def test_ambiguous_name_lists_what_it_could_be() -> None:
    """
    For applications and for owners.
    """
    async with serve(Account()) as server, on(server) as session:
        with pytest.raises(UnresolvedNameError) as raised:
            await session.owners.find_application("shop")
        assert str(raised.value) == "'shop' is ambiguous: it could be app_1, app_2; use the id"
        assert raised.value.candidates == ("app_1", "app_2")
        with pytest.raises(UnresolvedNameError, match="it could be orga_1, orga_2"):
            await session.owners.find_application("blog", owner="Acme")


async def test_addon_is_found_by_either_id_or_name() -> None:
    """
    All three lead to the same add-on.
    """
    async with serve(Account()) as server, on(server) as session:
        for known in ("addon_1", "postgresql_1", "database"):
            addon = await session.owners.find_addon(known)
            assert (addon.id, addon.real_id, addon.owner_id) == (
                "addon_1",
                "postgresql_1",
                "orga_1",
            )
        assert addon.provider_id == "postgresql-addon"
        with pytest.raises(UnresolvedNameError):
            await session.owners.find_addon("database", owner="Ada")


async def test_addon_s_ids_lead_to_each_other() -> None:
    """
    The one that is asked for is given as it is, without asking the API.
    """
    account = Account()
    async with serve(account) as server, on(server) as session:
        assert await session.owners.real_id("postgresql_9") == "postgresql_9"
        assert await session.owners.addon_id("addon_9") == "addon_9"
        assert account.count == 0
        assert await session.owners.real_id("addon_1") == "postgresql_1"
        assert await session.owners.addon_id("postgresql_1") == "addon_1"
        with pytest.raises(UnresolvedNameError, match="the add-on addon_2 has no real id"):
            await session.owners.real_id("addon_2")
        with pytest.raises(UnresolvedNameError):
            await session.owners.addon_id("redis_9")


async def test_owner_is_found_by_id_or_name() -> None:
    """
    Users and organisations alike.
    """
    async with serve(Account()) as server, on(server) as session:
        assert (await session.owners.find_owner("Ada")).id == "user_1"
        assert (await session.owners.find_owner("orga_2")).name == "Acme"


@pytest.mark.parametrize("name", ["find_application", "find_addon", "find_owner", "owner_of"])
async def test_empty_name_is_refused(name: str) -> None:
    """
    Nothing is asked.
    """
    account = Account()
    async with serve(account) as server, on(server) as session:
        with pytest.raises(ValueError, match="empty"):
            await getattr(session.owners, name)("")
    assert account.count == 0


async def test_failure_is_not_remembered() -> None:
    """
    After an error, the next question asks again.
    """
    account = Account()
    account.status = 500
    async with serve(account) as server, on(server) as session:
        with pytest.raises(APIError):
            await session.owners.owner_of("app_1")
        account.status = 200
        assert await session.owners.owner_of("app_1") == "user_1"


async def test_summary_needs_credentials(emulator: Emulator) -> None:
    """
    Without them it is a 401, with its Sozu-Id.
    """
    told: list[ResponseInfo] = []
    async with Session(base_url=emulator.url, on_response=told.append) as session:
        with pytest.raises(AuthenticationError) as raised:
            await session.owners.summary()
    assert raised.value.request_id == told[0].request_id


async def test_many_who_ask_share_one_failure() -> None:
    """
    Two hundred at once with credentials that are refused: one request, two hundred errors.
    """
    account = Account()
    account.status = 401
    async with serve(account) as server, on(server) as session:
        calls = (session.owners.owner_of("app_1") for _ in range(200))
        errors = await asyncio.gather(*calls, return_exceptions=True)
    assert all(type(error) is AuthenticationError for error in errors)
    assert len({id(error) for error in errors}) == 200
    assert account.count == 1


class HeldAccount(Account):
    """
    Answers when the test lets it, with what it knew when it was asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.Response:
        answer = await super().__call__(request)
        self.asked.set()
        await self.may_answer.wait()
        return answer


async def test_whoever_is_cancelled_leaves_the_question_to_the_others() -> None:
    """
    The one whose request it was goes, and another asks for all who wait.
    """
    account = HeldAccount()
    async with serve(account) as server, on(server) as session:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(session.owners.owner_of("app_1"))
            await account.asked.wait()
            others = [group.create_task(session.owners.owner_of("app_2")) for _ in range(50)]
            await asyncio.sleep(0)
            first.cancel()
            account.may_answer.set()
        assert first.cancelled()
        assert {call.result() for call in others} == {"orga_1"}
    assert account.count == 2


@pytest.mark.parametrize("by_forgetting", [False, True])
async def test_an_answer_that_is_older_than_the_question_does_not_decide(
    by_forgetting: bool,
) -> None:
    """
    What was made while somebody else's request was on its way is found by one more.
    """
    account = HeldAccount()
    async with serve(account) as server, on(server) as session:
        async with asyncio.TaskGroup() as group:
            older = group.create_task(session.owners.summary())
            await account.asked.wait()
            account.summary["user"]["applications"].append({"id": "app_new", "name": "new"})
            if by_forgetting:
                session.owners.forget()
            newer = group.create_task(session.owners.owner_of("app_new"))
            await asyncio.sleep(0)
            account.may_answer.set()
        assert newer.result() == "user_1"
        assert older.result() != await session.owners.summary()
    assert account.count == 2
