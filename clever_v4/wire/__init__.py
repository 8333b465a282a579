"""
Values to the wire and back: models and JSON, options and queries, ids and paths. Pure.
"""
