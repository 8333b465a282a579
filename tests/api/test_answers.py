"""
Whatever an answer looks like, it becomes a model or a `ResponseFormatError`, and nothing else.

The answers are the emulator's, with members dropped, nulled, retyped and added at random.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clever_v4.api.billing import ALL, Invoice, InvoiceSummary
from clever_v4.api.load_balancers import LoadBalancer
from clever_v4.api.orchestration import Deployment, Instance
from clever_v4.api.products import Zone
from clever_v4.api.pulsar import StoragePolicies
from clever_v4.api.pulsar.units import policies_from
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.errors import ResponseFormatError
from clever_v4.session import Session
from clever_v4.transport.converter import decode
from clever_v4.transport.responses import Response

Path = tuple[str | int, ...]


@attrs.frozen
class Kind:
    """
    An answer: what it is read as, and the members that it cannot do without.
    """

    type_: Any
    required: frozenset[str]

    def read(self, body: bytes) -> object:
        if self.type_ is StoragePolicies:
            return policies_from(Response(status=200, headers={}, body=body, request_id="S"))
        return decode(self.type_, body, request_id="S")

    def needs(self, path: Path) -> bool:
        names = [part for part in path if isinstance(part, str)]
        return ".".join(names) in self.required or (
            names[-1:] in (["amount"], ["currency"]) and len(names) > 1
        )


INVOICE = frozenset(
    {
        "invoice_number",
        "status",
        "emission_date",
        "currency",
        "total_tax_excluded",
        "total_tax",
    }
)
KINDS = {
    "invoices": Kind(list[InvoiceSummary], INVOICE),
    "invoice": Kind(Invoice, INVOICE),
    "deployments": Kind(list[Deployment], frozenset({"id", "state", "steps.state"})),
    "instances": Kind(list[Instance], frozenset({"id", "state"})),
    "load balancers": Kind(list[LoadBalancer], frozenset({"id"})),
    "zones": Kind(list[Zone], frozenset({"name"})),
    "policies": Kind(StoragePolicies, frozenset()),
}


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """
    One answer of each kind, as the emulator gives it.
    """
    return asyncio.run(_ask())


async def _ask() -> dict[str, Any]:
    async with (
        Emulator() as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
    ):
        owner, app = emulator.owner_id, emulator.applications[0].id
        since = {"since": ALL}

        async def ask(path: str, query: dict[str, Any] | None = None) -> Any:
            return json.loads((await session.request("GET", path, query=query or {})).body)

        billing = f"/v4/billing/organisations/{owner}/invoices"
        orchestration = f"/v4/orchestration/organisations/{owner}/applications/{app}"
        invoices = await ask(billing, since | {"limit": 8})
        pulsar = next(one for one in emulator.addons if one.provider_id == "addon-pulsar")
        return {
            "invoices": invoices,
            "invoice": await ask(f"{billing}/{invoices[1]['invoice_number']}"),
            "deployments": (await ask(f"{orchestration}/deployments"))[:6],
            "instances": (await ask(f"{orchestration}/instances"))[:6],
            "load balancers": await ask(
                f"/v4/load-balancers/organisations/{owner}/applications/{app}/load-balancers/default"
            ),
            "zones": (await ask("/v4/products/zones"))[:4],
            "policies": await ask(
                f"/v4/addon-providers/addon-pulsar/addons/{pulsar.real_id}/storage-policies"
            ),
        }


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """
    Every place in a value that can be dropped or replaced.
    """
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        yield (*path, name)
        if isinstance(member, dict | list):
            yield from paths(member, (*path, name))


def parent_of(value: Any, path: Path) -> Any:
    for part in path[:-1]:
        value = value[part]
    return value


RAW = ("1e999999999", "-0.0", "1e400", "123456789012345678901234567890", "1E-999999999")
"""Numbers that JSON allows and Python's own writer does not write."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "2026-01-01T00:00:00Z[UTC]",
            "9999-12-31T23:59:59.999999999-23:59",
            "0001-01-01T00:00:00+14:00",
            "2026-02-30T00:00:00Z",
            "NaN",
            "-Infinity",
            "sNaN",
        ]
    )
    | st.sampled_from(RAW).map(msgspec.Raw)
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def to_bytes(value: Any) -> bytes:
    """
    Write JSON, raw numbers as they are.
    """
    if isinstance(value, msgspec.Raw):
        return bytes(value)
    if isinstance(value, dict):
        members = (json.dumps(name).encode() + b":" + to_bytes(v) for name, v in value.items())
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(to_bytes, value)) + b"]"
    return json.dumps(value).encode()


