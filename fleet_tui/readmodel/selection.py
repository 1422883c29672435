"""Which agents an act is about: by name or pattern, by the filter of the wall, by team, all of them, without some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.agent_filter import fits, is_pattern, parse
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.settings.messages import suggest

_MOST = 20


@dataclass(frozen=True, slots=True)
class Selection:
    """What was said. Names widen, everything else narrows: of those who are named (of all, where nobody is) the ones
    who fit ``words`` and are in every one of ``teams``, without whom ``but`` names."""

    names: tuple[str, ...] = ()
    words: str = ""
    """A filter, as the wall has it."""
    teams: tuple[str, ...] = ()
    everyone: bool = False
    but: tuple[str, ...] = ()

    @property
    def by_name(self) -> bool:
        """Whether each of them was written out: then nobody can be in it unseen."""
        narrowed = bool(self.words or self.teams or self.everyone or self.but)
        return bool(self.names) and not narrowed and not any(map(is_pattern, self.names))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return self == Selection()


def choose(selection: Selection, tiles: Sequence[AgentTile]) -> tuple[AgentTile, ...]:
    """The agents that are meant, in the order of ``tiles``; there may be none.

    Raises:
        UsageError: a name, pattern, team or word of the filter that fits no agent there is, or a selection that
            contradicts itself.
    """
    if selection.everyone and selection.names:
        raise UsageError("two things at once", f"all of them, and {selection.names[0]}", "name agents, or say --all")
    named = _named(selection.names, tiles) if selection.names else {tile.name for tile in tiles}
    for team in selection.teams:
        named &= _members(team, tiles)
    # Whoever is left out has to be there as well: a slip of the pen would let the act reach them.
    named -= _named(selection.but, tiles)
    wanted = parse(selection.words, tiles)
    return tuple(tile for tile in tiles if tile.name in named and wanted.matches(tile))


def require(selection: Selection, tiles: Sequence[AgentTile]) -> tuple[AgentTile, ...]:
    """:func:`choose` for an act: nobody is an error that says who there is.

    Raises:
        UsageError: as :func:`choose`, or nothing was said.
        Conflict: it fits nobody now.
    """
    if selection.is_empty:
        hint = "dev-1, 'dev-*', --select 'role:developer state:idle', --team web, or --all"
        raise UsageError("nobody named", "say which agents", hint)
    found = choose(selection, tiles)
    if not found:
        raise Conflict("nobody is selected", "no agent fits all of that now", f"agents: {_there_are(tiles)}")
    return found


def _named(names: Sequence[str], tiles: Sequence[AgentTile]) -> set[str]:
    found: set[str] = set()
    for name in names:
        fitting = {tile.name for tile in tiles if fits(tile.name, name)}
        if not fitting:
            shown, known = one_line(name, 80), [tile.name for tile in tiles]
            near = "" if is_pattern(name) else suggest(name, known)
            hint = near if near.startswith("did you mean") else f"agents: {_in_brief(known)}"
            raise UsageError("no such agent", shown, hint)
        found |= fitting
    return found


def _members(team: str, tiles: Sequence[AgentTile]) -> set[str]:
    members = {tile.name for tile in tiles if team in tile.teams}
    if not members:
        teams = ", ".join(sorted({name for tile in tiles for name in tile.teams}))
        raise UsageError("no such team", one_line(team, 80), f"teams: {teams or 'no agent is in one'}")
    return members


def _there_are(tiles: Sequence[AgentTile]) -> str:
    """``dev-1 (idle), qa (run)``."""
    return _in_brief([f"{tile.name} ({tile.doing.lower()})" for tile in tiles])


def _in_brief(told: Sequence[str]) -> str:
    more = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return one_line(", ".join(told[:_MOST]) + more, 1000) or "none"
