"""
What the account holds, all of it drawn from the seed.
"""
