"""Teams: made of new agents from templates or a preset, and of agents there are; changed and removed. Only in files of
their own: what stands in the project's configuration is a person's to edit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.catalogue import founding, preset, signs, team
from fleet_tui.catalogue.agent import NewAgent
from fleet_tui.catalogue.amount import budget_in_words
from fleet_tui.catalogue.conventions import conventions
from fleet_tui.catalogue.founding import Place
from fleet_tui.catalogue.template import COST
from fleet_tui.catalogue.write import create as write_new
from fleet_tui.catalogue.write import remove as take_away
from fleet_tui.catalogue.write import replace, team_path, write_all
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.text import one_line
from fleet_tui.settings.load import PROJECT_FILE, load_settings
from fleet_tui.settings.schema import Settings
from fleet_tui.watcher.acts.creating import Answer, Grounds, checked
from fleet_tui.watcher.desks.arguments import Args, text_of

_MOST = 100


@dataclass(frozen=True, slots=True)
class Prepared:
    """A team that could be made, in the settings as they would be with it. ``asks``: marks that somebody has to fill in
    first, with the question; then there are no agents yet."""

    name: str
    members: tuple[str, ...]
    places: tuple[Place, ...]
    agents: tuple[NewAgent, ...]
    text: str
    settings: Settings
    asks: dict[str, str]

    @property
    def sha(self) -> str:
        """Of all that is written: what was shown is what is written."""
        parts = (self.name, self.text, *(agent.sha for agent in self.agents))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def prepare(grounds: Grounds, args: Args) -> Prepared:
    """Everything but writing it.

    Raises:
        UsageError: something that was said cannot be.
        Conflict: a name is taken.
        FleetError: the configuration would have errors with it, or has some already.
    """
    settings, name = grounds.settings, text_of(args, "team").strip()
    if any(known.name == name for known in settings.teams):
        raise Conflict("the name is taken", f"there is a team {one_line(name, 80)}", f"fleet team show {name}")
    places, otherwise = _places(grounds, args, name)
    joined = _names(args.get("agents") or [])
    for one in joined:
        settings.agent(one)
    if not places and not joined:
        hint = "--from backend-developer:2,security-reviewer, or --agents dev-1,qa"
        raise UsageError("nobody is in it", "say whom it is made of", hint)
    _require_free([place.name for place in places], settings)
    members = (*dict.fromkeys((*joined, *(place.name for place in places))),)
    said = _texts(args.get("fills") or {})
    known = conventions(grounds.repository, settings)
    asks = {m: ask for m, ask in founding.unknown(places, known).items() if m not in {*said, *otherwise}}
    text = team.team_text(name, members)
    if asks:
        return Prepared(name, members, places, (), text, settings, asks)
    vendor, model = (one_line(str(args.get(key) or "")) or None for key in ("vendor", "model"))
    made = tuple(team.agents_of(places, settings, known, said, otherwise, vendor, model))
    with_it = checked(grounds, made, {name: text})
    return Prepared(name, members, places, made, text, with_it, {})


def _places(grounds: Grounds, args: Args, name: str) -> tuple[tuple[Place, ...], dict[str, str]]:
    """The new agents' places, and what stands for marks that nothing is known of."""
    catalogue, taken = grounds.catalogue(), {agent.name for agent in grounds.settings.agents}
    wanted = [text_of(args, "preset")] if args.get("preset") else []
    places = list(team.places_of(team.read_members(str(args.get("from") or "")), catalogue, taken))
    otherwise: dict[str, str] = {}
    for one in wanted:
        look = signs.Look(grounds.repository)
        chosen, count = preset.choose(preset.weigh(look), one).preset, args.get("developers")
        found = founding.places(chosen, look, catalogue, count if isinstance(count, int) else None)
        # Presets call their agents all alike: in a fleet that has some, the team's name tells them apart.
        places += [Place(f"{name}-{place.name}", place.entry, place.counted) for place in found]
        otherwise = dict(chosen.fills)
    return tuple(places), otherwise


def _require_free(names: Sequence[str], settings: Settings) -> None:
    taken = {agent.name for agent in settings.agents}
    twice = next((name for name in names if name in taken or names.count(name) > 1), None)
    if twice is not None:
        raise Conflict("the name is taken", f"there is an agent {one_line(twice, 80)}", "--from NAME=TEMPLATE:COUNT")


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise UsageError("agents not understood", f"a list of up to {_MOST} names", "--agents dev-1,qa")
    return tuple(dict.fromkeys(one_line(str(name)) for name in value))


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise UsageError("arguments not understood", "`fills` is a map", '--set test_command="make test"')
    return {str(name): one_line(str(text), 400) for name, text in value.items()}


