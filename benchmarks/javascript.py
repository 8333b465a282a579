"""
The official JavaScript client, installed by npm beside the benchmarks, where node and npm are present.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

VERSIONS = ("10.1.0", "12.0.0")
CACHE = Path(__file__).parent / ".cache" / "javascript"
READER = Path(__file__).parent / "readers" / "official_js.mjs"


def missing() -> str | None:
    """
    Say what the JavaScript readers lack on this machine; None where they can run.
    """
    lacking = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    return f"no {' and no '.join(lacking)} on this machine" if lacking else None


def installed(version: str) -> Path:
    """
    Return the folder of the client in *version*, installed now if it was not yet.
    """
    folder = CACHE / version
    package = folder / "node_modules" / "@clevercloud" / "client"
    if not (package / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"private": True, "type": "module"}))
        subprocess.run(
            [
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
                f"@clevercloud/client@{version}",
            ],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return package


def node_version() -> str:
    """
    Return what ``node --version`` says.
    """
    answer = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True)
    return answer.stdout.strip()
