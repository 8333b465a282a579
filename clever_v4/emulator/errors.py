"""
What the API answers when something is wrong, in both generations of its error bodies.

Source of the bodies: the official JavaScript client's test server (snake case, a wrapper key in
``context``) and the models that the official Go SDK generates (camel case, a ``type`` in
``context``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

import attrs
from aiohttp import web

ErrorGeneration = Literal["2023", "2026"]
"""``2023``: ``api_request_id`` and ``{"OVDErrorFieldContext": {...}}``.
``2026``: ``apiRequestId`` and ``{"type": "field", ...}``."""


@attrs.frozen
class Field:
    """
    The member of a request that was wrong: its name and what is said about its value.

    Attributes:
        name: Which member.
        value: What is said about it.
    """

    name: str
    value: str


class Problem(Exception):  # noqa: N818 -- an answer of the API, not an error of the emulator
    """
    Raised by a handler, answered by the emulator as an error body of the API.
    """

    def __init__(
        self,
        status: int,
        code: str,
        error: str,
        *,
        field: Field | None = None,
        headers: Mapping[str, str] | None = None,
        v2_id: int | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {error}")
        self.status = status
        self.code = code
        self.error = error
        self.field = field
        self.headers: dict[str, str] = dict(headers or {})
        self.v2_id: int = status if v2_id is None else v2_id


def bad_request(
    name: str, value: str, error: str = "The query parameter was malformed."
) -> Problem:
    """
    400 that names the member and says what is wrong with its value.
    """
    return Problem(400, "clever.core.bad-request", error, field=Field(name, value))


def unauthorized() -> Problem:
    """
    401 as for missing, unknown or wrongly signed credentials.
    """
    return Problem(
        401, "clever.auth.unauthorized", "Unauthorized to access this resource.", v2_id=2001
    )


def not_found(error: str, *, v2_id: int = 4004) -> Problem:
    """
    404 with its text.
    """
    return Problem(404, "clever.core.not-found", error, v2_id=v2_id)


def topic_not_found(owner_id: str, resource_id: str, *, topic: str = "logs") -> Problem:
    """
    404 of a log stream whose resource is unknown or has never logged.
    """
    name = f"persistent://{owner_id}/{topic}/{resource_id}-partition-0"
    return not_found(f"Partitioned Topic not found: {name} has zero partitions")


def too_many_requests(path: str, retry_after: str | None = None) -> Problem:
    """
    429, with a ``Retry-After`` header when one is given (seconds or an HTTP date).

    v2 says it with 403 and an id of 403 (official client, handle-http-errors.ts).
    """
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    if path.startswith("/v2/"):
        text = "You have performed that request too much."
        return Problem(403, "clever.core.too-many-requests", text, headers=headers)
    return Problem(429, "clever.core.too-many-requests", "Too many requests.", headers=headers)


def error_response(
    problem: Problem, *, path: str, request_id: str, generation: ErrorGeneration
) -> web.Response:
    """
    The response for a problem: v2's body under ``/v2/``, else the chosen generation of v4's.

    The content type is exactly ``application/json``: the official client's streams compare it.
    """
    body: dict[str, object]
    if path.startswith("/v2/"):
        body = {"id": problem.v2_id, "message": problem.error, "type": "error"}
        if problem.field is not None:
            body["fields"] = {problem.field.name: problem.field.value}
    elif generation == "2023":
        body = {
            "api_request_id": f"request_http_{request_id}",
            "code": problem.code,
            "context": _wrapped(problem.field),
            "error": problem.error,
        }
    else:
        body = {
            "apiRequestId": f"request_http_{request_id}",
            "code": problem.code,
            "context": _typed(problem.field),
            "error": problem.error,
        }
    return web.Response(
        status=problem.status,
        body=json.dumps(body, ensure_ascii=False).encode(),
        content_type="application/json",
        headers=problem.headers,
    )


def _wrapped(field: Field | None) -> dict[str, object]:
    if field is None:
        return {}
    return {"OVDErrorFieldContext": {"fieldName": field.name, "fieldValue": field.value}}


def _typed(field: Field | None) -> dict[str, object]:
    if field is None:
        return {"type": "empty"}
    return {"type": "field", "fieldName": field.name, "fieldValue": field.value}
