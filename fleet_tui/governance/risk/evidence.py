"""What was seen of a run or pull request: the facts that risk is computed from, as values and as JSON.

The evidence travels in the log with the score, so that other rules can be tried on it later. It is bounded: of what
is more than the limits, the number is kept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from fleet_tui.domain.text import one_line, reveal_name

MOST_FILES = 200
MOST_FINDINGS = 40
MOST_INSTANTS = 60
MOST_SCOPE = 50
LONGEST_PATH = 160
_FILES_ROOM, _ROOM = 16_000, 4_000
_OF_EACH_KIND = 4
"""So many files of a kind reach the most points that shipped rules give for it."""
_AROUND = 24
"""Bytes around a text: numbers, quotes, commas."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """``opaque``: binary, or too large to be read whole. Counts are lines."""

    path: str
    added: int = 0
    deleted: int = 0
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class Weakening:
    """A weakened test: ``what`` is ``deleted``, ``assertions`` (removed) or ``skips`` (added)."""

    path: str
    what: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """Added text that looks like a credential. ``digest`` tells two apart; the text itself is kept nowhere."""

    kind: str
    path: str
    line: int
    digest: str
    likely: bool = False
    """Found by the words around it rather than by its own shape."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the agent did and what came of it; each is a list of instants (ns UTC)."""

    denied: tuple[int, ...] = ()
    failures: tuple[int, ...] = ()
    loops: tuple[int, ...] = ()
    restarts: tuple[int, ...] = ()
    rejections: tuple[int, ...] = ()
    silence_s: int = 0
    spent_percent: int = 0
    """Of the agent's budget, within the last hour."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """``more_files`` and ``more_lines`` count what ``files`` has no room for. ``scope`` is None: none was declared.

    ``floor`` is the least score, on which the agent was released from quarantine.
    """

    files: tuple[ChangedFile, ...] = ()
    more_files: int = 0
    more_lines: int = 0
    weakened: tuple[Weakening, ...] = ()
    secrets: tuple[FoundSecret, ...] = ()
    dependencies: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """Files of which not all that was added has been searched: too large."""
    scope: tuple[str, ...] | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)
    floor: int = 0

    @property
    def lines(self) -> int:
        """Lines added or deleted."""
        return sum(file.added + file.deleted for file in self.files) + self.more_lines


Kinds = Callable[[ChangedFile], frozenset[str]]
"""The factors of the score that a changed file counts for."""


def bounded(evidence: Evidence, kinds: Kinds = lambda _file: frozenset()) -> Evidence:
    """``evidence`` within the limits: nothing that is added to it pushes out what counts.

    Of files, the first few of each kind are kept, then those of most kinds, then the largest; of secrets as many of
    either sort, different ones first. Bounding it again changes nothing.
    """
    files = _by_what_counts(evidence.files, kinds)
    kept = _fitting([_shown(file) for file in files[:MOST_FILES]], lambda file: file.path, _FILES_ROOM)
    rest = files[len(kept) :]
    return replace(
        evidence,
        files=tuple(sorted(kept, key=lambda file: file.path)),
        more_files=evidence.more_files + len(rest),
        more_lines=evidence.more_lines + sum(file.added + file.deleted for file in rest),
        weakened=tuple(
            _fitting([replace(w, path=_path(w.path)) for w in evidence.weakened[:MOST_FINDINGS]], lambda w: w.path)
        ),
        secrets=(*_secrets(evidence, likely=False), *_secrets(evidence, likely=True)),
        dependencies=tuple(_fitting([one_line(item) for item in evidence.dependencies[:MOST_FINDINGS]], str)),
        unread=tuple(_fitting([_path(path) for path in evidence.unread[:MOST_FINDINGS]], str)),
        scope=None if evidence.scope is None else tuple(_fitting(evidence.scope[:MOST_SCOPE], str)),
        behaviour=_latest(evidence.behaviour),
    )


def _by_what_counts(files: Iterable[ChangedFile], kinds: Kinds) -> list[ChangedFile]:
    by_size = sorted(files, key=lambda file: (-file.added - file.deleted, file.path))
    met: Counter[str] = Counter()
    ranks = {}
    for file in by_size:
        its = kinds(file)
        is_needed = any(met[kind] < _OF_EACH_KIND for kind in its)
        met.update(its)
        ranks[file.path] = (not is_needed, -len(its))
    return sorted(by_size, key=lambda file: ranks[file.path])


def _secrets(evidence: Evidence, *, likely: bool) -> list[FoundSecret]:
    """Half of the room for each sort, and different secrets before the same one in other places."""
    mine = sorted((s for s in evidence.secrets if s.likely is likely), key=lambda s: (s.path, s.line, s.digest))
    first = {secret.digest: secret for secret in reversed(mine)}
    mine.sort(key=lambda secret: first[secret.digest] is not secret)
    shown = [replace(secret, path=_path(secret.path)) for secret in mine[: MOST_FINDINGS // 2]]
    return _fitting(shown, lambda secret: secret.path, _ROOM // 2)


def _shown(file: ChangedFile) -> ChangedFile:
    """A path that is cut short can no longer be judged by its name: nobody can read such a file."""
    path = _path(file.path)
    return replace(file, path=path, opaque=file.opaque or len(path) == LONGEST_PATH)


def _path(path: str) -> str:
    shown = reveal_name(path)
    if len(shown) <= LONGEST_PATH:
        return shown
    half = (LONGEST_PATH - 1) // 2
    return f"{shown[: LONGEST_PATH - 1 - half]}…{shown[-half:]}"


def _fitting(items: Sequence[T], text: Callable[[T], str], room: int = _ROOM) -> list[T]:
    """The first ``items`` as far as their text fits into ``room`` bytes of a log, which escapes what is not ASCII."""
    kept: list[T] = []
    for item in items:
        room -= len(json.dumps(text(item))) + _AROUND
        if room < 0:
            break
        kept.append(item)
    return kept


def _latest(behaviour: Behaviour) -> Behaviour:
    def last(instants: Iterable[int]) -> tuple[int, ...]:
        return tuple(sorted(instants)[-MOST_INSTANTS:])

    return replace(
        behaviour,
        denied=last(behaviour.denied),
        failures=last(behaviour.failures),
        loops=last(behaviour.loops),
        restarts=last(behaviour.restarts),
        rejections=last(behaviour.rejections),
    )


# -- as JSON -----------------------------------------------------------------------------------------------------------


def to_json(evidence: Evidence) -> dict[str, Any]:
    """What a log can hold; what is empty is left out."""
    behaviour = evidence.behaviour
    found: dict[str, Any] = {
        "files": [[file.path, file.added, file.deleted, int(file.opaque)] for file in evidence.files],
        "more_files": evidence.more_files,
        "more_lines": evidence.more_lines,
        "weakened": [[item.path, item.what, item.count] for item in evidence.weakened],
        "secrets": [[s.kind, s.path, s.line, s.digest, int(s.likely)] for s in evidence.secrets],
        "dependencies": list(evidence.dependencies),
        "unread": list(evidence.unread),
        "denied": list(behaviour.denied),
        "failures": list(behaviour.failures),
        "loops": list(behaviour.loops),
        "restarts": list(behaviour.restarts),
        "rejections": list(behaviour.rejections),
        "silence_s": behaviour.silence_s,
        "spent_percent": behaviour.spent_percent,
        "floor": evidence.floor,
    }
    kept = {name: value for name, value in found.items() if value}
    return kept if evidence.scope is None else {**kept, "scope": list(evidence.scope)}


def from_json(value: dict[str, Any]) -> Evidence:
    """The evidence that :func:`to_json` wrote.

    Raises:
        TypeError, ValueError: it is none.
    """

    def rows(name: str, kind: Callable[..., T]) -> tuple[T, ...]:
        return tuple(kind(*row) for row in value.get(name, ()))

    def instants(name: str) -> tuple[int, ...]:
        return tuple(int(instant) for instant in value.get(name, ()))

    return Evidence(
        rows("files", lambda path, added, deleted, opaque: ChangedFile(path, added, deleted, bool(opaque))),
        int(value.get("more_files", 0)),
        int(value.get("more_lines", 0)),
        rows("weakened", Weakening),
        rows("secrets", lambda kind, path, line, digest, likely: FoundSecret(kind, path, line, digest, bool(likely))),
        tuple(value.get("dependencies", ())),
        tuple(value.get("unread", ())),
        tuple(value["scope"]) if "scope" in value else None,
        Behaviour(
            instants("denied"),
            instants("failures"),
            instants("loops"),
            instants("restarts"),
            instants("rejections"),
            int(value.get("silence_s", 0)),
            int(value.get("spent_percent", 0)),
        ),
        int(value.get("floor", 0)),
    )
