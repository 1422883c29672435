"""Agents removed with the files that are theirs: what that would be, why it cannot be, and doing it whole."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_tui.catalogue import write
from fleet_tui.catalogue.team import team_text
from fleet_tui.catalogue.write import agent_path, prompt_path, team_path
from fleet_tui.domain.errors import Conflict, FleetError, NothingToDo, UsageError
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, RunState, TicketState
from fleet_tui.domain.text import one_line
from fleet_tui.settings.load import PROJECT_FILE, Loaded, load_settings
from fleet_tui.settings.schema import AgentSettings, Settings
from fleet_tui.store.reader import Reader
from fleet_tui.watcher.acts.creating import Grounds
from fleet_tui.watcher.acts.editing import seen_of, sharing
from fleet_tui.watcher.acts.revisions import Present, present
from fleet_tui.watcher.desks.arguments import Args

_UNDER_WAY = (TicketState.IN_PROGRESS, TicketState.BLOCKED, TicketState.IN_REVIEW)
_WAITING = (TicketState.DRAFT, TicketState.READY)


@dataclass(frozen=True, slots=True)
class Removal:
    """An agent that could be removed. ``files`` go, ``teams`` (their new texts) are without it, ``notes`` say what else
    follows; ``settings`` are those without it."""

    row: AgentSettings
    files: tuple[str, ...]
    teams: dict[str, str]
    notes: tuple[str, ...]
    seen: str
    settings: Settings

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def told(self) -> str:
        """What is done, in words."""
        teams = f", taken out of the team{'s' * (len(self.teams) > 1)} {', '.join(self.teams)}" if self.teams else ""
        notes = "".join(f"; {note}" for note in self.notes)
        back = f"`fleet agent rollback {self.name}` brings it back"
        return one_line(f"{self.name} is removed ({', '.join(self.files)}{teams}){notes}; {back}", 2000)

    def as_dict(self) -> dict[str, Any]:
        facts = {"agent": self.name, "files": list(self.files), "teams": list(self.teams), "notes": list(self.notes)}
        return facts | {"seen": self.seen}


def previews(grounds: Grounds, reader: Reader, names: Sequence[str]) -> list[dict[str, Any]]:
    """What would become of each, in the order in which they can go: nobody before those who report to them, and each
    as if those before it were gone. Of one that cannot go it is said why (``refused``)."""
    above = {agent.name: agent.reports_to for agent in grounds.settings.agents}
    loaded, gone, told = load_settings(grounds.repository), set[str](), list[dict[str, Any]]()
    for name in sorted(dict.fromkeys(names), key=lambda name: -_depth(name, above)):
        try:
            planned = plan(grounds, reader, name, gone, loaded)
        except FleetError as error:
            told.append({"agent": one_line(name, 80), "refused": error.as_dict()})
        else:
            gone.add(name)
            told.append(planned.as_dict())
    return told


def _depth(name: str, above: dict[str, str | None]) -> int:
    """How many are above it."""
    seen: set[str] = set()
    at: str | None = name
    while at is not None and at not in seen:
        seen.add(at)
        at = above.get(at)
    return len(seen)


def plan(
    grounds: Grounds, reader: Reader, name: str, gone: Set[str] = frozenset(), loaded: Loaded | None = None
) -> Removal:
    """Everything but doing it; ``gone`` are those who would be removed before, ``loaded`` is what is on disk.

    Raises:
        UsageError: there is no such agent, or it is not in files that could be put back.
        NothingToDo: it is no more.
        Conflict: it holds work, is in quarantine, or the configuration needs it.
        FleetError: the configuration has errors.
    """
    loaded = loaded if loaded is not None else load_settings(grounds.repository)
    settings = loaded.settings
    if settings is None:
        raise FleetError(
            "the configuration has errors", str(loaded.errors[0]), "mend them first: fleet config validate"
        )
    row, now = _own(grounds.repository, loaded, settings, reader, name)
    require_free(reader, name)
    teams = _teams(grounds.repository, loaded, settings, name, {*gone, name})
    after = load_settings(grounds.repository, without={*gone, name}, team_drafts=teams)
    if after.settings is None:
        found = after.errors[0]
        hint = found.hint or "change that first"
        raise Conflict("the configuration needs it", f"without {name}: {found.file}: {found.message}", hint)
    files, notes = [agent_path(name)], []
    if row.prompt is None:
        others = [one for one in sharing(grounds.repository, settings, name) if one not in gone]
        if not others and _is_made_for_it(grounds.repository, row):
            files.append(row.prompt_path)
        else:
            why = f", the prompt of {', '.join(others)} too" if others else ""
            notes.append(f"{row.prompt_path} stays{why}")
    before = {problem.message for problem in loaded.warnings}
    notes += [f"then: {problem.message}" for problem in after.warnings if problem.message not in before]
    notes += [f"{number} is kept for nobody then" for number in _kept(reader, row)]
    shown = {team: text for team, text in teams.items() if name in settings.team(team).agents}
    return Removal(row, tuple(files), shown, tuple(notes), seen_of(now), after.settings)


def _own(
    repository: Path, loaded: Loaded, settings: Settings, reader: Reader, name: str
) -> tuple[AgentSettings, Present]:
    """The agent and what is in its files, which must be its own and be kept whole."""
    index = next((index for index, agent in enumerate(settings.agents) if agent.name == name), None)
    if index is None:
        recorded = reader.agent(name)
        if recorded is not None and not recorded.configured:
            told = f"{one_line(name, 80)} is in the configuration no more"
            raise NothingToDo("removed already", told, f"fleet agent revisions {one_line(name, 80)}")
        settings.agent(name)  # which refuses it, with the names that there are
    row = settings.agent(name)
    now = present(repository, row)
    if now.place == PROJECT_FILE:
        place = _place(loaded, f"agents.{index}.name", f"agents.{index}.role", f"agents.{index}")
        hint = f"remove its entry there ({place}), then: fleet config validate"
        raise UsageError("not to be removed here", f"{name} stands in {place}", hint)
    if not now.whole:
        told = f"{name} has an `env`, which may hold secrets and is kept in no revision: nothing could put it back"
        raise UsageError("not to be removed here", told, f"take `env` out of {now.place} first, or remove the file")
    return row, now


def _place(loaded: Loaded, *keys: str) -> str:
    found = (loaded.origins.get(key) for key in keys)
    return str(next((origin for origin in found if origin is not None), PROJECT_FILE))


def require_free(reader: Reader, name: str) -> None:
    """Raises Conflict: it is in quarantine, at work, or work is in its hands."""
    agent = reader.agent(name)
    if agent is not None and agent.quarantined:
        told = f"{name}: {agent.quarantine_reason}; its record and evidence stay in sight until that is decided"
        raise Conflict("in quarantine", told, f"look at it, then: fleet agent release {name} --reason …")
    runs = reader.runs(RunState.QUEUED, *LIVE_RUNS, agent=name)
    if runs:
        raise _at_work(name, next((run for run in runs if run.state in LIVE_RUNS), runs[0]))
    question = next((one for one in reader.questions(open_only=True) if one.agent == name), None)
    if question is not None:
        told = f"{name} waits for an answer: {one_line(question.summary, 200)}"
        raise Conflict("it asked a question", told, f"fleet question answer {question.id} TEXT")
    handed = {run.id for run in reader.runs(agent=name)}
    for pull_request in reader.pull_requests(*sorted(OPEN_PULL_REQUESTS)):
        if pull_request.agent == name or pull_request.run in handed:
            told = f"PR {pull_request.number} of {name} is {pull_request.state.value}"
            raise Conflict("its work is open", told, f"land or close it first: fleet pr show {pull_request.number}")
    for ticket in reader.tickets(*_UNDER_WAY):
        if ticket.agent == name:
            told = f"{name} has ticket #{ticket.number}, which is {ticket.state.value}"
            hint = f"fleet agent pause {name}, then fleet ticket ready {ticket.number}: another takes it; or close it"
            raise Conflict("it has a ticket", told, hint)


def _at_work(name: str, run: Run) -> Conflict:
    about = f" on ticket #{run.ticket}" if run.ticket is not None else ""
    if run.stop_requested or run.stop_until_ns is not None:
        hint = f"again when it has ended, or fleet agent stop {name} --now"
        return Conflict("it is being stopped", f"the run of {name}{about} ends", hint)
    what = "waits to begin" if run.state is RunState.QUEUED else f"is {run.state.value}"
    return Conflict("it is at work", f"a run of {name} {what}{about}", f"fleet agent stop {name}")


def _teams(repository: Path, loaded: Loaded, settings: Settings, name: str, gone: Set[str]) -> dict[str, str]:
    """The teams with any of ``gone`` in them, without these; those of ``name`` must be files of their own."""
    texts = {}
    for index, team in enumerate(settings.teams):
        if name in team.agents and not (repository / team_path(team.name)).is_file():
            place = _place(loaded, f"teams.{index}.agents.{team.agents.index(name)}", f"teams.{index}.name")
            told = f"{name} is in the team {team.name}, which stands in {place}"
            raise Conflict("a team has it", told, "take it out there, then again")
        if gone & {*team.agents}:
            texts[team.name] = team_text(team.name, [one for one in team.agents if one not in gone])
    return texts


def _is_made_for_it(repository: Path, row: AgentSettings) -> bool:
    """Whether its prompt is where fleet puts an agent's own, and there itself."""
    file = repository / row.prompt_path
    return row.prompt_path == prompt_path(row.name) and file.is_file() and not file.is_symlink()


