"""
One process per reader: each reads one stream to its end and prints one line of JSON.
"""
