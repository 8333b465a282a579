"""
The typed entry of the readers that structure by themselves, in the plain way: json and cattrs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs
from cattrs.gen import make_dict_structure_fn, override
from cattrs.preconf.json import make_converter


@attrs.frozen(kw_only=True)
class Entry:
    """
    One application log entry.
    """

    id: str
    date: datetime
    message: str
    application_id: str
    commit_id: str
    deployment_id: str
    instance_id: str
    zone: str
    service: str
    severity: str
    priority: int
    pid: int
    facility: str
    version: str


def structurer() -> Callable[[str], Entry]:
    """
    Return the function from an event's data to an entry.
    """
    converter = make_converter()
    converter.register_structure_hook(
        Entry,
        make_dict_structure_fn(
            Entry,
            converter,
            application_id=override(rename="applicationId"),
            commit_id=override(rename="commitId"),
            deployment_id=override(rename="deploymentId"),
            instance_id=override(rename="instanceId"),
        ),
    )

    def structure(data: str) -> Entry:
        return converter.loads(data, Entry)

    return structure
