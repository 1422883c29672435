"""Credentials in added lines. What is found is kept as kind, file, line and a short hash, never as itself.

The detectors only match: detect-secrets can also try a credential at its vendor, and that way is never taken
(``analyze_string`` does not verify, ``analyze_line`` would).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from fleet_tui.governance.risk.changes import Change
from fleet_tui.governance.risk.evidence import FoundSecret
from fleet_tui.watcher.redaction import credentials

MOST_LINES = 50_000
"""Added lines that are searched, of the smallest changes first; of the rest it is said that nobody looked."""
_WINDOW, _OVERLAP = 4_000, 400
"""Longer lines are looked at in pieces: some expressions take long on an endless one."""
_SHORTEST = 8
_PLACEHOLDERS = ("example", "placeholder", "changeme", "dummy", "your", "xxxx", "****", "<", "${", "{{", "os.environ")


def found_secrets(changes: Iterable[Change]) -> tuple[tuple[FoundSecret, ...], tuple[str, ...]]:
    """What looks like a credential in names and added lines, each once per file, and the files of which not all lines
    were searched. Takes a while: for a thread."""
    seen: dict[tuple[str, str], FoundSecret] = {}
    left, unsearched = MOST_LINES, []
    for change in sorted(changes, key=lambda change: len(change.added)):
        for number, text in ((0, change.path), *change.added[:left]):
            for kind, digest, likely in _in_line(text):
                seen.setdefault((change.path, digest), FoundSecret(kind, change.path, number, digest, likely))
        if len(change.added) > left:
            unsearched.append(change.path)
        left = max(0, left - len(change.added))
    return tuple(sorted(seen.values(), key=lambda found: (found.path, found.line))), tuple(unsearched)


@lru_cache(maxsize=20_000)
def _in_line(text: str) -> tuple[tuple[str, str, bool], ...]:
    found: dict[str, tuple[str, str, bool]] = {}
    for piece in _pieces(text):
        for kind, secret in credentials(piece):
            found.setdefault(_digest(secret), (kind, _digest(secret), False))
        if not found:
            for secret in _keywords(piece):
                found.setdefault(_digest(secret), ("password in words", _digest(secret), True))
    return tuple(found.values())


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, max(1, len(text)), _WINDOW - _OVERLAP):
        yield text[start : start + _WINDOW]


def _keywords(text: str) -> Iterator[str]:
    for secret in _keyword_detector().analyze_string(text):
        word = str(secret)
        if len(word) >= _SHORTEST and not any(sign in word.lower() for sign in _PLACEHOLDERS):
            yield word


@lru_cache(maxsize=1)
def _keyword_detector() -> Any:
    from detect_secrets.plugins.keyword import KeywordDetector

    return KeywordDetector()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:8]
