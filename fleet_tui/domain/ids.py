"""Generated identifiers: the only names ever given to tmux, git refs of ours, or the file system."""

from __future__ import annotations

import re
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SAFE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


def new_id(prefix: str, *, now_ns: int | None = None) -> str:
    """A time-ordered, unguessable id such as ``run-01kq8f3mzj7c2w9xd``: 9 characters of time (ms), 8 of chance."""
    milliseconds = (time.time_ns() if now_ns is None else now_ns) // 1_000_000
    time_part = "".join(_ALPHABET[(milliseconds >> shift) & 31] for shift in range(40, -5, -5))
    return f"{prefix}-{time_part}{''.join(_ALPHABET[byte & 31] for byte in secrets.token_bytes(8))}"


def is_safe_id(text: str) -> bool:
    """Whether ``text`` may be a tmux name, a directory name or a ref component of ours."""
    return SAFE_ID.match(text) is not None


def slugify(text: str, limit: int = 40) -> str:
    """Human text as a branch or file component: lower-case ASCII words joined by ``-``; ``work`` if nothing is left."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words[:limit].rstrip("-") or "work"


def branch_for(ticket: int, title: str) -> str:
    """The branch of a ticket: ``agent/<ticket>-<slug>``."""
    return f"agent/{ticket}-{slugify(title)}"
