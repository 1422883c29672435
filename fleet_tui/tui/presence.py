"""Who else has a room open: what this one tells of itself with each question for the watcher's status."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Mapping
from typing import Any


class Presence:
    """``args`` may be read in another thread: each change is one assignment."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._own = {"room": secrets.token_hex(8), "place": place(environ)}
        self.args: dict[str, Any] = self._own

    def note(self, looks_at: str, *, decides: bool) -> None:
        """The approval (its id; empty: none) on show here, and whether a strip about it is open."""
        self.args = {**self._own, "looks_at": looks_at, "decides": decides}


def place(environ: Mapping[str, str]) -> str:
    """Which of a person's terminals this is: ``pts/3``, over SSH ``pts/3 from 10.0.0.5``."""
    terminal = ""
    with contextlib.suppress(OSError, ValueError):
        terminal = os.ttyname(sys.__stdin__.fileno()).removeprefix("/dev/") if sys.__stdin__ else ""
    source = environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return f"{terminal} from {source}".strip() if source else terminal
