"""Releases: what landed gets a version, as a tag and, on a forge, with its notes."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_tui.domain.events.envelope import JSON, Payload


@dataclass(frozen=True, slots=True)
class ReleaseRequested(Payload, kind="release_requested"):
    """An agent whose role may do so asks for ``commit`` to be tagged as ``version``; ``notes`` are words of its own."""

    version: str
    commit: str
    agent: str
    run: str
    summary: str
    notes: str


@dataclass(frozen=True, slots=True)
class ReleaseSeconded(Payload, kind="release_seconded"):
    """One of the ``quorum`` persons it takes tags ``commit`` as ``version``; the others have until ``expires_ns``."""

    version: str
    commit: str
    notes_sha: str
    by: str
    quorum: int
    expires_ns: int
    evidence: JSON = None


@dataclass(frozen=True, slots=True)
class ReleaseDeclined(Payload, kind="release_declined"):
    """What was asked for is not tagged."""

    version: str
    commit: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseTagged(Payload, kind="release_tagged"):
    """``version`` is the annotated tag ``tag_sha`` of ``commit`` on ``target``, with what landed after ``previous``.

    ``asked_by`` is the run that had asked for it. ``url``: the release on the forge; empty where that is local.
    """

    version: str
    commit: str
    tag_sha: str
    target: str
    previous: str
    prs: list[int]
    by: str
    asked_by: str
    url: str
    evidence: JSON = None
