"""
The event stream standard read literally, one character at a time: slow, and the judge of the decoder.
"""

Dispatched = tuple[str, str, str]


def interpret(stream: bytes) -> tuple[list[Dispatched], int | None]:
    """
    Give the dispatched events (type, data, last event id) and the reconnection time.
    """
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    events: list[Dispatched] = []
    event_type = data = last_id = ""
    retry: int | None = None
    for line in _lines(text):
        if line == "":
            if data != "":
                events.append((event_type or "message", data.removesuffix("\n"), last_id))
            event_type = data = ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event_type = value
        elif name == "data":
            data += value + "\n"
        elif name == "id":
            if "\0" not in value:
                last_id = value
        elif name == "retry" and value != "" and all(c in "0123456789" for c in value):
            retry = int(value)
    return events, retry


def _lines(text: str) -> list[str]:
    """Split into finished lines; what follows the last end of line is no line."""
    lines: list[str] = []
    line = ""
    previous = ""
    for character in text:
        if character == "\n" and previous == "\r":
            pass
        elif character in "\r\n":
            lines.append(line)
            line = ""
        else:
            line += character
        previous = character
    return lines
