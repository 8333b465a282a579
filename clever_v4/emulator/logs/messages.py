"""
What logs say: realistic entries, made once as templates whose only varying parts are the id, the
date and a number, so that a million entries cost a million byte formattings and no JSON.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import overload

import attrs

LONG_LINE_BYTES = 300_000
"""Length of the very long line, in bytes."""

NUMBER = "{n}"
"""Where the entry's number goes; exactly once in every template."""

MESSAGES = (
    '203.0.113.7 - - "GET /api/orders/{n} HTTP/1.1" 200 1843 "-" "Mozilla/5.0"',
    '198.51.100.23 - - "POST /api/basket?item={n} HTTP/1.1" 201 96 "https://shop.example/" "-"',
    '203.0.113.99 - - "GET /assets/app.js?v={n} HTTP/2" 304 0 "-" "curl/8.5.0"',
    '192.0.2.40 - - "DELETE /api/basket/{n} HTTP/1.1" 500 213 "-" "okhttp/4.12"',
    '{"level":"info","event":"order.paid","order":{n},"amount":42.50,"currency":"EUR"}',
    '{"level":"warn","event":"stock.low","sku":"ZX-9","left":3,"request_id":"req-{n}","tags":[]}',
    "\x1b[32minfo\x1b[0m: worker \x1b[1m#{n}\x1b[0m picked up the job",
    "\x1b[33mwarn\x1b[0m: slow query, {n} rows scanned \x1b[2m(1.9 s)\x1b[0m",
    "\x1b[31;1merror\x1b[0m: upstream refused the connection, attempt {n}",
    "🚀 Release {n} is live: café, naïve, 東京, Ελλάδα, 👩‍💻",
    "🛒 Panier n° {n} validé — merci !",
    "Listening on 0.0.0.0:8080 (pid {n})",
    "\tindented with a tab: step {n} of the migration",
    "  two spaces before and two after: {n}  ",
    'key=value path=C:\\temp\\job-{n}\\out quote="double" slash=/ percent=100%',
    "data: this line looks like a field of the protocol, {n}",
    "id: {n}",
    "GET /health {n}",
)
"""One-line messages."""

PYTHON_TRACE = """\
Traceback (most recent call last):
  File "/home/bas/app/worker.py", line 88, in run
    await self.handle(job_{n})
  File "/home/bas/app/handlers.py", line 31, in handle
    raise ValueError(
        f"unknown kind {kind!r}",
    )
ValueError: unknown kind 'refund'"""

JAVA_TRACE = """\
java.lang.IllegalStateException: order {n} is already shipped\r
\tat shop.Orders.cancel(Orders.java:142)\r
\tat shop.Api.delete(Api.java:77)\r
\t... 23 more"""

STACK_TRACES = (PYTHON_TRACE, JAVA_TRACE)
"""Messages of several lines, with their indentation; one has Windows' ends of line."""

RESET = "\x1b[0m"
"""A message of its own, as build logs have it; the official CLI leaves it out."""

DEPLOY_MESSAGES = (
    "Build succeeded in 0 minutes and {n} seconds",
    "Successfully deployed in 0 minutes and {n} seconds",
    "Fetching sources, {n} objects",
)
"""What the deployment's own unit says."""

POSTGRESQL_MESSAGES = (
    "2024-03-27 10:00:00 UTC [{n}]: LOG:  checkpoint complete: wrote 41 buffers (0.3%)",
    "LOG:  duration: {n}.218 ms  statement: SELECT *\n\tFROM orders\n\tWHERE id = $1",
    'ERROR:  duplicate key value violates unique constraint "orders_pkey" ({n})',
    "LOG:  connection received: host=192.0.2.11 port={n}",
)
"""What a database says."""


@attrs.frozen
class Template:
    """
    One kind of entry, encoded but for its id, its date and its number.

    Attributes:
        frame: The whole event as a format of (id, id, date, number).
        service: The systemd unit, to choose entries by without decoding them.
        date_suffix: What follows the milliseconds: ``Z``, ``Z[UTC]``, or None for more digits.
    """

    frame: bytes
    service: str
    date_suffix: str | None


@attrs.frozen
class Rollout:
    """
    What runs during one era of an application's log.

    Attributes:
        commit_id: What was deployed.
        deployment_id: ``deployment_…``.
        instance_ids: What runs it.
    """

    commit_id: str
    deployment_id: str
    instance_ids: tuple[str, str]


