"""
The log events that the benchmark server sends: deterministic, with the shape and size of real ones.

An event has the 14 fields of ``APPLICATION_LOG`` and is about 600 bytes long on the wire, frame
included. Every event has an id of its own, as on the real API.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

OWNER_ID = "orga_7c2e1c7f-3d0e-4b63-9a55-6a1d2f0c9b11"
APPLICATION_ID = "app_0d4f6f3a-52d4-4f4e-8b2e-1f5c8d7a9e20"

HEARTBEAT = b"event:HEARTBEAT\ndata:\n\n"
END_OF_STREAM = b'event:END_OF_STREAM\ndata:{"endedBy":"UNTIL_REACHED"}\n\n'

_FIRST_DATE = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_COMMIT_ID = "9f2c4b7d1e8a6053c4b7d1e8a60539f2c4b7d1e8"
_DEPLOYMENT_ID = "deployment_5b1f0c3e-8a47-4f0e-9c36-d2a1b7e4f580"
_INSTANCES = (
    "3a9c1f60-7b2d-4e85-9f14-c0d8a6b35e72",
    "b81e7d25-4c90-4a3f-8e67-15f2d9c40a6b",
    "e64f0a83-92d7-4b1c-a5f8-70c3b9d1e246",
)
_SEVERITIES = ((6, "info"), (6, "info"), (6, "info"), (4, "warning"), (3, "err"))


def entry(number: int) -> dict[str, Any]:
    """
    Return log entry *number* as the API's JSON object; the same for the same number.
    """
    chance = random.Random(number)
    priority, severity = chance.choice(_SEVERITIES)
    date = _FIRST_DATE + timedelta(milliseconds=3 * number)
    return {
        "id": f"{210_041_493 + number // 50_000}:{number % 50_000}:{number % 3}",
        "date": date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "message": _message(chance),
        "applicationId": APPLICATION_ID,
        "commitId": _COMMIT_ID,
        "deploymentId": _DEPLOYMENT_ID,
        "instanceId": chance.choice(_INSTANCES),
        "zone": "par",
        "service": "bas.service",
        "severity": severity,
        "priority": priority,
        "pid": chance.randrange(200, 32_000),
        "facility": "daemon",
        "version": "1",
    }


def frame(log_entry: dict[str, Any]) -> bytes:
    """
    Return *log_entry* as an event on the wire, its fields in the order of the official test server.
    """
    data = json.dumps(log_entry, ensure_ascii=False, separators=(",", ":"))
    return f"id:{log_entry['id']}\nevent:APPLICATION_LOG\ndata:{data}\n\n".encode()


@lru_cache(maxsize=4)
def frames(count: int) -> tuple[bytes, ...]:
    """
    Return the first *count* events on the wire.
    """
    return tuple(frame(entry(number)) for number in range(count))


def big_frame(number: int, size_bytes: int) -> bytes:
    """
    Return one event whose message alone has *size_bytes* bytes.
    """
    line = "0123456789abcdef" * 64
    message = (line * (size_bytes // len(line) + 1))[:size_bytes]
    return frame({**entry(number), "message": message})


def pieces(body: bytes, size_bytes: int) -> Iterator[bytes]:
    """
    Cut *body* into pieces of *size_bytes*; the last may be shorter.
    """
    for start in range(0, len(body), size_bytes):
        yield body[start : start + size_bytes]


def _message(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.6:
        return (
            f"10.2.{chance.randrange(256)}.{chance.randrange(256)} - - "
            f'"GET /api/v1/orders/{chance.randrange(10**6)}?page={chance.randrange(40)} HTTP/1.1" '
            f"{chance.choice((200, 200, 200, 304, 404))} {chance.randrange(90_000)} "
            f'"https://shop.example.com/catalogue" {chance.randrange(900)}ms'
        )
    if kind < 0.85:
        return json.dumps(
            {
                "level": "info",
                "logger": "shop.checkout",
                "order": chance.randrange(10**8),
                "text": "payment accepted, stock reserved",
                "elapsed_ms": chance.randrange(2_000),
            }
        )
    if kind < 0.95:
        return (
            "    at com.example.shop.OrderService.reserve"
            f"(OrderService.java:{chance.randrange(40, 900)}) ~[shop-1.42.0.jar!/:1.42.0] "
            "caused by: connection pool exhausted"
        )
    return f"\u001b[32m✔\u001b[0m tâche planifiée {chance.randrange(10**6)} terminée 🚀 en {kind:.3f} s"
