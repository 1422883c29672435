"""What a run is told, in layers: files of texts, the agent's own prompt, and the ticket fenced as untrusted text."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fleet_tui.catalogue.conventions import configured, conventions
from fleet_tui.domain.model import PullRequest, Run, Ticket
from fleet_tui.domain.text import clean, one_line
from fleet_tui.settings.playbooks import read_playbooks
from fleet_tui.settings.prompts import read_prompt
from fleet_tui.settings.schema import AgentSettings, Settings
from fleet_tui.settings.texts import read_layer, role_layer
from fleet_tui.vendors.registry import takes_skills
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs.reading import places

_MOST_CHARACTERS = 120_000
"""Of a ticket's text: with everything else it still fits into one paste, and into what a model can read."""
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One layer of a prompt and where it came from."""

    layer: str
    origin: str
    text: str

    @property
    def tokens(self) -> int:
        """About how many tokens: no vendor's own count, a token for each four bytes begun."""
        return -(-len(self.text.encode()) // _BYTES_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the texts of prompts come from. ``blob``: the text of a hash. ``repository`` is the fleet's home."""

    repository: Path
    settings: Settings
    ticket: Callable[[int], Ticket | None]
    pull_request: Callable[[int], PullRequest | None]
    blob: Callable[[str], str]
    readable: Callable[[str], Mapping[str, Path]] = lambda _run: {}
    """Where the files of which other repositories are, that a run may read."""


def sources(ctx: Context) -> Sources:
    """Those of the fleet at work."""
    reader = ctx.reader
    readable = partial(places, ctx.paths)
    return Sources(ctx.paths.repository, ctx.settings, reader.ticket, reader.pull_request, ctx.store.blob, readable)


def build(ctx: Context, run: Run, agent: AgentSettings) -> str:
    """The whole prompt of a run."""
    return joined(parts(sources(ctx), run, agent))


def joined(layers: list[Part]) -> str:
    """The layers as they are sent."""
    return "\n\n".join(part.text.strip() for part in layers if part.text.strip()) + "\n"


def parts(where: Sources, run: Run, agent: AgentSettings) -> list[Part]:
    """The layers in the order in which they are sent.

    Raises:
        FleetError: the agent's prompt file or a layer is missing, or cannot be used.
    """
    ticket = where.ticket(run.ticket) if run.ticket is not None else None
    layers = [
        *standing_parts(where.repository, where.settings, agent, ticket.repo if ticket is not None else ""),
        _filled(where.repository, "assignment", _assignment(where, run, agent)),
    ]
    lens = where.settings.reviews.lenses.get(run.lens)
    if lens is not None:
        layers.append(_filled(where.repository, "lens", {"lens": run.lens, "asks": lens.asks.strip()}))
        if lens.adversarial:
            layers.append(_filled(where.repository, "adversarial", {}))
    if ticket is not None:
        layers.append(_filled(where.repository, "ticket", _ticket(ticket, where.blob)))
    if run.instructions:
        layers.append(_filled(where.repository, "feedback", _fenced(run.instructions)))
    return layers


def resumed(ctx: Context, run: Run) -> str:
    """What a run is told whose program goes on with the session of the one that it replaces."""
    previous = ctx.reader.run(run.previous) if run.previous else None
    how = (
        one_line(previous.state_reason, 200) if previous is not None and previous.state_reason else "it was broken off"
    )
    told = {"how": how, "attempt": str(run.attempt)} | (_fenced(run.instructions) if run.instructions else {})
    return read_layer(ctx.paths.repository, "resumed").fill(told) + "\n"


def standing_parts(repository: Path, settings: Settings, agent: AgentSettings, repo: str = "") -> list[Part]:
    """The layers that are the same for every run of ``agent``: handbook, role, product, project, and its own prompt.

    ``repo`` is the one of `repos` that it works in: of that nothing is read here, it may be out of reach.

    Raises:
        FleetError: the agent's prompt file or a layer is missing, or cannot be used.
    """
    product = settings.product
    facts = {"name": product.name, "description": product.description, "owner": product.owner}
    layers = [_filled(repository, "handbook", {}), _role(repository, settings, agent)]
    if any(facts.values()):
        layers.append(_filled(repository, "product", {name: text or "" for name, text in facts.items()}))
    known = configured(settings.for_repository(repo)) if repo else conventions(repository, settings)
    found = {name: one_line(seen.value, 400) for name, seen in known.items()}
    if found:
        layers.append(_filled(repository, "conventions", found))
    layers += _playbooks(repository, settings, agent)
    return [*layers, _own_prompt(repository, agent)]


def skills(repository: Path, settings: Settings, agent: AgentSettings) -> Mapping[str, str]:
    """The playbooks that are installed in the agent's program, by the skill's name; none where they are in the prompt.

    Raises:
        FleetError: one of them cannot be used.
    """
    vendor = settings.vendor(agent.vendor)
    if vendor.playbooks != "auto" or not takes_skills(vendor.kind):
        return {}
    found = read_playbooks(repository, settings.family(agent.role).name)
    return {playbook.skill: playbook.skill_text for playbook in found}


def _playbooks(repository: Path, settings: Settings, agent: AgentSettings) -> list[Part]:
    """Which playbooks are installed, or the playbooks themselves; where the role has none, nothing."""
    if settings.vendor(agent.vendor).playbooks == "off":
        return []
    found = read_playbooks(repository, settings.family(agent.role).name)
    if not found:
        return []
    if skills(repository, settings, agent):
        values = {"installed": "; ".join(f"`{one.skill}`: {one.description}" for one in found)}
        return [_filled(repository, "playbooks", values)]
    part = _filled(repository, "playbooks", {"inlined": "\n\n".join(one.text for one in found)})
    return [Part(part.layer, ", ".join((part.origin, *(one.origin for one in found))), part.text)]


def _filled(repository: Path, name: str, values: Mapping[str, str]) -> Part:
    text = read_layer(repository, name)
    return Part(name, text.origin, text.fill(values))


def _role(repository: Path, settings: Settings, agent: AgentSettings) -> Part:
    family = settings.family(agent.role)
    text = role_layer(repository, agent.role, family.name)
    publishes = ", ".join(family.publishes) or "nothing"
    values = {"role": agent.role, "family": family.name, "summary": family.summary or "-", "publishes": publishes}
    return Part("role", text.origin, text.fill(values))


def _own_prompt(repository: Path, agent: AgentSettings) -> Part:
    if agent.prompt is not None:
        return Part("agent", f"agents: {agent.name}: prompt", agent.prompt)
    made = f" (made from template {agent.template})" if agent.template else ""
    return Part("agent", f"{agent.prompt_path}{made}", read_prompt(repository, agent))


def _assignment(where: Sources, run: Run, agent: AgentSettings) -> dict[str, str]:
    told = {"agent": agent.name, "role": agent.role, "reports_to": agent.reports_to or ""}
    told |= {"department": agent.department or "", "trigger": run.trigger}
    told |= {"round": str(run.round), "attempt": str(run.attempt)}
    ticket = where.ticket(run.ticket) if run.ticket is not None else None
    told |= {"repo": one_line(ticket.repo, 60) if ticket is not None else ""}
    told |= {"reads": ", ".join(f"{name} in {place}" for name, place in where.readable(run.id).items())}
    found = where.pull_request(run.pr) if run.pr is not None else None
    if found is None:
        return told
    told |= {"pr": str(found.number), "branch": found.branch, "target": found.target}
    told |= {"head": found.head_sha, "base": found.base_sha}
    return told | {"files": str(found.files), "added": str(found.added), "deleted": str(found.deleted)}


def _ticket(ticket: Ticket, blob: Callable[[str], str]) -> dict[str, str]:
    body = clean(blob(ticket.body_sha))
    told = {"number": str(ticket.number), "title": one_line(ticket.title), **_fenced(body[:_MOST_CHARACTERS])}
    if len(body) <= _MOST_CHARACTERS:
        return told
    return told | {"shown": str(_MOST_CHARACTERS), "length": str(len(body))}


def _fenced(text: str) -> dict[str, str]:
    """``text`` and the marks around it that it cannot forge, because nobody knows them before."""
    return {"mark": secrets.token_hex(6), "text": clean(text)}
