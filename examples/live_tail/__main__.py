"""
Show the live logs of several applications in the browser, with aiohttp.web.

    python -m examples.live_tail            then open http://127.0.0.1:8080

It shows the applications of an emulator that it starts itself, so it needs no account.
"""

import argparse

from aiohttp import web

from examples.live_tail.app import create_app

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Show live logs in the browser.")
    parser.add_argument("--port", type=int, default=8080)
    web.run_app(create_app(), host="127.0.0.1", port=parser.parse_args().port)
