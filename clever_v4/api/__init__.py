"""
The API groups: one file each with its models, options and coroutines.
"""
