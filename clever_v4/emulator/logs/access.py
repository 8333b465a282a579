"""
Access log entries of all three kinds: HTTP, TCP redirections, SSH.

No member names the kind; it is told by ``http`` and ``requestId`` being null or not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from clever_v4.emulator.logs.messages import NUMBER, Template, template

_PLACES = (
    ("Nantes", "FR", 47.22, -1.55),
    ("Montréal", "CA", 45.5, -73.61),
    ("Singapore", "SG", 1.28, 103.84),
    (None, None, None, None),
)
_REQUESTS = (
    ("GET", "/", 200),
    ("GET", f"/api/orders/{NUMBER}", 200),
    ("POST", f"/api/basket?item={NUMBER}", 201),
    ("GET", f"/café/{NUMBER}?q=100%25", 404),
    ("PUT", f"/api/orders/{NUMBER}/address", 503),
)


def access_templates(
    draw: random.Random, *, resource_id: str, zone: str, instance_ids: Sequence[str]
) -> list[Template]:
    """
    Entries of a resource's access log; an add-on is only reached by TCP.
    """
    kinds = ["http"] * 24 + ["cut"] * 2 + ["tcp"] * 4 + ["ssh"] * 2
    if not resource_id.startswith("app_"):
        kinds = ["tcp"] * 16
    templates = []
    for number, kind in enumerate(kinds):
        method, path, status = _REQUESTS[number % len(_REQUESTS)]
        counts_in_path = kind == "http" and NUMBER in path
        members: dict[str, object] = {
            "applicationId": resource_id,
            "instanceId": instance_ids[number % len(instance_ids)],
            "requestId": None if kind == "ssh" else f"01H{draw.getrandbits(100):025X}",
            "bytesIn": draw.randrange(80, 4000),
            "bytesOut": draw.randrange(100, 90_000) if counts_in_path else NUMBER,
            "source": _end(draw, port=draw.randrange(1024, 65_536)),
            "destination": _end(draw, port={"ssh": 22, "tcp": 5432}.get(kind, 443)),
            "tls": "TLSv1.3" if kind in {"http", "cut"} else None,
            "zone": zone,
            "region": zone,
            "http": None,
        }
        if kind == "http":
            members["http"] = {
                "request": {
                    "host": "shop.example.com",
                    "method": method,
                    "path": path,
                    "scheme": "https",
                },
                "response": {
                    "statusCode": status,
                    "time": draw.randrange(1, 900),
                    "serviceTime": None if status == 503 else draw.randrange(1, 800),
                },
            }
        templates.append(template("ACCESS_LOG", members, draw))
    return templates


def _end(draw: random.Random, *, port: int) -> dict[str, object]:
    city, country_code, latitude, longitude = draw.choice(_PLACES)
    end: dict[str, object] = {"ip": f"203.0.113.{draw.randrange(256)}", "port": port}
    if city is not None:
        end["city"] = city
        end["countryCode"] = country_code
        end["geoLocation"] = {"latitude": latitude, "longitude": longitude}
    return end
