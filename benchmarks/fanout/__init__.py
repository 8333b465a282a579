"""
What fan-out costs: one source to many subscribers, many sources, a stuck subscriber, an outage.
"""

RATE = 20_000
"""Entries per second of the one source that is read at a steady rate."""

BATCH_LENGTH = 100
"""So many entries come with one read: at that rate in 5 ms, as in the 64 KiB of a faster one."""
