"""
``python -m clever_v4`` is the command ``clever-v4``.
"""

from clever_v4.cli import main

if __name__ == "__main__":
    main()