def misfit_of(kind: Kind, body: bytes) -> ResponseFormatError | None:
    """
    Read a body; any other error than the one that is allowed is the test's failure.
    """
    try:
        kind.read(body)
    except ResponseFormatError as error:
        return error
    return None


def check_misfit(error: ResponseFormatError | None) -> None:
    if error is None:
        return
    assert error.paths or "not JSON" in str(error)
    assert all(path.startswith("$") for path in error.paths)
    assert error.request_id == "S"


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_answer_is_a_model_or_a_format_error(
    answers: dict[str, Any], name: str, data: st.DataObject
) -> None:
    """
    Up to five members dropped, nulled, retyped or added: a model comes out, or the one error.
    """
    kind, answer = KINDS[name], copy.deepcopy(answers[name])
    for _ in range(data.draw(st.integers(0, 5))):
        places = list(paths(answer))
        if not places:
            break
        path = data.draw(st.sampled_from(places))
        parent = parent_of(answer, path)
        match data.draw(st.sampled_from(["drop", "null", "retype", "add"])):
            case "drop":
                del parent[path[-1]]
            case "null":
                parent[path[-1]] = None
            case "retype":
                parent[path[-1]] = data.draw(junk | st.just("\ud800"))
            case _ if isinstance(parent, dict):
                parent[data.draw(st.text(max_size=8))] = data.draw(junk)
            case _:
                parent.append(data.draw(junk))
    check_misfit(misfit_of(kind, to_bytes(answer)))


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None, max_examples=60)
@given(value=junk)
def test_any_body_is_a_model_or_a_format_error(name: str, value: Any) -> None:
    """
    Another JSON value altogether is no other kind of error.
    """
    check_misfit(misfit_of(KINDS[name], to_bytes(value)))


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_dropping_what_is_optional_is_always_a_model(
    answers: dict[str, Any], name: str, data: st.DataObject
) -> None:
    """
    Any number of optional members absent or null, and unknown ones added: still a model.
    """
    kind, answer = KINDS[name], copy.deepcopy(answers[name])
    optional = [
        path for path in paths(answer) if isinstance(path[-1], str) and not kind.needs(path)
    ]
    chosen = data.draw(st.lists(st.sampled_from(optional), unique=True, max_size=40))
    for path in sorted(chosen, key=len, reverse=True):
        parent = parent_of(answer, path)
        if data.draw(st.booleans()):
            del parent[path[-1]]
        else:
            parent[path[-1]] = None
        parent["notYetKnown"] = data.draw(junk)
    kind.read(to_bytes(answer))


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name].required])
def test_dropping_what_is_required_names_it(answers: dict[str, Any], name: str) -> None:
    """
    Without a required member the error has the path of that member.
    """
    kind = KINDS[name]
    for path in paths(answers[name]):
        if not kind.needs(path):
            continue
        answer = copy.deepcopy(answers[name])
        del parent_of(answer, path)[path[-1]]
        with pytest.raises(ResponseFormatError) as caught:
            kind.read(to_bytes(answer))
        text = "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
        assert caught.value.paths == (text,)


@pytest.mark.parametrize(
    "amount", ['"NaN"', '"-Infinity"', '"sNaN"', "1e999999999", "true", "null"]
)
def test_an_amount_is_a_finite_number(answers: dict[str, Any], amount: str) -> None:
    """
    What a decimal could hold and a sum could not is told by its path, and not passed on.
    """
    answer = copy.deepcopy(answers["invoices"])
    answer[2]["total_tax"]["amount"] = msgspec.Raw(amount.encode())
    error = misfit_of(KINDS["invoices"], to_bytes(answer))
    if amount == "1e999999999":
        assert error is None
    else:
        assert error is not None
        assert error.paths == ("$[2].total_tax.amount",)


@pytest.mark.parametrize("date", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"])
def test_a_date_out_of_all_bounds_is_told(answers: dict[str, Any], date: str) -> None:
    """
    A moment that no datetime in UTC can hold does not fit.
    """
    answer = copy.deepcopy(answers["invoices"])
    answer[0]["pay_date"] = date
    error = misfit_of(KINDS["invoices"], to_bytes(answer))
    assert error is not None
    assert error.paths == ("$[0].pay_date",)
