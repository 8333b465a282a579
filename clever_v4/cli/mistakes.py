"""
Mistakes in arguments, in the words that were typed: options and variables, not members of Python; pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from cyclopts import CycloptsError, Token
from cyclopts.exceptions import UnusedCliTokensError

__all__ = ["in_typed_words", "parse_mistake", "whole_number"]

_TYPED: Final = {
    "actions": "--action",
    "application_id": "APPLICATION",
    "deployment_id": "--deployment-id",
    "elements": "ELEMENTS of --throttle",
    "exclude_states": "--exclude-state",
    "fields": "--field",
    "filter": "--filter",
    "heartbeat_timeout": "--heartbeat-timeout",
    "include_states": "--include-state",
    "instance_ids": "--instance-id",
    "invoice_number": "NUMBER",
    "limit": "--limit",
    "name": "NAME",
    "offload.duration": "--offload-duration",
    "offload.size_bytes": "--offload-size",
    "owner": "--owner",
    "owner_id": "--owner",
    "per": "PERIOD of --throttle",
    "poll_interval": "--poll-interval",
    "pulsar_id": "ADDON",
    "retention.duration": "--retention-duration",
    "retention.size_bytes": "--retention-size",
    "services": "--service",
    "since": "--since",
    "tags": "--tag",
    "timeout": "--timeout",
    "until": "--until",
}
"""What the library calls an argument, and what it is on the command line."""

_MEMBERS = re.compile("|".join(map(re.escape, sorted(_TYPED, key=len, reverse=True))))
_SEVERAL = re.compile(r"got \((.*?),?\)$", re.DOTALL)
_OBJECT = re.compile(r", got datetime\.\w+\(.*\)$", re.DOTALL)


def in_typed_words(message: str, names: Mapping[str, str]) -> str:
    """
    Say what the library says of an argument of the option that brought it there.

    Args:
        message: Begins with the name of the library's argument.
        names: Names that mean something else to this command than to most.
    """
    message = message.removeprefix("each of ")
    for name, typed in names.items():
        if message.startswith(f"{name} "):
            message = typed + message.removeprefix(name)
            break
    else:
        if (match := _MEMBERS.match(message)) and message[match.end() : match.end() + 1] == " ":
            message = _TYPED[match[0]] + message[match.end() :]
    # Values as they were typed, not as Python writes what was made of them.
    return _OBJECT.sub("", _SEVERAL.sub(r"got \1", message))


def parse_mistake(error: CycloptsError) -> str:
    """
    Say what is wrong with arguments that could not be read.
    """
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        tokens = error.unused_tokens
        return f"too many arguments: {' '.join(map(repr, tokens))} cannot be placed"
    return str(error)


def whole_number(_type: object, tokens: Sequence[Token]) -> int:
    """
    Read a whole number; another one is not rounded.

    Raises:
        ValueError: It is none.
    """
    text = tokens[0].value.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError(f"it must be a whole number, got {text!r}")
    return int(text)
