"""
Models as fields of pydantic models, and as what FastAPI endpoints return.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clever_v4
from clever_v4 import Deployment, DeploymentStep, HubStatistics, Money
from clever_v4.errors import NotFoundError
from clever_v4.fanout.hub import Hub
from tests.fanout.sources import FedSource, settle
from tests.relaying import uvicorn_server

pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")

# What is asked with, and what is given in; the other classes of the API are what it gives out.
ASKED = {
    *("DeploymentQuery", "InstanceQuery", "InvoiceQuery", "LogQuery", "Throttle"),
    *("StoragePoliciesChange", "StoragePolicyChange"),
}
PUBLIC = {name: getattr(clever_v4, name) for name in clever_v4.__all__}
MODELS = {
    name: cls
    for name, cls in PUBLIC.items()
    if attrs.has(cls) and ".api." in cls.__module__ and name not in ASKED
}
STATISTICS = {
    name: cls
    for name, cls in PUBLIC.items()
    if attrs.has(cls) and name.endswith(("Statistics", "Report", "Share"))
}

MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False)


def instances(cls: Any) -> Any:
    """
    Any instance of a model, by the types of its fields.
    """
    return st.builds(
        cls, **{f.alias: values(f.type) for f in attrs.fields(attrs.resolve_types(cls))}
    )


def values(type_: Any) -> Any:
    arguments = getattr(type_, "__args__", ())
    if arguments and getattr(type_, "__origin__", None) is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if arguments:
        return st.one_of([values(one) for one in arguments])
    named = {
        datetime: MOMENTS,
        Decimal: AMOUNTS,
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: st.text(st.characters(exclude_categories=["Cs"])),
        type(None): st.none(),
    }
    return (
        named[type_]
        if type_ in named
        else instances(type_)
        if attrs.has(type_)
        else st.from_type(type_)
    )


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=5)
@given(data=st.data())
def test_each_model_goes_through_pydantic_and_back(name: str, data: st.DataObject) -> None:
    """
    As JSON it has a member for each field, by its Python name, and the model comes out of it again;
    an instance that is given in is kept as it is.
    """
    cls = MODELS[name]
    adapter = pydantic.TypeAdapter(cls)
    model = data.draw(instances(cls))
    assert adapter.validate_python(model) is model
    text = adapter.dump_json(model)
    assert list(json.loads(text)) == [field.name for field in attrs.fields(cls)]
    assert adapter.validate_json(text) == model
    assert adapter.validate_python(adapter.dump_python(model)) == model


@pytest.mark.parametrize("mode", ["validation", "serialization"])
@pytest.mark.parametrize("name", MODELS | STATISTICS)
def test_each_has_a_json_schema(name: str, mode: Any) -> None:
    """
    It names the fields, which of them are required, and what the class is.
    """
    cls = (MODELS | STATISTICS)[name]
    schema = pydantic.TypeAdapter(list[cls]).json_schema(mode=mode)
    assert schema["items"] == {"$ref": f"#/$defs/{name}"}
    found = schema["$defs"][name]
    fields = attrs.fields(cls)
    assert list(found["properties"]) == [field.name for field in fields]
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    assert found.get("required", []) == required
    assert found["title"] == name
    assert " ".join((cls.__doc__ or "").split()).startswith(found["description"])
    assert found["description"].endswith(".")


def test_there_are_models() -> None:
    """
    The parametrised tests above have something to run.
    """
    assert {"Deployment", "LogEntry", "Invoice", "Zone", "Summary", "StoragePolicies"} <= set(
        MODELS
    )
    assert {"HubStatistics", "StreamStatistics", "DrainReport"} <= set(STATISTICS)


def test_what_does_not_fit_is_told_by_pydantic() -> None:
    """
    A member that is missing, or of another kind, is named like that of any pydantic model.
    """

    class Release(pydantic.BaseModel):  # type: ignore[name-defined,misc]
        deployment: Deployment
        price: Money | None = None

    with pytest.raises(pydantic.ValidationError) as caught:
        Release.model_validate({"deployment": {"id": 7}, "price": {"amount": "much"}})
    assert {(error["loc"], error["type"]) for error in caught.value.errors()} == {
        (("deployment", "id"), "string_type"),
        (("deployment", "state"), "missing"),
        (("price", "amount"), "decimal_parsing"),
        (("price", "currency"), "missing"),
    }
    money = Money(amount=Decimal("1.10"), currency="EUR")
    deployment = Deployment(id="d", state="SUCCEEDED")
    release = Release(deployment=deployment, price=money)
    assert release.deployment is deployment
    # Money keeps its digits, so it is text in JSON.
    assert json.loads(release.model_dump_json())["price"]["amount"] == "1.10"


async def test_a_fastapi_endpoint_returns_models() -> None:
    """
    A return annotation is enough, for the answer and for the documentation of the API.
    """
    fastapi = pytest.importorskip("fastapi", reason="FastAPI is not installed")
    app = fastapi.FastAPI()
    started = datetime(2026, 1, 1, tzinfo=UTC)
    steps = (DeploymentStep(state="QUEUED", date=started),)

    async def deployments() -> Any:
        return [Deployment(id="deployment_1", state="QUEUED", start_date=started, steps=steps)]

    deployments.__annotations__["return"] = list[Deployment]
    app.get("/deployments")(deployments)
    async with (
        uvicorn_server(app) as url,
        aiohttp.ClientSession(url) as http,
        http.get("/deployments") as answer,
    ):
        (found,) = await answer.json()
    assert found["start_date"] == "2026-01-01T00:00:00Z"
    assert found["steps"] == [{"state": "QUEUED", "date": "2026-01-01T00:00:00Z"}]
    assert found["has_dedicated_build"] is None
    document = app.openapi()
    content = document["paths"]["/deployments"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"]["items"] == {
        "$ref": "#/components/schemas/Deployment"
    }
    assert "owner_id" in document["components"]["schemas"]["Deployment"]["properties"]


async def test_statistics_are_given_out_as_well() -> None:
    """
    A hub's, with sources by their text, and errors by their type: their messages are not for all.
    """
    error = NotFoundError(status=404, code="x", message="secret", request_id=None, body=None)

    @attrs.frozen
    class Key:
        name: str

        def __str__(self) -> str:
            return self.name

    async with Hub[Key, Any]() as hub:
        running, failing = FedSource(), FedSource()
        hub.follow(Key("running"), running)
        hub.follow(Key("failing"), failing)
        async with hub.subscribe(name="archive"):
            running.feed("one")
            failing.fail(error)
            await settle()
            statistics = hub.statistics()
            found = pydantic.TypeAdapter(HubStatistics[Key]).dump_python(statistics, mode="json")
    assert [(one["source"], one["state"], one["error"]) for one in found["sources"]] == [
        ("running", "open", None),
        ("failing", "failed", "NotFoundError"),
    ]
    assert found["received"] == 1
    assert found["subscribers"][0]["name"] == "archive"
    assert "secret" not in json.dumps(found)


def test_statistics_of_a_stream_are_given_out_within_those_of_its_source() -> None:
    """
    What a source tells of itself is given out as it would be by itself.
    """
    date, second = datetime(2026, 1, 1, tzinfo=UTC), timedelta(seconds=1)
    stream = empty(clever_v4.StreamStatistics, last_contact=date, lag=second)
    source = empty(
        clever_v4.SourceStatistics,
        source="a",
        state=clever_v4.SourceState.OPEN,
        paused=second,
        upstream=stream,
    )
    alone = pydantic.TypeAdapter(clever_v4.StreamStatistics).dump_python(stream, mode="json")
    within = pydantic.TypeAdapter(clever_v4.SourceStatistics).dump_python(source, mode="json")
    assert within["upstream"] == alone
    assert alone["lag"] == "PT1S"


def empty(cls: Any, **members: Any) -> Any:
    """Statistics that count nothing but what is given."""
    zeros = {f.name: None if "None" in str(f.type) else 0 for f in attrs.fields(cls)}
    return cls(**zeros | members)