def rollout_of(draw: random.Random) -> Rollout:
    """
    The rollout of an era, from the generator of that era's log.
    """
    commit_id = f"{draw.getrandbits(160):040x}"
    deployment_id = f"deployment_{uuid_of(draw)}"
    return Rollout(commit_id, deployment_id, (uuid_of(draw), uuid_of(draw)))


class Templates(Sequence[Template]):
    """
    Templates that are made when they are first used: with thousands of applications most of
    them never are.
    """

    def __init__(self, make: Callable[[int], Template], count: int) -> None:
        self._make = make
        self._made: list[Template | None] = [None] * count

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, index: int) -> Template: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Template]: ...

    def __getitem__(self, index: int | slice) -> Template | Sequence[Template]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        made = self._made[index]
        if made is None:
            made = self._made[index] = self._make(index)
        return made


def application_templates(
    draw: random.Random, *, application_id: str, zone: str, era: int, services: Sequence[str]
) -> Templates:
    """
    Entries of an application during one of its deployments: two instances and one commit.
    """
    rollout = rollout_of(draw)
    fixed: dict[str, object] = {
        "applicationId": application_id,
        "commitId": rollout.commit_id,
        "deploymentId": rollout.deployment_id,
        "zone": zone,
        "region": zone,
    }
    messages = (*MESSAGES * 3, *STACK_TRACES, RESET)
    salt = draw.getrandbits(64)

    def make(number: int) -> Template:
        own = random.Random(salt + number)
        message = messages[number]
        service = services[own.randrange(len(services))]
        if service == "bas-deploy.service":
            message = own.choice(DEPLOY_MESSAGES)
        members: dict[str, object] = fixed | {
            "instanceId": rollout.instance_ids[number % 2],
            "message": message,
            "service": service,
            "severity": "err" if "rror" in message or "Trace" in message else "info",
            "priority": 3 if "rror" in message else 6,
            "pid": NUMBER if message == RESET else own.randrange(100, 30_000),
            # Number and text both occur, by the sources.
            "facility": own.choice([1, 3, "user", "daemon"]),
            "version": str(era + 1),
        }
        return template("APPLICATION_LOG", members, own)

    return Templates(make, len(messages))


def long_line_template(application_id: str, zone: str, draw: random.Random) -> Template:
    """
    An entry with one very long line, as applications write that log whole documents.
    """
    text = "0123456789abcdef" * (LONG_LINE_BYTES // 16)
    members: dict[str, object] = {
        "applicationId": application_id,
        "message": f"dump {NUMBER}: {text} end",
        "service": "bas.service",
        "severity": "info",
        "priority": 6,
        "zone": zone,
    }
    return template("APPLICATION_LOG", members, draw)


def resource_templates(draw: random.Random, *, resource_id: str, zone: str) -> list[Template]:
    """
    Entries of an add-on.
    """
    instance_id = uuid_of(draw)
    return [
        template(
            "RESOURCE_LOG",
            {
                "resourceId": resource_id,
                "hostname": f"{resource_id.partition('_')[0]}-{draw.randrange(100)}",
                "instanceId": instance_id,
                "message": message,
                "zone": zone,
                "region": zone,
                "pid": draw.randrange(1, 30_000),
                "facility": "local0",
                "severity": "err" if message.startswith("ERROR") else "info",
                "service": "addon.service",
            },
            draw,
        )
        for message in POSTGRESQL_MESSAGES * 4
    ]


def template(event: str, members: Mapping[str, object], draw: random.Random) -> Template:
    """
    Encode a kind of entry.
    """
    text = json.dumps(dict(members), ensure_ascii=False, separators=(",", ":"))
    # "{n}" alone is a number of its own, within a text it is digits.
    text = text.replace("%", "%%").replace(f'"{NUMBER}"', "%d").replace(NUMBER, "%d")
    suffixes: tuple[str | None, ...] = ("Z", "Z[UTC]", None)
    return Template(
        frame=f'id:%b\nevent:{event}\ndata:{{"id":"%b","date":"%b",{text[1:]}\n\n'.encode(),
        service=str(members.get("service", "")),
        date_suffix=draw.choices(suffixes, (8, 1, 1))[0],
    )


def uuid_of(draw: random.Random) -> str:
    """
    A UUID (version 4 in form) from a generator.
    """
    digits = f"{draw.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