def preview(grounds: Grounds, args: Args) -> Answer:
    """What would be written and what that may spend; nothing is done."""
    prepared = prepare(grounds, args)
    by_name = {agent.name: agent for agent in prepared.settings.agents}
    return {
        "team": prepared.name,
        "members": list(prepared.members),
        "agents": [_row(place, by_name[place.name].vendor if prepared.agents else "") for place in prepared.places],
        "at_most": founding.at_most(prepared.places),
        "files": [*founding.files(prepared.agents), team_path(prepared.name)],
        "max_running": prepared.settings.limits.max_running,
        "all_agents": len(by_name),
        "asks": prepared.asks,
        "sha": prepared.sha,
    }


def _row(place: Place, vendor: str) -> Answer:
    told = place.entry.template
    about = {"name": place.name, "template": place.entry.id, "role": told.role, "lens": told.lens, "vendor": vendor}
    return about | {"cost": COST[told.model.tier], "budget": budget_in_words(told.budget)}


def create(grounds: Grounds, args: Args) -> Prepared:
    """Make it with all its agents, or nothing of it; with ``seen`` only if it is exactly what a preview showed.

    Raises:
        FleetError: as :func:`prepare`, or it differs, or it cannot be written.
    """
    prepared = prepare(grounds, args)
    if prepared.asks:
        mark, ask = next(iter(prepared.asks.items()))
        raise UsageError("something must be filled in", f"{mark}: {ask}", f"--set {mark}=…")
    if args.get("seen") not in (None, prepared.sha):
        raise Conflict("changed meanwhile", "a template, or what it is filled with, is another one now", "look again")
    try:
        write_all(grounds.repository, founding.files(prepared.agents) | {team_path(prepared.name): prepared.text})
    except OSError as error:
        raise FleetError("the team cannot be written", f"{error.filename}: {error.strerror}", "nothing was") from error
    return prepared


def change(grounds: Grounds, args: Args) -> Settings:
    """Put ``agents`` into the team, instead of those who are in it; ``seen``: who that was when it was decided.

    Raises:
        UsageError: it has no file of its own, or an agent is none.
        Conflict: it is not as ``seen`` says, or like that already.
    """
    name, wanted = text_of(args, "team"), _names(args.get("agents"))
    known = next((one for one in grounds.settings.teams if one.name == name), None)
    if known is not None:
        require_own(grounds, name)
    now = None if known is None else list(known.agents)
    _require_seen(args, name, now)
    if now == list(wanted):
        raise Conflict("nothing to change", f"the team {name} is like that already")
    for one in wanted:
        grounds.settings.agent(one)
    text = team.team_text(name, wanted)
    settings = checked(grounds, (), {name: text})
    if known is None:
        write_new(grounds.repository, grounds.repository / team_path(name), text)
    else:
        replace(grounds.repository, team_path(name), text)
    return settings


def remove(grounds: Grounds, args: Args) -> Settings:
    """Remove the team's file; its agents stay. ``seen``: who was in it when that was decided.

    Raises:
        UsageError: there is no such team, or it has no file of its own.
        Conflict: it is not as ``seen`` says.
        FleetError: it cannot be removed.
    """
    name = text_of(args, "team")
    _require_seen(args, name, list(grounds.settings.team(name).agents))
    require_own(grounds, name)
    try:
        take_away(grounds.repository, team_path(name))
    except OSError as error:
        raise FleetError("the team cannot be removed", f"{team_path(name)}: {error.strerror}") from error
    return load_settings(grounds.repository).require()


def _require_seen(args: Args, name: str, now: list[str] | None) -> None:
    if "seen" in args and args["seen"] != now:
        raise Conflict("changed meanwhile", f"the team {one_line(name, 80)} is another by now", "look again")


def require_own(grounds: Grounds, name: str) -> None:
    """Raises UsageError: the team stands in the project's configuration."""
    if not (grounds.repository / team_path(name)).is_file():
        hint = f"edit it there, or move the entry to a file of its own: {team_path(name)}"
        raise UsageError("not to be changed here", f"the team {name} stands in {PROJECT_FILE}", hint)
