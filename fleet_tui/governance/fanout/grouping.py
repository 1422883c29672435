"""Which tasks must stay together, and in which order what is left apart has to be done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fleet_tui.governance.fanout.values import Evidence
from fleet_tui.settings.fanout import Fanout


def overlap(one: str, other: str) -> bool:
    """Whether two places have anything in common. Case does not count: it does not for a ticket's scope either."""
    a, b = f"{one.lower().removesuffix('/')}/", f"{other.lower().removesuffix('/')}/"
    return a.startswith(b) or b.startswith(a)


def inside(path: str, place: str) -> bool:
    """Whether a file, or a smaller place, lies in ``place``."""
    return f"{path.lower().removesuffix('/')}/".startswith(f"{place.lower().removesuffix('/')}/")


def outermost(places: Iterable[str]) -> tuple[str, ...]:
    """``places`` without those that lie in another of them, sorted."""
    kept: list[str] = []
    for place in sorted(set(places), key=lambda one: (len(one.removesuffix("/")), one)):
        if not any(inside(place, other) for other in kept):
            kept.append(place)
    return tuple(sorted(kept))


@dataclass(slots=True)
class Groups:
    """Tasks (by index) that one agent does. ``why`` tells what was put together, and by what."""

    evidence: Evidence
    rules: Fanout
    members: list[tuple[int, ...]]
    why: list[str] = field(default_factory=list)
    _touched: dict[str, frozenset[int]] = field(default_factory=dict)

    # -- joining -----------------------------------------------------------------------------------------------------

    def join(self, tasks: Iterable[int], why: str) -> None:
        """Put the groups of ``tasks`` together; nothing is said of those that are already."""
        touched = [group for group in self.members if set(group) & set(tasks)]
        if len(touched) > 1:
            merged = tuple(sorted(index for group in touched for index in group))
            self.members = sorted([*(group for group in self.members if group not in touched), merged])
            self.why.append(why)

    def join_what_belongs_together(self) -> None:
        """Tasks that name the same places, and tasks whose places have always changed together."""
        tasks = self.evidence.tasks
        pairs = [(a, b) for a in range(len(tasks)) for b in range(a + 1, len(tasks))]
        for a, b in pairs:
            shared = [(p, q) for p in tasks[a].places for q in tasks[b].places if overlap(p, q)]
            if shared:
                named = max(shared[0], key=len)
                self.join((a, b), f"tasks {a + 1} and {b + 1} are both about {named}")
        for a, b in pairs:
            if (told := self._coupling(a, b)) is not None:
                self.join((a, b), f"tasks {a + 1} and {b + 1} stay together: {told}")

    def _coupling(self, a: int, b: int) -> str | None:
        """How the history ties two tasks to each other, by the pair of places that it ties most."""
        tasks = self.evidence.tasks
        found = [
            (together, of, p, q)
            for p in tasks[a].places
            for q in tasks[b].places
            for together, of in (self.together(p, q),)
            if together >= self.rules.coupled_times and together * 100 >= self.rules.coupled_percent * of
        ]
        if not found:
            return None
        together, of, p, q = max(found, key=lambda one: (one[0], one[0] / one[1], one[2], one[3]))
        return f"{p} and {q} changed together in {together} of {of} commits"

    def together(self, one: str, other: str) -> tuple[int, int]:
        """How many commits changed both places, and how many changed the one that changes less."""
        a, b = self._commits(one), self._commits(other)
        return len(a & b), min(len(a), len(b))

    def _commits(self, place: str) -> frozenset[int]:
        if place not in self._touched:
            commits = enumerate(self.evidence.commits)
            self._touched[place] = frozenset(n for n, paths in commits if any(inside(path, place) for path in paths))
        return self._touched[place]

    # -- places ------------------------------------------------------------------------------------------------------

    def own(self, group: Sequence[int]) -> tuple[str, ...]:
        """The places that the tasks of a group name."""
        return outermost(place for index in group for place in self.evidence.tasks[index].places)

    def places(self) -> list[tuple[str, ...]]:
        """The places of each group, those included that the ticket names outside of its tasks. No two have anything in
        common; a directory in which several groups work stays out: it is where they are, not what is to be changed."""
        own = [self.own(group) for group in self.members]
        owners = {
            place: [n for n, mine in enumerate(own) if any(overlap(place, one) for one in mine)]
            for place in self.evidence.elsewhere
        }
        taken: list[list[str]] = [list(mine) for mine in own]
        for place in outermost(place for place, who in owners.items() if len(who) < 2):
            taken[owners[place][0] if owners[place] else self._nearest(place, own)].append(place)
        return [outermost(places) for places in taken]

    def _nearest(self, place: str, own: Sequence[tuple[str, ...]]) -> int:
        """The group whose places changed most often together with ``place``; else the first."""
        counts = [max((self.together(place, one)[0] for one in mine), default=0) for mine in own]
        return counts.index(max(counts))

    # -- order -------------------------------------------------------------------------------------------------------

    def settle(self) -> list[set[int]]:
        """Put together what can be done in no order, until there is one. Which groups each one needs before it."""
        while True:
            needs = self._needs()
            reach = _reachable([set(before) for before in needs])
            ring = next((n for n in range(len(needs)) if n in reach[n]), None)
            if ring is None:
                if len(needs) <= self.rules.most_parts:
                    return [set(before) for before in needs]
                self._join_smallest()
                continue
            together = sorted(n for n in reach[ring] if ring in reach[n])
            tasks = [index for n in together for index in self.members[n]]
            told = next(words for n in together for m, words in sorted(needs[n].items()) if m in together)
            self.join(tasks, f"tasks {_listed(sorted(tasks))} need each other: {told}, and back")

    def _needs(self) -> list[dict[int, str]]:
        """Of each group the groups that it needs before it, with the evidence: it imports a file of theirs."""
        places = self.places()
        found: list[dict[int, str]] = [{} for _ in places]
        for path in sorted(self.evidence.imports):
            importer = _owner(path, places)
            for target in sorted(self.evidence.imports[path]) if importer is not None else ():
                owner = _owner(target, places)
                if importer is not None and owner is not None and owner != importer:
                    found[importer].setdefault(owner, f"{path} imports {target}")
        return found

    def orders(self) -> list[tuple[int, int, str]]:
        """(group, the one that it needs before it, by what evidence)."""
        return [(n, before, told) for n, needs in enumerate(self._needs()) for before, told in sorted(needs.items())]

    def _join_smallest(self) -> None:
        first, second = sorted(self.members, key=lambda group: (len(group), group))[:2]
        tasks = sorted((*first, *second))
        self.join(tasks, f"tasks {_listed(tasks)} are put together: at most {self.rules.most_parts} parts")


def _owner(path: str, places: Sequence[tuple[str, ...]]) -> int | None:
    return next((n for n, mine in enumerate(places) if any(inside(path, place) for place in mine)), None)


def _reachable(needs: list[set[int]]) -> list[set[int]]:
    """Of each group all that come before it, directly or not."""
    reach = [set(before) for before in needs]
    for through in range(len(reach)):
        for one in reach:
            if through in one:
                one |= reach[through]
    return reach


def _listed(tasks: Sequence[int]) -> str:
    return ", ".join(str(index + 1) for index in tasks)
