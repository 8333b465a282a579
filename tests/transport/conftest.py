"""
What the transport's tests share.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina


@pytest.fixture(autouse=True)
def _quiet_stamina() -> Iterator[None]:
    """
    Its default hook logs each retry as a warning; what we tell is tested where it is the subject.
    """
    hooks = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([])
    yield
    stamina.instrumentation.set_on_retry_hooks(hooks)
