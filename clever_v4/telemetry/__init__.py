"""
Numbers of hubs and streams as OpenTelemetry metrics; needs the extra ``[otel]``.

```python
async with LogHub(session) as hub:
    observe_hub(hub, per_subscriber=True)
```

| instrument | kind, unit | meaning |
|---|---|---|
| ``clever_v4.hub.received`` | counter, ``{entry}`` | entries received from sources |
| ``clever_v4.hub.delivered`` | counter, ``{entry}`` | entries handed to subscribers |
| ``clever_v4.hub.dropped`` | counter, ``{entry}`` | entries that subscribers missed |
| ``clever_v4.hub.reconnections`` | counter, ``{attempt}`` | attempts of sources to connect again |
| ``clever_v4.hub.sources`` | gauge, ``{source}`` | sources, by attribute ``state`` |
| ``clever_v4.hub.connected_sources`` | gauge, ``{source}`` | sources that are connected |
| ``clever_v4.hub.subscribers`` | gauge, ``{subscriber}`` | subscribers |
| ``clever_v4.hub.lag`` | gauge, ``{entry}`` | entries waiting for the slowest subscriber |
| ``clever_v4.hub.lag_time`` | gauge, ``s`` | how long the oldest of those has waited |

With ``per_source``, by attribute ``source``, the key as text:

| instrument | kind, unit | meaning |
|---|---|---|
| ``clever_v4.source.received`` | counter, ``{entry}`` | entries received |
| ``clever_v4.source.notices`` | counter, ``{notice}`` | what it told, such as reconnections |
| ``clever_v4.source.connected`` | gauge, ``1`` | 1 if it is connected, else 0 |
| ``clever_v4.source.held`` | gauge, ``{entry}`` | entries that its ring holds |
| ``clever_v4.source.idle`` | gauge, ``s`` | since when it sent no entry |
| ``clever_v4.source.lag`` | gauge, ``s`` | how old its newest entry was when it arrived |

With ``per_subscriber``, by attribute ``subscriber``, its name:

| instrument | kind, unit | meaning |
|---|---|---|
| ``clever_v4.subscriber.delivered`` | counter, ``{entry}`` | entries handed over |
| ``clever_v4.subscriber.dropped`` | counter, ``{entry}`` | entries missed |
| ``clever_v4.subscriber.lag`` | gauge, ``{entry}`` | entries that wait for it |
| ``clever_v4.subscriber.lag_time`` | gauge, ``s`` | how long the oldest of those has waited |

Of a plain stream, by `observe_stream`:

| instrument | kind, unit | meaning |
|---|---|---|
| ``clever_v4.stream.entries`` | counter, ``{entry}`` | entries received |
| ``clever_v4.stream.duplicates`` | counter, ``{entry}`` | entries sent again and dropped |
| ``clever_v4.stream.reconnections`` | counter, ``{connection}`` | connections after the first |
| ``clever_v4.stream.received_bytes`` | counter, ``By`` | bytes read |
| ``clever_v4.stream.heartbeats`` | counter, ``{heartbeat}`` | heartbeats received |
| ``clever_v4.stream.connected`` | gauge, ``1`` | 1 if it is connected, else 0 |
| ``clever_v4.stream.silence`` | gauge, ``s`` | since when no byte arrived |
| ``clever_v4.stream.lag`` | gauge, ``s`` | how old its newest entry was when it arrived |
"""

from clever_v4.telemetry.observing import Observed, ObservedStream, observe_hub, observe_stream

__all__ = ["Observed", "ObservedStream", "observe_hub", "observe_stream"]
