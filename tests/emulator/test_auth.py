"""
Who the emulator lets in; signatures are made here with oauthlib or by hand.
"""

from __future__ import annotations

import base64
import time
from urllib.parse import quote

import aiohttp
import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, SIGNATURE_HMAC_SHA512
from oauthlib.oauth1 import Client as Signer
from yarl import URL

from clever_v4.emulator import Emulator
from tests.emulator.reading import Reader

V2_BODY = {"id": 2001, "message": "Unauthorized to access this resource.", "type": "error"}


async def status(emulator: Emulator, url: str, authorization: str | None) -> int:
    """
    The status of a GET with this header, sent byte for byte.
    """
    headers = {} if authorization is None else {"Authorization": authorization}
    async with (
        aiohttp.ClientSession() as http,
        http.get(URL(emulator.url + url, encoded=True), headers=headers) as response,
    ):
        assert "Sozu-Id" in response.headers
        return response.status


def signed(emulator: Emulator, url: str, method: str = SIGNATURE_HMAC_SHA512, **kwargs: str) -> str:
    """
    The header that oauthlib makes.
    """
    signer = Signer(
        kwargs.get("consumer_key", emulator.consumer_key),
        client_secret=kwargs.get("consumer_secret", emulator.consumer_secret),
        resource_owner_key=emulator.oauth_token,
        resource_owner_secret=emulator.oauth_secret,
        signature_method=method,
        timestamp=kwargs.get("timestamp"),
        nonce=kwargs.get("nonce"),
    )
    header: str = signer.sign(emulator.url + url)[1]["Authorization"]
    return header


def plaintext(emulator: Emulator, secret: str | None = None) -> str:
    """
    The header as the official JavaScript client makes it.
    """
    signature = f"{emulator.consumer_secret}%26{secret or emulator.oauth_secret}"
    return (
        f'OAuth oauth_consumer_key="{emulator.consumer_key}", '
        f'oauth_token="{emulator.oauth_token}", oauth_signature="{signature}"'
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        ("Basic QTpC", 401),
        ("OAuth nonsense", 401),
        ('OAuth oauth_consumer_key="a"', 401),
        ("bearer", 401),
    ],
)
async def test_wrong_credentials_are_401(
    emulator: Emulator, header: str | None, expected: int
) -> None:
    """
    Whatever is wrong, the answer is the same.
    """
    assert await status(emulator, "/v2/self", header) == expected


async def test_a_token_is_accepted_in_the_header_and_in_the_url(emulator: Emulator) -> None:
    """
    ``?authorization=`` is the whole header's value in base 64.
    """
    bearer = f"Bearer {emulator.token}"
    assert await status(emulator, "/v2/self", bearer) == 200
    encoded = quote(base64.b64encode(bearer.encode()).decode(), safe="")
    assert await status(emulator, f"/v2/self?authorization={encoded}", None) == 200
    assert await status(emulator, "/v2/self?authorization=!", None) == 401


async def test_plaintext_as_the_official_client_sends_it(emulator: Emulator) -> None:
    """
    Three parameters, no method named; one that is wrong or comes twice is refused.
    """
    assert await status(emulator, "/v2/self", plaintext(emulator)) == 200
    assert await status(emulator, "/v2/self", plaintext(emulator, "wrong")) == 401
    for name, other in (
        (emulator.consumer_key, "another"),
        (emulator.oauth_token, "another"),
        (emulator.consumer_secret, "another"),
        ("%26", "&"),
        ("OAuth ", 'OAuth oauth_token="", '),
        ("OAuth ", 'OAuth oauth_signature_method="RSA-SHA1", '),
    ):
        changed = plaintext(emulator).replace(name, other)
        expected = 200 if other == "&" else 401
        assert await status(emulator, "/v2/self", changed) == expected, changed


@pytest.mark.parametrize("method", [SIGNATURE_HMAC_SHA256, SIGNATURE_HMAC_SHA512])
@pytest.mark.parametrize(
    "url",
    [
        "/v2/self",
        "/v4/products/zones?tag=region%3Aeu&tag=for%3Aapplications",
        "/v2/self?tag=b&tag=a&a=%C3%A9+x%20y&empty=",
    ],
)
async def test_hmac_signs_every_pair_of_the_query(
    emulator: Emulator, url: str, method: str
) -> None:
    """
    Repeated keys are signed one by one; one value changed or left out is refused.
    """
    assert await status(emulator, url, signed(emulator, url, method)) == 200
    first_only = url.partition("&")[0]
    if first_only != url:
        assert await status(emulator, url, signed(emulator, first_only, method)) == 401
    assert await status(emulator, url, signed(emulator, url + "x", method)) == 401


async def test_hmac_is_refused_for_a_wrong_secret_or_a_stale_timestamp(
    emulator: Emulator,
) -> None:
    """
    Consumer, secret and clock are checked.
    """
    for wrong in (
        {"nonce": ""},
        {"timestamp": "soon"},
        {"consumer_key": "other"},
        {"consumer_secret": "other"},
        {"timestamp": str(int(time.time()) - 3600)},
    ):
        assert await status(emulator, "/v2/self", signed(emulator, "/v2/self", **wrong)) == 401


async def test_a_signed_request_is_accepted_once(emulator: Emulator) -> None:
    """
    The same nonce at the same second is a replay.
    """
    header = signed(emulator, "/v2/self")
    assert await status(emulator, "/v2/self", header) == 200
    assert await status(emulator, "/v2/self", header) == 401


async def test_old_nonces_are_forgotten_and_still_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is remembered does not grow with the life of the emulator.
    """
    monkeypatch.setattr("clever_v4.emulator.auth.NONCES_AT_LEAST", 3)
    now = [1_800_000_000]
    async with Emulator(demo=False, clock=lambda: now[0]) as emulator:
        headers = []
        for _ in range(20):
            now[0] += 100
            headers.append(signed(emulator, "/v2/self", timestamp=str(now[0])))
            assert await status(emulator, "/v2/self", headers[-1]) == 200
        assert len(emulator.state.authenticator._nonces) < 10
        for header in headers:
            assert await status(emulator, "/v2/self", header) == 401


async def test_zones_are_public_but_wrong_credentials_are_not_ignored(
    emulator: Emulator,
) -> None:
    """
    Without credentials 200, with wrong ones 401.
    """
    assert await status(emulator, "/v4/products/zones", None) == 200
    assert await status(emulator, "/v4/products/zones", "Bearer wrong") == 401


async def test_v2_and_v4_have_their_own_error_bodies(emulator: Emulator) -> None:
    """
    v2 speaks of id, message and type.
    """
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{emulator.url}/v2/self") as response:
            assert await response.json() == V2_BODY
        async with http.get(f"{emulator.url}/v4/logs/x") as response:
            body = await response.json()
    assert body["code"] == "clever.auth.unauthorized"
    assert body["context"] == {}


async def test_the_newer_generation_of_error_bodies() -> None:
    """
    Camel case, and a type in the context.
    """
    async with Emulator(error_generation="2026") as emulator, aiohttp.ClientSession() as http:
        reader = Reader(emulator, http)
        async with await reader.get(reader.path(emulator.applications[0]), {"limit": "0"}) as got:
            body = await got.json()
            assert body["apiRequestId"].endswith(got.headers["Sozu-Id"])
        async with await reader.get("/v4/nothing") as got:
            assert (await got.json())["context"] == {"type": "empty"}
    assert body["context"]["type"] == "field"
    assert body["context"]["fieldName"] == "limit"
