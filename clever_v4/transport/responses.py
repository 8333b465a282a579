"""
What an answer says: a payload, or the right error. Pure: no sockets, no clock.

The bodies of errors come in four kinds: both generations of v4's
(``api_request_id`` with a wrapped context, ``apiRequestId`` with a typed
one), v2's (``id``, ``message``, or Play's validation map), and what gateways
say (HTML, XML, nothing). JSON is sometimes sent as ``text/plain``, so the
content type is not asked. Source: clever-client.js
``src/lib/error/handle-http-errors.ts``, the Go SDK's ``models/o_v_d_error_*``.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, overload

import attrs

from clever_v4.errors import (
    APIError,
    NeverLoggedError,
    RateLimitedError,
    ResponseFormatError,
    error_class_for,
)
from clever_v4.http_dates import parse_http_date
from clever_v4.wire.converter import converter
from clever_v4.wire.scalars import text as whole_text

from .redaction import redact

__all__ = [
    "DOCUMENT_SHOWN_BYTES",
    "ERROR_BODY_LIMIT_BYTES",
    "REQUEST_ID_HEADER",
    "Response",
    "document_error",
    "error_from",
    "is_document",
    "is_success",
    "retry_after_from",
]

T = TypeVar("T")

REQUEST_ID_HEADER: Final = "Sozu-Id"
"""The header that names an exchange to Clever Cloud's support; on every answer."""

ERROR_BODY_LIMIT_BYTES: Final = 64 * 1024
"""How much of the body of an error is read."""

DOCUMENT_SHOWN_BYTES: Final = 4096
"""How much of what came instead of a document is looked at for words."""

_BODY_KEPT: Final = 2048
_MESSAGE_KEPT: Final = 500


