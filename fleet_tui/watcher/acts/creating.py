"""Agents made from templates: what can be chosen, what one would be and do, and making it."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fleet_tui.catalogue import agent as making
from fleet_tui.catalogue.amount import budget_in_words
from fleet_tui.catalogue.conventions import conventions
from fleet_tui.catalogue.read import Catalogue, read_catalogue
from fleet_tui.catalogue.template import COST, Entry
from fleet_tui.catalogue.write import agent_path, prompt_path, team_path, write_agent
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.model import Ticket
from fleet_tui.domain.states import TicketState
from fleet_tui.domain.text import clean, one_line
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.schema import AgentSettings, Settings
from fleet_tui.vendors.base import LaunchRequest, Probe
from fleet_tui.vendors.registry import vendor_for
from fleet_tui.watcher.desks.arguments import Args, text_of
from fleet_tui.watcher.runs.environment import names_for
from fleet_tui.watcher.runs.prompt import Part, skills, standing_parts

_MOST_SHOWN = 60_000
"""Characters of a prompt in an answer."""
_WAITING = (TicketState.DRAFT, TicketState.READY)
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grounds:
    """What an agent would be made on. ``isolation`` is the level in force, empty where none is known."""

    repository: Path
    settings: Settings
    ticket: Callable[[int], Ticket | None]
    isolation: str = ""
    base: str = ""
    """The commit that work would begin from."""

    def catalogue(self) -> Catalogue:
        return read_catalogue(self.repository, self.settings)


def listing(grounds: Grounds, words: str = "") -> Answer:
    """The templates with ``words`` in them, in short, and what is wrong with those that cannot be used."""
    found, used = grounds.catalogue(), [agent.template for agent in grounds.settings.agents]
    rows = [{**_row(entry), "used": used.count(entry.id)} for entry in found.search(words)]
    return {"templates": rows, "problems": [str(problem) for problem in found.problems[:50]]}


def _row(entry: Entry) -> Answer:
    told = entry.template
    return {
        "id": entry.id,
        "category": entry.category,
        "name": entry.name,
        "title": told.title,
        "purpose": told.purpose,
        "role": told.role,
        "cost": COST[told.model.tier],
        "budget": budget_in_words(told.budget),
        "budget_rule": told.budget.model_dump(mode="json") if told.budget is not None else None,
        "risk": told.risk.profile,
        "source": entry.source,
    }


def describe(grounds: Grounds, name: str, ticket: int | None = None) -> Answer:
    """One template in full, and what a form begins with.

    Raises:
        UsageError: there is no such template.
    """
    entry, settings = grounds.catalogue().get(name), grounds.settings
    told, taken = entry.template, [agent.name for agent in settings.agents]
    known = making.defaults(told, conventions(grounds.repository, settings))
    about = grounds.ticket(ticket) if ticket is not None else None
    return {
        **_row(entry),
        **told.model_dump(mode="json", exclude={"budget"}),
        "prompt": entry.prompt[:_MOST_SHOWN],
        "family": settings.family(told.role).name,
        "form": {
            "name": making.free_name(about.title if about is not None else entry.name, taken),
            "vendor": making.usual_vendor(settings, told.role),
            "vendors": list(settings.vendors),
            "budget": budget_in_words(told.budget),
            "takes_tickets": "ticket_ready" in told.subscriptions,
            "fills": [
                {"name": mark, "ask": told.fill_ins[mark].ask, "value": found.value, "seen": found.seen}
                for mark, found in known.items()
            ],
        },
    }


@dataclass(frozen=True, slots=True)
class Prepared:
    """An agent that could be made, in the settings as they would be with it."""

    agent: making.NewAgent
    row: AgentSettings
    settings: Settings
    ticket: Ticket | None


def prepare(grounds: Grounds, args: Args) -> Prepared:
    """Everything but writing it.

    Raises:
        UsageError: something that was said cannot be.
        Conflict: the name is taken, or the ticket is under way.
        FleetError: the configuration would have errors with it, or has some already.
    """
    wanted = _wanted(args)
    entry = grounds.catalogue().get(text_of(args, "template"))
    taken = {agent.name for agent in grounds.settings.agents}
    if wanted.name in taken:
        raise Conflict("the name is taken", f"there is an agent {wanted.name}", "choose another name")
    new = making.compose(entry, wanted, grounds.settings, conventions(grounds.repository, grounds.settings))
    settings = checked(grounds, [new])
    return Prepared(new, settings.agent(new.name), settings, _kept(grounds, wanted, entry))


def _wanted(args: Args) -> making.Wanted:
    fills, subscribes = args.get("fills") or {}, args.get("subscribes")
    if not isinstance(fills, dict) or not isinstance(subscribes, list | None):
        raise UsageError("arguments not understood", "`fills` is a map, `subscribes` a list")
    number = args.get("ticket")
    if number is not None and (not isinstance(number, int) or number < 1):
        raise UsageError("no such ticket", one_line(str(number), 40), "fleet ticket list")
    return making.Wanted(
        name=text_of(args, "agent").strip(),
        vendor=_said(args, "vendor"),
        model=_said(args, "model"),
        budget=_said(args, "budget"),
        tickets=() if number is None else (number,),
        subscribes=None if subscribes is None else tuple(one_line(str(kind)) for kind in subscribes),
        fills={str(name): one_line(str(value), 400) for name, value in fills.items()},
    )


def _said(args: Args, name: str) -> str | None:
    value = one_line(str(args.get(name) or ""))
    return value or None


def checked(
    grounds: Grounds, new: Sequence[making.NewAgent], teams: Mapping[str, str] = MappingProxyType({})
) -> Settings:
    """The settings with new agents and the files of ``teams``. Prompts are not there yet: they count as written in the
    agents' files themselves.

    Raises:
        UsageError: one of them cannot be.
        FleetError: the configuration has errors elsewhere.
    """
    drafts = {one.name: f"{one.text}prompt: {_as_yaml(one.prompt)}\n" for one in new}
    loaded = load_settings(grounds.repository, drafts=drafts, team_drafts=teams)
    if loaded.settings is not None:
        return loaded.settings
    for what, files in (("agent", map(agent_path, drafts)), ("team", map(team_path, teams))):
        wrong = set(files)
        own = [problem for problem in loaded.errors if problem.file in wrong]
        if own:
            raise UsageError(
                f"there cannot be such {'an' if what == 'agent' else 'a'} {what}", own[0].message, own[0].hint
            )
    raise FleetError("the configuration has errors", str(loaded.errors[0]), "mend them first: fleet config validate")


def _as_yaml(text: str) -> str:
    """JSON is YAML, but for characters that the loader refuses to see."""
    return json.dumps(clean(text))


def _kept(grounds: Grounds, wanted: making.Wanted, entry: Entry) -> Ticket | None:
    """The ticket that is to be kept for the agent."""
    if not wanted.tickets:
        return None
    subscribes = entry.template.subscriptions if wanted.subscribes is None else wanted.subscribes
    if "ticket_ready" not in subscribes:
        raise UsageError("it takes no tickets", f"{entry.id} starts on {', '.join(subscribes)}", "leave the ticket out")
    (number,) = wanted.tickets
    ticket = grounds.ticket(number)
    if ticket is None:
        raise UsageError("no such ticket", f"#{number}", "fleet ticket list")
    if ticket.state not in _WAITING:
        raise Conflict("under way already", f"ticket #{number} is {ticket.state}", "only one that waits can be kept")
    keeper = next((agent.name for agent in grounds.settings.agents if number in agent.tickets), None)
    if keeper is not None:
        raise Conflict("kept already", f"ticket #{number} is kept for {keeper}", f"see {agent_path(keeper)}")
    return ticket


def preview(grounds: Grounds, prepared: Prepared) -> Answer:
    """What would be written and what would run; nothing is done. Names of environment variables, never values."""
    new, row, settings = prepared.agent, prepared.row, prepared.settings
    family = settings.family(row.role)
    with tempfile.TemporaryDirectory(prefix="fleet-preview-") as place:
        launch, environment, probe = _launch(grounds, prepared, Path(place))
    return {
        "agent": new.name,
        "template": new.template,
        "sha": new.sha,
        "files": [{"path": agent_path(new.name), "text": new.text}],
        "prompt_file": prompt_path(new.name),
        "launch": launch,
        "environment": list(environment),
        "parts": [_shown(part) for part in _parts(grounds, prepared)],
        "role": row.role,
        "family": family.name,
        "publishes": list(family.publishes),
        "starts_on": list(row.subscriptions(settings)),
        "budget": ", ".join(budget_in_words(budget) for budget in row.budgets) or "none",
        "vendor": row.vendor,
        "model": row.model,
        "isolation": grounds.isolation,
        "base": grounds.base,
        "ticket": None if prepared.ticket is None else _ticket_facts(prepared.ticket),
        "checks": _checks(grounds, prepared, probe),
    }


def _shown(part: Part) -> Answer:
    return {"layer": part.layer, "origin": part.origin, "tokens": part.tokens, "text": part.text[:_MOST_SHOWN]}


def _ticket_facts(ticket: Ticket) -> Answer:
    return {"number": ticket.number, "title": ticket.title, "state": ticket.state.value}


def _launch(grounds: Grounds, prepared: Prepared, place: Path) -> tuple[str, tuple[str, ...], Probe]:
    row, settings = prepared.row, prepared.settings
    vendor = vendor_for(settings.vendor(row.vendor), row.vendor, repository=grounds.repository)
    prompt = "\n\n".join(part.text.strip() for part in _parts(grounds, prepared))
    ticket = prepared.ticket.number if prepared.ticket is not None else None
    home = place / "home"
    home.mkdir()
    sandboxed = grounds.isolation not in ("", "L0")
    request = LaunchRequest(
        run="run",
        agent=row.name,
        role=row.role,
        model=row.model,
        prompt=prompt,
        run_dir=place,
        workspace=place / "workspace",
        ticket=ticket,
        home=home,
        session="SESSION",
        sandboxed=sandboxed,
        skills=skills(grounds.repository, settings, row),
    )
    launch = vendor.launch(request)
    shown = {str(place / "workspace"): "WORKSPACE", str(home): "HOME", str(place): "RUN"}
    words = [_word(word, shown) for word in launch.argv]
    environment = names_for(row, launch.env, has_home=sandboxed)
    return one_line(" ".join(words), 2000), environment, vendor.probe()


def _word(word: str, shown: Mapping[str, str]) -> str:
    """An argument as one would type it: what is long, as the prompt is, only by its beginning and length."""
    for path, name in shown.items():
        word = word.replace(path, name)
    text = clean(word)
    if len(text) > 120 or "\n" in text:
        return f"'{one_line(text, 40)}…' ({len(text)} characters)"
    return shlex.quote(text)


def _parts(grounds: Grounds, prepared: Prepared) -> list[Part]:
    """Its prompt's layers; that of its own with the file that it would stand in."""
    row = prepared.row
    *shared, own = standing_parts(grounds.repository, prepared.settings, row)
    origin = f"{prompt_path(row.name)} (template {prepared.agent.template})"
    later = "the run: who it is, what started it" + (", the ticket between marks" if prepared.ticket else "")
    return [*shared, Part("agent", origin, own.text), Part("run", "each run", f"({later})")]


