"""The marks for what only the running shell knows."""

from __future__ import annotations

OPAQUE = "\0"
"""Stands for text that is known only when the line runs; no real argument can hold it."""
GLOB = "\1"
"""Stands for ``*``, ``?`` and ``[``: unknown too, but at the beginning of a path it is a name in the directory at hand,
as a real argument that begins with this character would be."""


def is_unknown(word: str) -> bool:
    """Whether a part of ``word`` is known only when the line runs."""
    return OPAQUE in word or GLOB in word
