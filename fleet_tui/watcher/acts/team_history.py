"""Revisions of teams: who was in each, since when, and whose act that was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_tui.catalogue.write import team_path
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.events import TeamsRevised
from fleet_tui.settings.load import PROJECT_FILE
from fleet_tui.settings.schema import Settings
from fleet_tui.store.filters import EventFilter
from fleet_tui.store.reader import Reader
from fleet_tui.watcher.context import Context

_MOST = 100_000


@dataclass(frozen=True, slots=True)
class TeamRevision:
    """One state of a team. ``at_ns`` is UTC; ``agents`` None: it was removed."""

    team: str
    number: int
    at_ns: int
    actor: str
    act: str
    of: int | None
    place: str
    agents: tuple[str, ...] | None


def history(reader: Reader, name: str) -> list[TeamRevision]:
    """The revisions of team ``name``, oldest first."""
    return [revision for revision in _all(reader) if revision.team == name]


def taken_out(reader: Reader, agent: str) -> list[str]:
    """The teams that ``agent`` was taken out of by their last revision."""
    last_two: dict[str, tuple[TeamRevision | None, TeamRevision]] = {}
    for revision in _all(reader):
        last_two[revision.team] = (last_two[revision.team][1] if revision.team in last_two else None, revision)
    return [
        team
        for team, (before, now) in last_two.items()
        if before is not None and agent in (before.agents or ()) and now.agents is not None and agent not in now.agents
    ]


def find(reader: Reader, name: str, number: int | None = None) -> TeamRevision:
    """Revision ``number`` of team ``name``; None: the last before the present one that had members.

    Raises:
        UsageError: there is none that could be put back.
    """
    known = history(reader, name)
    wanted = [revision for revision in known if revision.number == number] if number is not None else known[:-1]
    there = [revision for revision in wanted if revision.agents is not None]
    if not there:
        raise UsageError("no such revision", f"{name} has {len(known)} to choose from", f"fleet team revisions {name}")
    return there[-1]


async def note(ctx: Context, settings: Settings, act: str, actor: str, of: int | None = None) -> dict[str, int]:
    """Record the teams that are others than before, also those that are no more; the revisions that they are at."""
    last = {revision.team: revision for revision in _all(ctx.reader)}
    now = {team.name: list(team.agents) for team in settings.teams}
    gone = [name for name, before in last.items() if before.agents is not None and name not in now]
    rows: list[dict[str, Any]] = []
    for name in (*now, *gone):
        before, agents = last.get(name), now.get(name)
        if before is None or agents != (None if before.agents is None else list(before.agents)):
            number = 1 if before is None else before.number + 1
            rows.append({"team": name, "revision": number, "place": _place(ctx, name), "agents": agents})
    if rows:
        first = act if act != "changed" or any(row["revision"] != 1 for row in rows) else "found"
        await ctx.say(TeamsRevised(first, rows, of), "fleet", actor=actor)
    return {row["team"]: row["revision"] for row in rows}


async def look(ctx: Context, settings: Settings) -> None:
    """Record which teams are others than before, whoever wrote them: no act of ours told of it."""
    await note(ctx, settings, "changed", "watcher")


def place_of(repository: Path, name: str) -> str:
    """The file that says who is in a team."""
    own = team_path(name)
    return own if (repository / own).is_file() else PROJECT_FILE


def _place(ctx: Context, name: str) -> str:
    return place_of(ctx.paths.repository, name)


def _all(reader: Reader) -> Iterator[TeamRevision]:
    for event in reader.events(EventFilter(kinds=(TeamsRevised.kind,)), after=0, limit=_MOST):
        told = event.payload
        for row in told["revisions"]:
            agents = None if row["agents"] is None else tuple(row["agents"])
            yield TeamRevision(
                row["team"], row["revision"], event.at_ns, event.actor, told["act"], told.get("of"), row["place"],
                agents,
            )  # fmt: skip
