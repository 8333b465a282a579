"""
What it costs to take the bytes of an answer to models, beside the other ways to do it.

``python -m benchmarks.structuring`` prints a table. The ways take turns round after round in one
process, and medians of the processor time are compared; before that it is checked that all of
them yield the same values. Reading from the network is left out: it is the same for all.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import pydantic

from benchmarks import structuring_peers as peers
from clever_v4.api.deployments import Deployment
from clever_v4.api.instances import Instance
from clever_v4.api.invoices import InvoiceSummary
from clever_v4.emulator import Emulator
from clever_v4.emulator.routes.invoices import summary_of
from clever_v4.wire.converter import converter

EPOCH_S = 1_767_225_600.0
"""2026-01-01: the answers are the same bytes whenever this runs."""

Way = Callable[[bytes], Any]


@attrs.frozen
class Answer:
    """
    A list as the server sends it, and the ways to read it; all but the last yield models.
    """

    name: str
    count: int
    body: bytes
    ways: dict[str, Way]


def answers() -> list[Answer]:
    """
    Make the three lists from the emulator's data.
    """
    emulator = Emulator(seed=1, demo=False, epoch_s=EPOCH_S, clock=lambda: EPOCH_S)
    apps = [emulator.add_application(f"application-{number}") for number in range(80)]
    kept = emulator.state.deployments
    machines = [one for app in apps for one in kept.instances(app)]
    deployed = [one for app in apps for one in kept.of(app)]
    billed = [summary_of(one) for one in emulator.state.invoices.of(emulator.owner_id)]
    billed = [
        one | {"invoice_number": f"{one['invoice_number']}-{repetition}"}
        for repetition in range(1000 // len(billed) + 1)
        for one in billed
    ]
    made = (
        ("instances", 1000, machines, Instance, peers.HandInstance, peers.PydanticInstance),
        ("invoices", 1000, billed, InvoiceSummary, peers.HandInvoice, peers.PydanticInvoice),
        ("deployments", 200, deployed, Deployment, peers.HandDeployment, peers.PydanticDeployment),
    )
    return [_answer(*one) for one in made]


def _answer(name: str, count: int, values: list[Any], ours: Any, hand: Any, model: Any) -> Answer:
    # As JSON comes from a server: no blanks. A moment that ends in [UTC] is left out, since
    # pydantic and the SDK's way refuse it.
    text = json.dumps(values[:count], separators=(",", ":")).replace("[UTC]", "")
    if len(values) < count:
        raise RuntimeError(f"only {len(values)} {name}")
    validate = pydantic.TypeAdapter(list[model]).validate_json
    return Answer(
        name,
        count,
        text.encode(),
        {
            "**clever_v4**": lambda body: converter.loads(body, list[ours]),
            "pydantic, `validate_json`": validate,
            "httpx's `json()` + dataclasses by hand": lambda body: [
                hand.read(one) for one in httpx.Response(200, content=body).json()
            ],
            "`json.loads` alone (dicts, nothing checked)": json.loads,
        },
    )


def check(answer: Answer) -> None:
    """
    Make sure that all models hold the same values.
    """
    ours, model, hand, _ = (way(answer.body) for way in answer.ways.values())
    if not len(ours) == len(model) == len(hand) == answer.count:
        raise RuntimeError(f"{answer.name}: not every model was made")
    for one, other, third in zip(ours, model, hand, strict=True):
        expected = attrs.asdict(one)
        if expected != other.model_dump() or expected != _fields(third):
            raise RuntimeError(f"{answer.name}: {one} differs from {other} or {third}")


def _fields(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_fields(one) for one in value)
    if not hasattr(value, "__dataclass_fields__"):
        return value
    return {name: _fields(getattr(value, name)) for name in value.__dataclass_fields__}


def measure(answer: Answer, rounds: int, *, chance: random.Random) -> dict[str, float]:
    """
    Return the median processor time of each way, in milliseconds.
    """
    times: dict[str, list[float]] = {name: [] for name in answer.ways}
    for way in answer.ways.values():
        way(answer.body)
    for _ in range(rounds):
        order = list(answer.ways.items())
        chance.shuffle(order)
        for name, way in order:
            gc.collect()
            start = time.process_time_ns()
            result = way(answer.body)
            times[name].append((time.process_time_ns() - start) / 1e6)
            del result
    return {name: statistics.median(taken) for name, taken in times.items()}


def table(measured: dict[str, dict[str, float]], sizes: dict[str, str]) -> str:
    """
    Write the medians as a table, each with its ratio to the library's own.
    """
    heads = [f"{name}, {sizes[name]}" for name in measured]
    lines = [
        "| from bytes to | " + " | ".join(heads) + " |",
        "|---|" + "---:|" * len(heads),
    ]
    for way in next(iter(measured.values())):
        cells = []
        for medians in measured.values():
            ours = next(iter(medians.values()))
            cells.append(f"{medians[way]:.2f} ms ({medians[way] / ours:.2f})")
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """
    Measure and print the table.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=51, help="interleaved rounds (default 51)")
    options = parser.parse_args(arguments)
    chance = random.Random(1)
    measured: dict[str, dict[str, float]] = {}
    sizes: dict[str, str] = {}
    for answer in answers():
        check(answer)
        measured[answer.name] = measure(answer, options.rounds, chance=chance)
        sizes[answer.name] = f"{answer.count:,} ({len(answer.body) / 1024:.0f} KiB)"
    print(table(measured, sizes))
    print(
        f"\nMedians of {options.rounds} interleaved rounds, processor time; in brackets as a "
        f"multiple of clever_v4's. Python {sys.version.split()[0]}, pydantic {pydantic.VERSION}, "
        f"httpx {httpx.__version__}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
