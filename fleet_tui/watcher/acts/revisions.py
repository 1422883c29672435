"""Revisions of agents: what their files and prompts held, since when, and whose act that was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from fleet_tui.catalogue.write import agent_path
from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.domain.events import AgentsRevised
from fleet_tui.settings.document import parse
from fleet_tui.settings.fieldfleet import accept_agent
from fleet_tui.settings.files import read_text
from fleet_tui.settings.load import PROJECT_FILE
from fleet_tui.settings.prompts import read_prompt
from fleet_tui.settings.schema import AgentSettings, Settings
from fleet_tui.store.filters import EventFilter
from fleet_tui.store.reader import Reader
from fleet_tui.watcher.context import Context

_MOST = 100_000
_LEFT_OUT = "(left out)"


@dataclass(frozen=True, slots=True)
class Present:
    """What an agent is by its files. ``whole``: the definition is its file, and can be put back."""

    place: str
    definition: str
    prompt: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of an agent's files. ``at_ns`` is UTC; ``definition`` and ``prompt`` are blobs, empty when the agent
    was no more."""

    agent: str
    number: int
    at_ns: int
    actor: str
    act: str
    of: int | None
    place: str
    definition: str
    prompt: str
    whole: bool

    @property
    def is_gone(self) -> bool:
        """Whether there was no such agent any more."""
        return not self.definition


def present(repository: Path, agent: AgentSettings) -> Present:
    """What is in the files now. What an `env` holds may be a secret, and is left out.

    Raises:
        FleetError: its prompt cannot be read.
    """
    file = agent_path(agent.name)
    found = read_text(repository / file, file, inside=repository)
    own = not found.missing and found.problem is None
    if own and not agent.env:
        return Present(file, found.text, read_prompt(repository, agent), whole=True)
    facts = agent.model_dump(mode="json", exclude_defaults=True)
    if agent.env:
        facts["env"] = dict.fromkeys(sorted(agent.env), _LEFT_OUT)
    text = json.dumps(facts, indent=2)  # which is YAML
    return Present(file if own else PROJECT_FILE, text, read_prompt(repository, agent), whole=False)


def history(reader: Reader, name: str) -> list[Revision]:
    """The revisions of agent ``name``, oldest first."""
    return [revision for revision in _all(reader) if revision.agent == name]


def find(reader: Reader, name: str, number: int | None = None) -> Revision:
    """Revision ``number`` of agent ``name``; None: the last before the present one that was something.

    Raises:
        UsageError: there is none, or the agent was no more.
    """
    known = history(reader, name)
    before = [revision for revision in known[:-1] if not revision.is_gone]
    wanted = [revision for revision in known if revision.number == number] if number is not None else before[-1:]
    if wanted and wanted[0].is_gone:
        told = f"{name} was no more at revision {number}"
        raise UsageError("nothing to see there", told, f"fleet agent revisions {name}")
    if not wanted:
        told = f"{name} has {len(known)} revision{'' if len(known) == 1 else 's'}" + (
            f", and no revision {number}" if number is not None else ""
        )
        raise UsageError("no such revision", told, f"fleet agent revisions {name}")
    return wanted[0]


def settings_of(revision: Revision, blob: Callable[[str], str]) -> AgentSettings:
    """The agent as it was, its prompt in itself.

    Raises:
        FleetError: this version of fleet does not understand it any more.
    """
    document = parse(blob(revision.definition), f"revision {revision.number}")
    if isinstance(document.value, dict):
        accept_agent(document)
        facts = {**document.value, "name": revision.agent, "prompt": blob(revision.prompt)}
        facts.pop("prompt_file", None)
        try:
            return AgentSettings.model_validate(facts)
        except ValueError as error:
            raise FleetError("the revision cannot be read", str(error).splitlines()[0]) from error
    raise FleetError("the revision cannot be read", f"revision {revision.number} of {revision.agent}")


async def note(
    ctx: Context,
    agents: Collection[AgentSettings],
    act: str,
    actor: str,
    of: int | None = None,
    gone: Collection[str] = (),
) -> dict[str, int]:
    """Record what is in the files of ``agents`` where that is new, and who is ``gone``; the revisions they are at."""
    last = _last(ctx.reader)
    # With nothing to read there is no pause, in which somebody else could record that they are gone.
    found = await asyncio.to_thread(lambda: list(_present(ctx.paths.repository, agents))) if agents else []
    rows, numbers = [], {}
    for before in [last[name] for name in gone if name in last and not last[name].is_gone]:
        numbers[before.agent] = before.number + 1
        row = {"agent": before.agent, "place": before.place, "whole": before.whole, "definition": None, "prompt": None}
        rows.append({**row, "revision": before.number + 1})
    for name, now in found:
        row = {"agent": name, "place": now.place, "whole": now.whole}
        row |= {"definition": ctx.store.put_blob(now.definition), "prompt": ctx.store.put_blob(now.prompt)}
        known = last.get(name)
        numbers[name] = known.number if known is not None else 0
        if known is None or (known.definition, known.prompt) != (row["definition"], row["prompt"]):
            numbers[name] += 1
            rows.append({**row, "revision": numbers[name]})
    if rows:
        first = act if any(row["revision"] != 1 for row in rows) or act != "changed" else "found"
        subject = f"agent:{rows[0]['agent']}" if len(rows) == 1 else "fleet"
        await ctx.say(AgentsRevised(first, rows, of), subject, actor=actor)
    return numbers


async def look(ctx: Context, settings: Settings) -> None:
    """Record whose files are others than before or gone, whoever did that: no act of ours told of it."""
    gone = sorted(_last(ctx.reader).keys() - {agent.name for agent in settings.agents})
    await note(ctx, settings.agents, "changed", "watcher", gone=gone)


def _present(repository: Path, agents: Collection[AgentSettings]) -> Iterator[tuple[str, Present]]:
    for agent in agents:
        try:
            yield agent.name, present(repository, agent)
        except FleetError:
            continue  # without its prompt it cannot start, and that is told elsewhere


def _last(reader: Reader) -> dict[str, Revision]:
    return {revision.agent: revision for revision in _all(reader)}


def _all(reader: Reader) -> Iterator[Revision]:
    for event in reader.events(EventFilter(kinds=(AgentsRevised.kind,)), after=0, limit=_MOST):
        told = event.payload
        for row in told["revisions"]:
            yield Revision(
                row["agent"], row["revision"], event.at_ns, event.actor, told["act"], told.get("of"),
                row["place"], row["definition"] or "", row["prompt"] or "", row["whole"],
            )  # fmt: skip
