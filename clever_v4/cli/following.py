"""
Following several logs at once, and printing what comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from .entries import HumanFormat, as_json, label_width
from .outages import Outages
from .terminal import CommandError, Exit, Terminal, explained
from .text import without_controls

if TYPE_CHECKING:
    from clever_v4.api.logs import LogStream
    from clever_v4.errors import ResponseFormatError

__all__ = ["Follower", "JsonLines", "Source", "follow_all", "human_formats", "json_lines"]

OpenStream = Callable[..., "LogStream[Any]"]
"""Makes the stream, given ``on_reconnection`` and ``on_bad_entry``."""


@attrs.frozen(kw_only=True)
class Source:
    """
    One log to follow.

    Attributes:
        label: The name of the application or add-on.
    """

    label: str
    open: OpenStream


def human_formats(
    labels: Sequence[str], terminal: Terminal, *, fields: tuple[str, ...] = ()
) -> list[HumanFormat]:
    """
    Give each source its form; the name stands before each line when there are several.
    """
    are_several = len(labels) > 1
    return [
        HumanFormat(
            in_colour=terminal.in_colour,
            label=label if are_several else "",
            label_width=label_width(labels) if are_several else 0,
            number=number,
            fields=fields,
        )
        for number, label in enumerate(labels)
    ]


class JsonLines:
    """
    Entries of any number of sources as JSON, one to a line, or as one array over all of them.
    """

    def __init__(self, terminal: Terminal, *, is_array: bool) -> None:
        self._out = terminal.out
        self._is_array = is_array
        self._is_shown = terminal.is_terminal
        self._count = 0

    def end(self) -> None:
        """
        End the array; an empty one is written now.
        """
        if self._is_array:
            self._out.post("\n]\n" if self._count else "[]\n")

    async def write(self, text: str) -> None:
        """
        Write one entry.
        """
        if self._is_shown:
            text = without_controls(text)
        if self._is_array:
            text = f",\n  {text}" if self._count else f"[\n  {text}"
        else:
            text += "\n"
        self._count += 1
        # JSON is UTF-8, whatever the terminal is.
        await self._out.write(text.encode())


@asynccontextmanager
async def json_lines(terminal: Terminal, output_format: str) -> AsyncIterator[JsonLines | None]:
    """
    Give what writes JSON, or None for people's format; an array is well formed also after a failure.
    """
    if output_format == "human":
        yield None
        return
    lines = JsonLines(terminal, is_array=output_format == "json")
    try:
        yield lines
    finally:
        lines.end()


class Follower:
    """
    Follows sources, each in a task of its own; a failing one does not end the others.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.has_failed: bool = False
        """Whether something went wrong with one of them."""

    def fail(self, label: str, message: str) -> None:
        """
        Tell of what went wrong.
        """
        self.has_failed = True
        self._terminal.fail(f"{label}: {message}")

    async def human(self, source: Source, form: HumanFormat) -> None:
        """
        Print a source for people.
        """
        stream, outages = self._stream(source)
        with closing(outages):
            async with stream:
                async for batch in stream.batches():
                    outages.look()
                    await self._terminal.out.write("".join(map(form.lines, batch)))
                outages.look()
        self._tell_end(source, stream)

    async def json(self, source: Source, lines: JsonLines) -> None:
        """
        Print a source for programs: what the API sent, members that are new included.
        """
        from clever_v4.wire.scalars import parse_moment

        stream, outages = self._stream(source)
        with closing(outages):
            async with stream:
                async for event in stream.events():
                    outages.look()
                    if not event.type.endswith("_LOG"):
                        continue  # an event of a kind that is no entry
                    try:
                        text = as_json(event.data, parse_moment)
                    except ValueError as exc:
                        self.fail(source.label, f"left out an entry that is not JSON: {exc}")
                        continue
                    await lines.write(text)
                outages.look()
        self._tell_end(source, stream)

    async def guard(self, source: Source, follow: Callable[[], Any]) -> None:
        """
        Run what follows a source; its failure is told and remembered.
        """
        from clever_v4.errors import CleverError, NeverLoggedError

        try:
            await follow()
        except NeverLoggedError as exc:
            text = f"never logged, or no such application (--wait-for-first-log waits): {exc}"
            self.fail(source.label, text)
        except (CleverError, CommandError) as exc:
            self.fail(source.label, explained(exc))

    def _stream(self, source: Source) -> tuple[LogStream[Any], Outages]:
        outages = Outages(self._terminal, source.label)

        def on_bad_entry(error: ResponseFormatError) -> None:
            self.fail(source.label, f"left out an entry: {error}")

        stream = source.open(on_reconnection=outages.lost, on_bad_entry=on_bad_entry)
        outages.watch(stream)
        return stream, outages

    def _tell_end(self, source: Source, stream: LogStream[Any]) -> None:
        if stream.ended_by == "NEVER_LOGGED":
            self._terminal.tell(f"clever-v4: {source.label}: never logged anything")


async def follow_all(
    terminal: Terminal,
    sources: Sequence[Source],
    *,
    lines: JsonLines | None,
    fields: tuple[str, ...] = (),
    has_failed: bool = False,
) -> int:
    """
    Follow all sources until each has ended.

    Args:
        terminal: Where to print.
        sources: What to follow.
        lines: What writes JSON; None for people's format.
        fields: Fields that were asked for by name.
        has_failed: Whether something went wrong already.

    Returns:
        The exit code.
    """
    follower = Follower(terminal)
    follower.has_failed = has_failed
    forms = human_formats([one.label for one in sources], terminal, fields=fields)
    async with asyncio.TaskGroup() as group:
        for source, form in zip(sources, forms, strict=True):
            follow = (
                partial(follower.human, source, form)
                if lines is None
                else partial(follower.json, source, lines)
            )
            group.create_task(follower.guard(source, follow))
    return Exit.FAILURE if follower.has_failed else Exit.SUCCESS