@attrs.frozen(kw_only=True)
class Response:
    """
    One answer, read whole.

    Attributes:
        status: The status, such as 200.
        headers: Case-insensitive.
        body: The whole of it.
        request_id: The ``Sozu-Id``: what Clever Cloud's support asks for.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=lambda body: f"<{len(body):,} bytes>")
    request_id: str | None

    @property
    def text(self) -> str:
        """
        The body as text; bytes that are not UTF-8 become U+FFFD.
        """
        return self.body.decode("utf-8", "replace")

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, type_: type[T]) -> T: ...
    def json(self, type_: Any = Any) -> Any:
        """
        Read the body as JSON, whatever its content type says.

        Args:
            type_: What to structure it into; plain Python values when left out.

        Raises:
            ResponseFormatError: The body is not JSON or does not fit.
        """
        try:
            return converter.loads(self.body, type_)
        except ResponseFormatError as exc:
            exc.request_id = self.request_id
            raise


def is_success(status: int) -> bool:
    """
    Tell whether a status is one of success; a redirect is none, since none is followed.
    """
    return 200 <= status <= 299


# --- errors --------------------------------------------------------------------------


def error_from(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    method: str | None = None,
    url: str | None = None,
    now: datetime | None = None,
    secrets: tuple[str, ...] = (),
) -> APIError:
    """
    Make the error that an answer stands for.

    Args:
        status: HTTP status.
        headers: Case-insensitive headers.
        body: The body, as far as it was read.
        method: What was asked, for the message.
        url: The address without its query, for the message.
        now: For a ``Retry-After`` that is a date, where the answer has no
            ``Date``.
        secrets: Texts that must not appear in the error, since some gateways
            echo the request.
    """
    text = redact(body.decode("utf-8-sig", "replace"), secrets)
    parsed = _parse_object(text)
    found = None
    with contextlib.suppress(RecursionError):  # nested deeper than anything that words tell of
        found = _from_object(parsed) if parsed is not None else None
    message, code, context = found or (_from_text(text), None, {})
    if 300 <= status <= 399:
        target = redact(headers.get("Location", "another place"), secrets)
        message = message or f"a redirect to {target.partition('?')[0]}, which is not followed"
    return _class_for(status, parsed, message)(
        _clip(whole_text(message), _MESSAGE_KEPT),
        status=status,
        code=None if code is None else whole_text(code),
        request_id=_request_id(headers, secrets),
        api_request_id=_string(parsed, "apiRequestId", "api_request_id"),
        body=_clip(text, _BODY_KEPT),
        context=context,
        retry_after=retry_after_from(headers, now=now),
        method=method,
        url=url,
    )


def _class_for(status: int, parsed: Mapping[str, Any] | None, message: str) -> type[APIError]:
    # API v2 refuses too many requests with a 403 whose body has the id 403:
    # "You have performed that request too much.", says handle-http-errors.ts.
    if status == 403 and parsed is not None and parsed.get("id") in (403, "403"):
        return RateLimitedError
    # There is no code of its own for it (test-sse-server.js of the official client).
    if status == 404 and "topic not found" in message.lower():
        return NeverLoggedError
    return error_class_for(status)


def _parse_object(text: str) -> dict[str, Any] | None:
    if text.lstrip()[:1] != "{":
        return None
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _from_object(parsed: Mapping[str, Any]) -> tuple[str, str | None, dict[str, Any]]:
    message = _string(parsed, "message", "error") or ""
    code = _string(parsed, "code", "id")
    context = parsed.get("context")
    if not isinstance(context, dict):
        context = {}
    if isinstance(parsed.get("fields"), dict):  # v2
        context = {**context, "fields": parsed["fields"]}
    if not message and code is None and parsed:
        # Play's validation map: {"obj.urls": [{"msg": ["error.path.missing"], "args": []}]}
        message = "; ".join(f"{name}: {_plain(faults)}" for name, faults in parsed.items())
        context = context or dict(parsed)
    else:
        message = " ".join(filter(None, (message, _details(context))))
    return message, code, context


def _details(context: Mapping[str, Any]) -> str:
    """
    Say in words what the context of either generation adds.
    """
    inner = context.get("OVDErrorFieldContext", context)
    found = "; ".join(_fields(inner)) if isinstance(inner, dict) else ""
    return f"({found})" if found else ""


def _fields(context: Mapping[str, Any]) -> Iterator[str]:
    name = _string(context, "fieldName", "name")
    if name is not None:
        error = context.get("error")
        yield f"{name}: {_field_value(error if isinstance(error, dict) else context)}"
    several = context.get("fields")
    if isinstance(several, dict):
        for name, value in several.items():
            yield f"{name}: {_field_value(value) if isinstance(value, dict) else _plain(value)}"
    names = context.get("inputNames", context.get("names"))
    if isinstance(names, list):
        yield f"input: {_plain(names)}"
    if "resourceType" in context:
        yield " ".join(
            _plain(context[key])
            for key in ("operation", "resourceType", "resourceName")
            if key in context
        )
    if isinstance(context.get("elem"), list):
        for elem in context["elem"]:
            if isinstance(elem, dict):
                yield from _fields(elem)
    if "originalStatus" in context:
        yield f"the gateway's origin answered {_plain(context['originalStatus'])}"


def _field_value(value: Mapping[str, Any]) -> str:
    parts = (value.get("fieldValue", value.get("value")), value.get("reason"))
    return ", ".join(_plain(part) for part in parts if part is not None) or "refused"


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(member) for member in value)
    if isinstance(value, dict):
        return _plain(value["msg"]) if "msg" in value else json.dumps(value, ensure_ascii=False)
    return str(value)


# Each looks at a character once, however the page is broken: what is never closed goes to the end.
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_MARKUP = re.compile(r"<(style|script)\b.*?(?:</\1\s*>|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL)


def _from_text(text: str) -> str:
    """
    Find the words in what is not JSON: a page's title, its text without markup, or plain text.
    """
    stripped = text.strip()
    if stripped.startswith("<"):
        import html  # its table of entities is only needed for pages

        title = _TITLE.search(stripped)
        stripped = html.unescape(
            title[1] if title and title[1].strip() else _MARKUP.sub(" ", stripped)
        )
    elif stripped.startswith('"') and stripped.endswith('"'):
        with contextlib.suppress(ValueError):
            stripped = str(json.loads(stripped))
    return " ".join(stripped.split())


def _string(parsed: Mapping[str, Any] | None, *names: str) -> str | None:
    for name in names:
        value = (parsed or {}).get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


# --- documents -------------------------------------------------------------------------

_DOCUMENT_SHOWN: Final = 200
# What says nothing of a body is taken at its word.
_UNTYPED: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def is_document(status: int, headers: Mapping[str, str], media_type: str) -> bool:
    """
    Tell whether an answer is a document of a type, or may be: not all say what they are.

    A gateway's page or a sign-in form with the status 200 must not be saved as
    an invoice.
    """
    got = _media_type(headers)
    return status == 200 and ("*" in media_type or got in _UNTYPED or got == media_type)


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def document_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    media_type: str,
    *,
    secrets: tuple[str, ...] = (),
) -> ResponseFormatError:
    """
    Make the error that an answer is instead of a document.

    Args:
        status: HTTP status, of success.
        headers: Case-insensitive headers.
        body: The beginning of the body, for the message.
        media_type: What was asked for; a pattern such as ``*/*`` takes anything.
        secrets: Texts that must not appear in the error.
    """
    # Before it is written in lower case, in which nothing secret would be known again.
    got = _media_type({"Content-Type": redact(headers.get("Content-Type", ""), secrets)})
    what = got or "an answer without a type"
    told = f"expected {media_type}, got {what}" + (f" with HTTP {status}" if status != 200 else "")
    words = _clip(_from_text(redact(body.decode("utf-8-sig", "replace"), secrets)), _DOCUMENT_SHOWN)
    return ResponseFormatError(
        redact(f"{told}: {words}" if words and got.startswith("text/") else told, secrets),
        request_id=_request_id(headers, secrets),
    )


def _request_id(headers: Mapping[str, str], secrets: tuple[str, ...]) -> str | None:
    given = headers.get(REQUEST_ID_HEADER)
    return None if given is None else redact(given, secrets)


# --- Retry-After -----------------------------------------------------------------------


def retry_after_from(
    headers: Mapping[str, str], *, now: datetime | None = None
) -> timedelta | None:
    """
    Read ``Retry-After`` in both of its forms: seconds, or a date.

    A date is counted from the answer's own ``Date``, so that a clock that is
    wrong here does not matter; from *now* where there is none. A value that is
    neither form counts as absent, one in the past as zero.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        # 10**9 s are 31 years; timedelta itself ends at 10**9 days.
        return timedelta(seconds=min(int(value[:12]), 10**9))
    until = parse_http_date(value, now=now)
    since = parse_http_date(headers.get("Date", ""), now=now) or now
    if until is None or since is None:
        return None
    return max(until - since, timedelta(0))
