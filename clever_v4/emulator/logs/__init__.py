"""
The logs: which entries there are, when each was written, and what a stream asks for.
"""
