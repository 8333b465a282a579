"""
Async client for the Clever Cloud REST API v4, with live log streams at its heart.
"""
