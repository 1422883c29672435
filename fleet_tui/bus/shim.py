"""The `fleet` on an agent's PATH: a two-line script that runs the light client."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

CLIENT = Path(__file__).resolve().with_name("client.py")


def client_argv() -> list[str]:
    """How to run the light client: no site directory, no environment of Python's, no pyenv shim in between."""
    return [sys.executable, "-I", "-S", str(CLIENT)]


def write_shim(directory: Path) -> Path:
    """Write the executable ``fleet`` into ``directory`` (made if missing) and return its path; a repeat replaces it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "fleet"
    draft = directory / ".fleet.tmp"
    draft.write_text(f'#!/bin/sh\nexec {shlex.join(client_argv())} "$@"\n', encoding="utf-8")
    draft.chmod(0o755)
    draft.replace(path)
    return path