def _kept(reader: Reader, row: AgentSettings) -> list[str]:
    tickets = (reader.ticket(number) for number in row.tickets)
    return [f"ticket #{ticket.number}" for ticket in tickets if ticket is not None and ticket.state in _WAITING]


def carry_out(grounds: Grounds, reader: Reader, planned: Removal, args: Args) -> None:
    """Remove its files and take it out of its teams: all of it or nothing. It waits for nothing: what was looked at is
    what is done.

    Raises:
        Conflict: the files are others than ``seen`` says, or it has begun something.
        FleetError: they cannot be removed.
    """
    name = planned.name
    if {seen_of(present(grounds.repository, planned.row)), args.get("seen") or planned.seen} != {planned.seen}:
        raise Conflict("changed meanwhile", f"the files of {name} are others by now", "look again: --dry-run")
    require_free(reader, name)
    texts = {path: (grounds.repository / path).read_text("utf-8") for path in (*_team_files(planned), *planned.files)}
    touched: list[str] = []
    try:
        for path, text in _team_files(planned).items():
            write.replace(grounds.repository, path, text)
            touched.append(path)
        for path in planned.files:
            write.remove(grounds.repository, path)
            touched.append(path)
    except (OSError, FleetError) as error:
        for path in touched:
            write.replace(grounds.repository, path, texts[path])
        why = str(error) if isinstance(error, OSError) else error.message
        raise FleetError("the agent cannot be removed", why, "nothing was changed") from error


def _team_files(planned: Removal) -> dict[str, str]:
    return {team_path(team): text for team, text in planned.teams.items()}
