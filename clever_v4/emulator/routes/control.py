"""
``/_emulator/...``: the faults and the log of the emulator itself, for a client that is not in
its process. Answered without credentials, since it only listens on the loopback; so that no web
page that a browser has open can reach them, they are refused (403) to a ``Host`` that is another
name than ``localhost`` (an address is always taken) and to an ``Origin`` other than their own.

| route | does |
|---|---|
| ``GET /_emulator/`` | the owners, applications and add-ons |
| ``POST /_emulator/faults`` | queue plans: ``{"plans": [[{"kind": "cut", "after_bytes": 9}]]}``, with ``application_id`` or ``path`` if they are only for one |
| ``POST /_emulator/random`` | random plans: ``{"seed": 1, "stall_s": null, "unparsable": false}`` |
| ``DELETE /_emulator/faults`` | no faults from now on |
| ``GET /_emulator/connections`` | every stream since the start |
| ``POST /_emulator/publish`` | write entries: ``{"resource_id": "app_...", "message": "hi", "count": 1}`` |
| ``GET /_emulator/produced/{resource}`` | the entries that exist (``start``, ``stop``, ``access``) |
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
from aiohttp import web
from yarl import URL

from clever_v4.emulator.errors import Problem, bad_request, not_found
from clever_v4.emulator.faults import FAULTS, Fault
from clever_v4.emulator.logs import lookup
from clever_v4.emulator.query import Query
from clever_v4.emulator.state import State

PREFIX = "/_emulator/"

_MALFORMED = "The request body was malformed."


def kind_of(fault: type[Fault] | Fault) -> str:
    """
    A fault's name in JSON: ``too_many_requests`` for ``TooManyRequests``.
    """
    kind = fault if isinstance(fault, type) else type(fault)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


_KINDS: dict[str, Callable[..., Fault]] = {kind_of(kind): kind for kind in FAULTS}


def check_caller(request: web.Request) -> None:
    """
    Refuse a request that a browser sends for a page of somebody else's.

    A page whose name was pointed at the loopback (DNS rebinding) gives its own name as ``Host``;
    another page gives its ``Origin``.
    """
    origin = request.headers.get("Origin")
    if not _is_local(request.host) or origin not in {None, f"http://{request.host}"}:
        raise Problem(
            403, "clever.core.forbidden", "This route answers only programs of this machine."
        )


def _is_local(host: str) -> bool:
    try:
        name = URL(f"http://{host}").host or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """

    async def get_account(_request: web.Request) -> web.Response:
        return web.json_response(
            {
                "owners": [attrs.asdict(one) for one in state.owners.values()],
                "applications": [attrs.asdict(one) for one in state.applications.values()],
                "addons": [attrs.asdict(one) for one in state.addons.values()],
            }
        )

    async def list_connections(_request: web.Request) -> web.Response:
        skipped = attrs.filters.exclude("transport", "plan")
        connections = [
            attrs.asdict(one, filter=skipped)
            | {"plan": [{"kind": kind_of(fault)} | attrs.asdict(fault) for fault in one.plan]}
            for one in state.connections
        ]
        return web.json_response({"active": state.connections.active, "connections": connections})

    async def publish(request: web.Request) -> web.Response:
        body = await _body(request, {"resource_id", "message", "count", "access", "members"})
        try:
            log = lookup.log_of(
                state, str(body.get("resource_id")), access=bool(body.get("access"))
            )
            members = dict(body.get("members") or {})
            if body.get("message") is not None:
                members["message"] = str(body["message"])
            ids = log.publish(
                now_ms=state.now_s() * 1000,
                count=int(body.get("count", 1)),
                members={"service": "bas.service"} | members if members else None,
            )
        except KeyError:
            raise not_found(f"Resource {body.get('resource_id')} not found") from None
        except (TypeError, ValueError) as refusal:
            raise bad_request("body", str(refusal), _MALFORMED) from None
        return web.json_response({"ids": ids})

    async def produced(request: web.Request) -> web.Response:
        query = Query(request)
        resource_id = request.match_info["resource"]
        try:
            log = lookup.log_of(state, resource_id, access=bool(query.boolean("access")))
        except KeyError:
            raise not_found(f"Resource {resource_id} not found") from None
        start, stop = query.integer("start", minimum=0), query.integer("stop", minimum=0)
        indices = range(log.count(state.now_s() * 1000))[start:stop]
        return web.json_response([log.entry(index) for index in indices])

    return (
        web.get("/_emulator/", get_account),
        *_fault_routes(state),
        web.get("/_emulator/connections", list_connections),
        web.post("/_emulator/publish", publish),
        web.get("/_emulator/produced/{resource}", produced),
    )


def _fault_routes(state: State) -> Iterable[web.RouteDef]:
    async def push_faults(request: web.Request) -> web.Response:
        body = await _body(request, {"plans", "application_id", "path"})
        plans = body.get("plans")
        if not isinstance(plans, list):
            raise bad_request("plans", "must be a list of lists of faults", _MALFORMED)
        read = [[_fault(one) for one in (p if isinstance(p, list) else [p])] for p in plans]
        with _refusing("path"):
            state.faults.push(
                *read, application_id=body.get("application_id"), path=body.get("path")
            )
        return web.json_response({"pending": state.faults.pending})

    async def start_random(request: web.Request) -> web.Response:
        body = await _body(request, {"seed", "stall_s", "unparsable"})
        if not isinstance(body.get("seed"), int):
            raise bad_request("seed", f"{body.get('seed')!r} is not an integer", _MALFORMED)
        with _refusing("stall_s"):
            state.faults.random(
                body["seed"], stall_s=body.get("stall_s"), unparsable=bool(body.get("unparsable"))
            )
        return web.json_response({})

    async def clear_faults(_request: web.Request) -> web.Response:
        state.faults.clear()
        return web.json_response({"pending": 0})

    return (
        web.post("/_emulator/faults", push_faults),
        web.post("/_emulator/random", start_random),
        web.delete("/_emulator/faults", clear_faults),
    )


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """
    Answer 400 where an argument is refused.
    """
    try:
        yield
    except (TypeError, ValueError) as refusal:
        raise bad_request(name, str(refusal), _MALFORMED) from None


async def _body(request: web.Request, known: set[str]) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise bad_request("body", "is not JSON", _MALFORMED) from None
    if not isinstance(body, dict):
        raise bad_request("body", "is not an object", _MALFORMED)
    for name in body.keys() - known:
        raise bad_request(name, "is not known", _MALFORMED)
    return body


def _fault(given: object) -> Fault:
    if not isinstance(given, Mapping) or given.get("kind") not in _KINDS:
        kinds = ", ".join(_KINDS)
        raise bad_request("kind", f"{given!r} is not a fault with a kind of {kinds}", _MALFORMED)
    members = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if name != "kind"
    }
    try:
        return _KINDS[given["kind"]](**members)
    except (TypeError, ValueError) as refusal:
        raise bad_request(str(given["kind"]), str(refusal.args[0]), _MALFORMED) from None
