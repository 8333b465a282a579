"""
What the benchmark server writes, byte by byte: answers in HTTP's chunked encoding, and timed entries.
"""

from __future__ import annotations

import time
from functools import lru_cache

from benchmarks import fixtures

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Sozu-Id: 01JGZ6Y8QX4D0M8N1V2B3C4D5E\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def http_chunk(body: bytes) -> bytes:
    """
    Return *body* as one chunk of HTTP's chunked encoding.
    """
    return b"%x\r\n%b\r\n" % (len(body), body)


def timed_event(event_id: bytes, number: int) -> bytes:
    """
    Return an entry whose message begins with the moment of this call and with *number*.

    Both have a fixed width, so that they are easy to find for a reader that parses nothing: see
    `sent_ns` and `number_of`.
    """
    before, after = _around_text()
    text = b"sent=%020d number=%010d " % (time.monotonic_ns(), number)
    return b"id:%b\n%b%b%b" % (event_id, before, text, after)


def sent_ns(message: str | bytes) -> int:
    """
    Return when an entry was sent, on the clock that all processes of a machine share.
    """
    return int(message[5:25])


def number_of(message: str | bytes) -> int:
    """
    Return the number of an entry in its stream.
    """
    return int(message[33:43])


@lru_cache(maxsize=1)
def _around_text() -> tuple[bytes, bytes]:
    entry = fixtures.entry(0)
    entry["message"] = "@" + str(entry["message"])
    _, _, rest = fixtures.frame(entry).partition(b"\n")
    before, _, after = rest.partition(b"@")
    return before, after
