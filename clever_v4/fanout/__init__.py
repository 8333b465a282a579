"""
Many streams to many subscribers, inside one process; knows no API.

``broadcast`` holds one source's bounded ring, ``subscription`` what a subscriber
iterates, ``hub`` puts sources and subscribers together. ``clever_v4.log_hub`` is
this room applied to a session's log streams; how it works and what it costs
stands in ``docs/fan-out.md``.
"""