def _checks(grounds: Grounds, prepared: Prepared, probe: Probe) -> list[Answer]:
    """What one would look at before making it; what is not good does not forbid it."""
    row, settings = prepared.row, prepared.settings
    checks: list[Answer] = [{"ok": True, "text": f"the name {row.name} is free"}]
    found = probe.program or row.vendor
    checks.append({"ok": probe.ok, "text": f"{found} found" if probe.ok else f"{probe.problem}; {probe.hint}"})
    agents = sum(agent.enabled for agent in settings.agents)
    most = settings.limits.max_running
    checks.append({"ok": agents <= most, "text": f"{agents} agents, {most} may run at the same time"})
    free = shutil.disk_usage(grounds.repository).free // 1_000_000_000
    checks.append({"ok": free >= 1, "text": f"disk {free} GB free"})
    ticket = prepared.ticket
    if ticket is not None and ticket.state is TicketState.DRAFT:
        checks.append({"ok": False, "text": f"ticket #{ticket.number} is a draft: nobody takes it until it is ready"})
    return [{"ok": check["ok"], "text": one_line(check["text"], 300)} for check in checks]


def create(grounds: Grounds, args: Args) -> Prepared:
    """Make the agent; with ``seen`` only if it is exactly what a preview showed.

    Raises:
        FleetError: as :func:`prepare`, or it differs, or it cannot be written.
    """
    prepared = prepare(grounds, args)
    seen = args.get("seen")
    if seen is not None and seen != prepared.agent.sha:
        raise Conflict("changed meanwhile", "the template, or what it is filled with, is another one now", "look again")
    write_agent(grounds.repository, prepared.agent)
    return prepared
