"""
Requests that the official client signs with HMAC-SHA512, against the same ones signed by us.

The emulator verifies signatures; that it verifies them as the API does is shown by a client that
the API has accepted.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from clever_v4 import OAuth1, Session, SignatureMethod
from clever_v4.emulator import Emulator

from .content import content, of_models
from .official import Official
from .reading import ends, read, window

QUERIES: tuple[dict[str, Any], ...] = (
    {},
    {"limit": 5, "order": "ASC"},
    {"includeState": ["UP", "BOOTING"], "excludeState": ["DELETED"]},
    # Repeated keys whose values sort otherwise once they are escaped.
    {"includeState": ["UP", "UP", "GHOST"], "since": "2024-01-01T00:00:00.000Z"},
)


async def test_what_the_official_client_signs_is_accepted_as_what_we_sign(
    official: Official, emulator: Emulator
) -> None:
    """
    The same answers to queries without parameters, with some, and with repeated keys.
    """
    application = emulator.applications[0]
    path = (
        f"/v4/orchestration/organisations/{emulator.owner_id}/applications/{application.id}"
        "/instances"
    )
    theirs = await official.send_signed({"path": path, "query": query} for query in QUERIES)

    async with Session(signing(emulator), base_url=emulator.url) as session:
        for query, answer in zip(QUERIES, theirs, strict=True):
            pairs = [
                (name, str(value))
                for name, values in query.items()
                for value in (values if isinstance(values, list) else [values])
            ]
            response = await session.request("GET", path, query=pairs)
            assert response.json()
            assert answer == response.json()


@pytest.mark.parametrize("text", ["order", "50 % & more = é/ü+*'()!~", "東京"])
async def test_a_signed_stream_is_ours(official: Official, emulator: Emulator, text: str) -> None:
    """
    With a filter of any characters and repeated fields, read to its end.
    """
    application = emulator.add_application("odd", history=200)
    emulator.publish(application.id, f"found: {text} {{n}}", count=3)
    query = attrs.evolve(
        window(emulator, application.id, 203), filter=text, fields=("id", "date", "message")
    )
    [theirs] = await official.send_signed(
        [
            {
                "stream": True,
                "ownerId": application.owner_id,
                "appId": application.id,
                "query": ends(query) | {"filter": text, "field": list(query.fields)},
            }
        ]
    )

    async with Session(signing(emulator), base_url=emulator.url) as session:
        ours = await read(session, application.id, query)
    assert len(ours) >= 3
    assert content(theirs["logs"]) == of_models(ours)


async def test_a_wrong_secret_is_refused(official: Official, emulator: Emulator) -> None:
    """
    The signature really is what is checked.
    """
    [answer] = await official.send_signed(
        [{"path": "/v2/self", "query": {}}], secret="another secret"
    )

    assert answer["error"]["status"] == 401


def signing(emulator: Emulator) -> OAuth1:
    """
    The emulator's credentials, signed with HMAC-SHA512.
    """
    return OAuth1(
        token=emulator.oauth_token,
        token_secret=emulator.oauth_secret,
        consumer_key=emulator.consumer_key,
        consumer_secret=emulator.consumer_secret,
        signature_method=SignatureMethod.HMAC_SHA512,
    )
