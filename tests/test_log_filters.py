"""
The ready-made filters over log entries.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from clever_v4 import LogEntry, Severity
from clever_v4.log_filters import (
    containing,
    from_deployment,
    from_instance,
    from_service,
    matching,
    severity_at_least,
)
from clever_v4.wire.converter import converter


def entry(**members: Any) -> LogEntry:
    """An entry with these members, by their wire names."""
    return converter.structure({"id": "1:2:0", "date": "2026-01-01T00:00:00Z"} | members, LogEntry)


@pytest.mark.parametrize(
    ("members", "accepted"),
    [
        ({"severity": "emerg"}, True),
        ({"severity": "err"}, True),
        ({"severity": "ERROR"}, True),
        ({"severity": "warning"}, True),
        ({"severity": "warn"}, True),
        ({"severity": "notice"}, False),
        ({"severity": "debug"}, False),
        ({"severity": "informational"}, False),
        ({"severity": "catastrophe"}, True),
        ({"severity": "info", "priority": 0}, False),
        ({"priority": 4}, True),
        ({"priority": 5}, False),
        ({}, False),
    ],
)
def test_severity_is_a_floor(members: dict[str, Any], accepted: bool) -> None:
    """
    The word decides, else the number; what nobody knows is shown, what says nothing is not.
    """
    assert severity_at_least(Severity.WARNING)(entry(**members)) is accepted
    assert severity_at_least("warn")(entry(**members)) is accepted


def test_service_is_named_with_or_without_its_suffix() -> None:
    """
    ``bas`` and ``bas.service`` are the same unit, in the filter and in the entry.
    """
    for name in ("bas", "bas.service"):
        accepts = from_service(name)
        assert accepts(entry(service="bas"))
        assert accepts(entry(service="bas.service"))
        assert not accepts(entry(service="bas-deploy.service"))
        assert not accepts(entry())


def test_deployment_and_instance_are_matched_whole() -> None:
    """
    One of the given ids, not a part of one.
    """
    assert from_deployment("deployment_1", "deployment_2")(entry(deploymentId="deployment_2"))
    assert not from_deployment("deployment_1")(entry(deploymentId="deployment_12"))
    assert from_instance("one")(entry(instanceId="one"))
    assert not from_instance("one")(entry(instanceId="two"))
    assert not from_instance("one")(entry())


def test_text_whatever_the_case_and_expressions_as_they_say() -> None:
    """
    Text is found in any case, by the rules of all scripts; an expression says its own flags.
    """
    assert containing("straße")(entry(message="in der STRASSE"))
    assert not containing("weg")(entry(message="in der Straße"))
    assert not containing("weg")(entry())
    assert matching(r"5\d\d$")(entry(message="GET / 503"))
    assert not matching("get")(entry(message="GET / 503"))
    assert matching(re.compile("get", re.IGNORECASE))(entry(message="GET / 503"))
    assert not matching("x")(entry())


def test_alike_is_equal() -> None:
    """
    That is how they are evaluated once for all subscribers.
    """
    assert severity_at_least("err") == severity_at_least(Severity.ERROR)
    assert from_service("bas", "web.service") == from_service("web", "bas.service")
    assert hash(from_service("bas")) == hash(from_service("bas.service"))
    assert containing("a") == containing("a") != containing("b")
    assert matching("a") == matching(re.compile("a")) != matching("b")
    assert from_deployment("a") != from_instance("a")


def test_they_combine() -> None:
    """
    And, or, not.
    """
    accepts = (severity_at_least("err") | containing("timeout")) & ~from_service("noisy")
    assert accepts(entry(severity="crit", service="bas.service"))
    assert accepts(entry(severity="info", message="Timeout", service="bas.service"))
    assert not accepts(entry(severity="info", message="fine", service="bas.service"))
    assert not accepts(entry(severity="crit", service="noisy.service"))


def test_what_cannot_be_meant_is_refused() -> None:
    """
    With the argument's name and value.
    """
    with pytest.raises(ValueError, match=r"severity must be one of emerg, .* got 'loud'"):
        severity_at_least("loud")
    with pytest.raises(ValueError, match="services must not be empty"):
        from_service()
    with pytest.raises(ValueError, match="each of deployment_ids must not be empty, got ''"):
        from_deployment("")
    with pytest.raises(TypeError, match="each of instance_ids must be text, got None"):
        from_instance(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="text must not be empty, got ''"):
        containing("")
    with pytest.raises(ValueError, match="must be a regular expression"):
        matching("(")
