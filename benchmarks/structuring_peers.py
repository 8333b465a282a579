"""
The other ways from bytes to objects, of the same shape as the library's models.

By hand: as the official Python SDK does it, frozen and slotted dataclasses that are filled from
httpx's ``json()`` by helpers that check each value. pydantic: models with aliases, read by
``validate_json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import pydantic
from pydantic.alias_generators import to_camel

# --- by hand -----------------------------------------------------------------------------


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("expected an object")
    return value


def _need(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise TypeError(f"missing or invalid {key}")
    return value


def _text(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) and value else None


def _int(data: Mapping[str, Any], key: str) -> int | None:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value


def _bool(data: Mapping[str, Any], key: str) -> bool | None:
    value = data.get(key)
    return value if isinstance(value, bool) else None


def _decimal(data: Mapping[str, Any], key: str) -> Decimal | None:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value))


def _moment(data: Mapping[str, Any], key: str) -> datetime | None:
    value = data.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise TypeError(f"{key}: expected a date")
    parsed = datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class HandNetwork:
    ip: str | None
    port: int | None


@dataclass(frozen=True, slots=True)
class HandInstance:
    id: str
    state: str
    owner_id: str | None
    application_id: str | None
    deployment_id: str | None
    name: str | None
    flavor: str | None
    index: int | None
    hypervisor_id: str | None
    creation_date: datetime | None
    deletion_date: datetime | None
    network: HandNetwork | None
    is_build_vm: bool | None

    @classmethod
    def read(cls, value: Any) -> HandInstance:
        data = _object(value)
        network = data.get("network")
        return cls(
            id=_need(data, "id"),
            state=_need(data, "state"),
            owner_id=_text(data, "ownerId"),
            application_id=_text(data, "applicationId"),
            deployment_id=_text(data, "deploymentId"),
            name=_text(data, "name"),
            flavor=_text(data, "flavor"),
            index=_int(data, "index"),
            hypervisor_id=_text(data, "hypervisorId"),
            creation_date=_moment(data, "creationDate"),
            deletion_date=_moment(data, "deletionDate"),
            network=HandNetwork(_text(network, "ip"), _int(network, "port"))
            if isinstance(network, Mapping)
            else None,
            is_build_vm=_bool(data, "isBuildVm"),
        )


@dataclass(frozen=True, slots=True)
class HandStep:
    state: str
    date: datetime | None


@dataclass(frozen=True, slots=True)
class HandVersion:
    commit_id: str | None


@dataclass(frozen=True, slots=True)
class HandOrigin:
    action: str | None
    cause: str | None
    source: str | None
    author_id: str | None
    constraints: tuple[str, ...]
    priority: str | None

    @classmethod
    def read(cls, value: Any) -> HandOrigin:
        data = _object(value)
        return cls(
            action=_text(data, "action"),
            cause=_text(data, "cause"),
            source=_text(data, "source"),
            author_id=_text(data, "authorId"),
            constraints=tuple(str(one) for one in data.get("constraints") or ()),
            priority=_text(data, "priority"),
        )


@dataclass(frozen=True, slots=True)
class HandDeployment:
    id: str
    state: str
    owner_id: str | None
    application_id: str | None
    start_date: datetime | None
    steps: tuple[HandStep, ...]
    version: HandVersion | None
    origin: HandOrigin | None
    has_dedicated_build: bool | None

    @classmethod
    def read(cls, value: Any) -> HandDeployment:
        data = _object(value)
        version, origin = data.get("version"), data.get("origin")
        return cls(
            id=_need(data, "id"),
            state=_need(data, "state"),
            owner_id=_text(data, "ownerId"),
            application_id=_text(data, "applicationId"),
            start_date=_moment(data, "startDate"),
            steps=tuple(
                HandStep(_need(step, "state"), _moment(step, "date"))
                for step in map(_object, data.get("steps") or ())
            ),
            version=HandVersion(_text(version, "commitId"))
            if isinstance(version, Mapping)
            else None,
            origin=HandOrigin.read(origin) if origin is not None else None,
            has_dedicated_build=_bool(data, "hasDedicatedBuild"),
        )


@dataclass(frozen=True, slots=True)
class HandMoney:
    amount: Decimal | None
    currency: str
    amount_formatted: str | None
    default_display: str | None

    @classmethod
    def read(cls, value: Any) -> HandMoney:
        data = _object(value)
        return cls(
            amount=_decimal(data, "amount"),
            currency=_need(data, "currency"),
            amount_formatted=_text(data, "amount_formatted"),
            default_display=_text(data, "default_display"),
        )


@dataclass(frozen=True, slots=True)
class HandAddress:
    address_id: str | None
    owner_id: str | None
    name: str | None
    company: str | None
    address: str | None
    city: str | None
    zipcode: str | None
    country_alpha2: str | None
    vat_number: str | None
    vat_percent: Decimal | None
    customer_cost_center: str | None
    customer_purchase_order: str | None

    @classmethod
    def read(cls, value: Any) -> HandAddress:
        data = _object(value)
        return cls(
            address_id=_text(data, "address_id"),
            owner_id=_text(data, "owner_id"),
            name=_text(data, "name"),
            company=_text(data, "company"),
            address=_text(data, "address"),
            city=_text(data, "city"),
            zipcode=_text(data, "zipcode"),
            country_alpha2=_text(data, "country_alpha2"),
            vat_number=_text(data, "vat_number"),
            vat_percent=_decimal(data, "vat_percent"),
            customer_cost_center=_text(data, "customer_cost_center"),
            customer_purchase_order=_text(data, "customer_purchase_order"),
        )


@dataclass(frozen=True, slots=True)
class HandInvoice:
    invoice_number: str
    status: str
    emission_date: datetime | None
    currency: str
    total_tax_excluded: HandMoney
    total_tax: HandMoney
    kind: str | None
    type: str | None
    owner_id: str | None
    address: HandAddress | None
    pay_date: datetime | None
    kpi_compute_months: Decimal | None
    price_factor: Decimal | None
    discount: Decimal | None
    vat_percent: Decimal | None
    category: str | None
    payment_provider: str | None
    transaction_id: str | None
    customer_order_id: str | None
    invoice_day_plan: Decimal | None

    @classmethod
    def read(cls, value: Any) -> HandInvoice:
        data = _object(value)
        address = data.get("address")
        return cls(
            invoice_number=_need(data, "invoice_number"),
            status=_need(data, "status"),
            emission_date=_moment(data, "emission_date"),
            currency=_need(data, "currency"),
            total_tax_excluded=HandMoney.read(data.get("total_tax_excluded")),
            total_tax=HandMoney.read(data.get("total_tax")),
            kind=_text(data, "kind"),
            type=_text(data, "type"),
            owner_id=_text(data, "owner_id"),
            address=HandAddress.read(address) if address is not None else None,
            pay_date=_moment(data, "pay_date"),
            kpi_compute_months=_decimal(data, "kpi_compute_months"),
            price_factor=_decimal(data, "price_factor"),
            discount=_decimal(data, "discount"),
            vat_percent=_decimal(data, "vat_percent"),
            category=_text(data, "category"),
            payment_provider=_text(data, "payment_provider"),
            transaction_id=_text(data, "transaction_id"),
            customer_order_id=_text(data, "customer_order_id"),
            invoice_day_plan=_decimal(data, "invoice_day_plan"),
        )


# --- pydantic ----------------------------------------------------------------------------


def _null_is_empty(value: Any) -> Any:
    return () if value is None else value


class _Camel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")


class _Snake(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")


class PydanticNetwork(_Camel):
    ip: str | None = None
    port: int | None = None


class PydanticInstance(_Camel):
    id: str
    state: str
    owner_id: str | None = None
    application_id: str | None = None
    deployment_id: str | None = None
    name: str | None = None
    flavor: str | None = None
    index: int | None = None
    hypervisor_id: str | None = None
    creation_date: datetime | None = None
    deletion_date: datetime | None = None
    network: PydanticNetwork | None = None
    is_build_vm: bool | None = None


class PydanticStep(_Camel):
    state: str
    date: datetime | None = None


class PydanticVersion(_Camel):
    commit_id: str | None = None


class PydanticOrigin(_Camel):
    action: str | None = None
    cause: str | None = None
    source: str | None = None
    author_id: str | None = None
    constraints: Annotated[tuple[str, ...], pydantic.BeforeValidator(_null_is_empty)] = ()
    priority: str | None = None


class PydanticDeployment(_Camel):
    id: str
    state: str
    owner_id: str | None = None
    application_id: str | None = None
    start_date: datetime | None = None
    steps: Annotated[tuple[PydanticStep, ...], pydantic.BeforeValidator(_null_is_empty)] = ()
    version: PydanticVersion | None = None
    origin: PydanticOrigin | None = None
    has_dedicated_build: bool | None = None


class PydanticMoney(_Snake):
    amount: Decimal
    currency: str
    amount_formatted: str | None = None
    default_display: str | None = None


class PydanticAddress(_Snake):
    address_id: str | None = None
    owner_id: str | None = None
    name: str | None = None
    company: str | None = None
    address: str | None = None
    city: str | None = None
    zipcode: str | None = None
    country_alpha2: str | None = None
    vat_number: str | None = None
    vat_percent: Decimal | None = None
    customer_cost_center: str | None = None
    customer_purchase_order: str | None = None


class PydanticInvoice(_Snake):
    invoice_number: str
    status: str
    emission_date: datetime
    currency: str
    total_tax_excluded: PydanticMoney
    total_tax: PydanticMoney
    kind: str | None = None
    type: str | None = None
    owner_id: str | None = None
    address: PydanticAddress | None = None
    pay_date: datetime | None = None
    kpi_compute_months: Decimal | None = None
    price_factor: Decimal | None = None
    discount: Decimal | None = None
    vat_percent: Decimal | None = None
    category: str | None = None
    payment_provider: str | None = None
    transaction_id: str | None = None
    customer_order_id: str | None = None
    invoice_day_plan: Decimal | None = None
