"""
The structuring benchmark compares like with like.
"""

from __future__ import annotations

import random

import pytest

from benchmarks import structuring

# Made once: the emulator's data for three lists.
ANSWERS = structuring.answers()


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_all_ways_yield_the_same_values(answer: structuring.Answer) -> None:
    """
    What is measured are the same models with the same values, as many as are promised.
    """
    structuring.check(answer)


def test_a_way_that_loses_something_is_found_out() -> None:
    """
    The check fails when one way drops an element.
    """
    answer = ANSWERS[2]
    ours, other, hand, plain = answer.ways.values()
    lossy = structuring.Answer(
        answer.name,
        answer.count,
        answer.body,
        {"ours": ours, "other": lambda body: other(body)[1:], "hand": hand, "plain": plain},
    )
    with pytest.raises(RuntimeError, match="not every model was made"):
        structuring.check(lossy)


def test_the_table_has_a_row_for_each_way() -> None:
    """
    One round gives medians of every way, and a table of them.
    """
    answer = ANSWERS[2]
    measured = {answer.name: structuring.measure(answer, 1, chance=random.Random(1))}
    lines = structuring.table(measured, {answer.name: "200"}).splitlines()
    assert len(lines) == 2 + len(answer.ways)
    assert lines[2].endswith("(1.00) |")
