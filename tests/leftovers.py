"""
What a test that failed, or was ended for hanging, leaves behind hits none of those after it.
"""

from __future__ import annotations

import gc
import sys
import traceback
import warnings
from collections.abc import Generator

import pytest

__all__ = ["pytest_runtest_makereport", "pytest_runtest_teardown"]

_FAILURES = pytest.StashKey[list[BaseException]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    Note why a test failed.
    """
    report = yield
    if report.failed and call.excinfo is not None:
        item.stash.setdefault(_FAILURES, []).append(call.excinfo.value)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """
    After a failure collect what the test's frames held, without a word: the failure said it all.

    Otherwise the collector would come to it in the middle of another test, which Python's
    warnings of what was never awaited or closed would fail.
    """
    try:
        return (yield)
    finally:
        failures = item.stash.get(_FAILURES, [])
        if failures:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                while failures:
                    _clear(failures.pop())
                for name in ("last_exc", "last_type", "last_value", "last_traceback"):
                    vars(sys).pop(name, None)
                gc.collect()


def _clear(error: BaseException) -> None:
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        traceback.clear_frames(one.__traceback__)
        pending += [one.__cause__, one.__context__]
        pending += one.exceptions if isinstance(one, BaseExceptionGroup) else []
