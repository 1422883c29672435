"""Whether what has landed may be tagged as a release, and every reason why not. Pure: facts in, reasons out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fleet_tui.domain.text import one_line, some_names
from fleet_tui.governance.release import Ground, Reason

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Facts:
    """What counts of a tag that is asked for.

    ``landed`` is the pull request that ``commit`` is the landing of, ``newest`` the newest commit that is one.
    """

    version: str
    commit: str
    target: str
    on_target: bool
    landed: int | None
    newest: str
    gates: tuple[Reason, ...] = ()
    """Why the gates in force for that landing did not let it through."""
    taken: tuple[str, ...] = ()
    """Where there is a tag of that name."""
    halted: bool = False
    alarms: tuple[str, ...] = ()
    """Rules of standing alarms about the target."""
    landing: tuple[int, ...] = ()
    """Pull requests whose landing is granted or under way."""
    waits: bool = False
    """Whether landed commits wait for the person's branch."""
    uncommitted: tuple[str, ...] = ()
    """Changed files in the person's checkout of the target."""


def is_version(text: str) -> bool:
    """Whether ``text`` can be the name of a release: of one part, and nothing that a shell or git reads otherwise."""
    return bool(_VERSION.match(text)) and ".." not in text and not text.endswith((".", ".lock", "HEAD"))


def objections(facts: Facts) -> tuple[Reason, ...]:
    """Why ``commit`` may not be tagged now; empty: it may."""
    return tuple(Reason(ground, told) for ground, told in [*_name(facts), *_commit(facts), *_moment(facts)]) + (
        facts.gates if facts.on_target and facts.landed is not None else ()
    )


_Found = Iterable[tuple[Ground, str]]


def _name(facts: Facts) -> _Found:
    if facts.taken:
        yield Ground.TAG, f"{one_line(facts.version)} is there already ({some_names(facts.taken, 3)}); no tag is moved"


def _commit(facts: Facts) -> _Found:
    short, target = facts.commit[:8], one_line(facts.target)
    if not facts.on_target:
        yield Ground.TARGET, f"{short} is not on {target}"
    elif facts.landed is None:
        way = f"; the newest that did: --at {facts.newest[:12]}" if facts.newest else ""
        yield Ground.UNGATED, f"{short} on {target} did not land through the fleet: no gate has seen it{way}"


def _moment(facts: Facts) -> _Found:
    if facts.halted:
        yield Ground.BLOCKED, "everything is stopped (`fleet halt`)"
    for rule in facts.alarms:
        yield Ground.TARGET, f"alarm {rule}: see `fleet alarm list`"
    if facts.landing:
        prs = some_names([f"PR {number}" for number in facts.landing], 3)
        yield Ground.BLOCKED, f"a landing is under way or held: {prs}; it would not be in the release"
    if facts.waits:
        yield Ground.CHECKOUT, f"landed commits wait for your {one_line(facts.target)}: `fleet alarm list`"
    if facts.uncommitted:
        what = some_names(facts.uncommitted, 3)
        yield Ground.CHECKOUT, f"your checkout of {one_line(facts.target)} has uncommitted changes: {what}"
