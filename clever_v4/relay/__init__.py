"""
A subscription handed to a browser as Server-Sent Events, by aiohttp.web or any ASGI server.

Each entry is one event whose id is a cursor of the hub: a browser that lost its
connection sends it back as ``Last-Event-ID``, and goes on from the hub's ring.

```python
relay = Relay()


async def logs(request: web.Request) -> web.StreamResponse:
    return await relay.aiohttp(request, hub.subscribe(start=relay.start(request.headers)))
```

| event | data |
|---|---|
| ``log`` | ``{"source", "entry"}``, the entry with its names on the wire, what is null left out |
| ``gap`` | ``{"source", "count", "exact"}``: entries missing here |
| ``reconnection`` | ``{"source", "attempt", "delay", "error"}``, the delay in seconds |
| ``notice`` | ``{"source", "kind"}``: anything else that a source told |
| ``failed`` | ``{"source", "error"}``: a source failed for good |
| ``ended`` | ``{"source", "reason"}``: a source ended, or is no longer followed |
| ``slow`` | ``{"dropped"}``: the browser was too slow and is disconnected |
| ``position`` | ``{}``: no news, but an id: how far a filter has passed over entries |
| ``end`` | ``{}``: the logs are over; the page should close its ``EventSource`` |

Where the answer ends without ``end``, since the hub was closed or drained or the server stops,
the browser comes back by itself with the id that it got last.

Errors are told by their type's name only: what their messages say is not for browsers.
"""

from __future__ import annotations

from clever_v4.relay.asgi import ASGIApplication
from clever_v4.relay.events import entry_json, notice_json
from clever_v4.relay.relay import Relay

__all__ = ["ASGIApplication", "Relay", "entry_json", "notice_json"]
