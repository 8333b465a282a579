"""
One HTTP exchange: build, sign, send, retry, read, decode.
"""
