"""
How fast clever_v4 reads log streams, beside the other ways to read them.
"""
