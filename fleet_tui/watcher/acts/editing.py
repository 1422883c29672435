"""Changing an agent's own files: checked with the whole configuration first, then replaced whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_tui.catalogue.write import agent_path, prompt_path, replace, write_all
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.text import clean
from fleet_tui.settings.document import parse
from fleet_tui.settings.fieldfleet import accept_agent
from fleet_tui.settings.load import PROJECT_FILE, load_settings
from fleet_tui.settings.schema import Settings
from fleet_tui.watcher.acts.creating import Grounds
from fleet_tui.watcher.acts.revisions import Present, Revision, present
from fleet_tui.watcher.desks.arguments import Args, text_of

_MOST = 60_000
_SHARED = "give it a `prompt_file` of its own, or change it for all of them: --shared"
_OWN = "edit it there, or move the entry to a file of its own: .fleet/agents/NAME.yaml"


@dataclass(frozen=True, slots=True)
class Edited:
    """What was written, and the settings with it. ``changed``: the files that are others now; ``others``: the agents
    that have the same prompt file, and so another prompt as well."""

    name: str
    settings: Settings
    changed: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def written(self) -> str:
        """In words."""
        also = f", the prompt of {', '.join(self.others)} too" if self.others else ""
        return f"{', '.join(self.changed)} written{also}"


def describe(grounds: Grounds, name: str) -> dict[str, Any]:
    """What an editor begins with."""
    row = grounds.settings.agent(name)
    now = present(grounds.repository, row)
    file = None if row.prompt is not None else row.prompt_path
    return {
        "agent": name,
        "place": now.place,
        "definition": now.definition,
        "whole": now.whole,
        "prompt": now.prompt,
    } | {
        "prompt_file": file,
        "shared_with": list(sharing(grounds.repository, grounds.settings, name)),
        "seen": seen_of(now),
    }


def sharing(repository: Path, settings: Settings, name: str) -> tuple[str, ...]:
    """The other agents whose prompt is in the file of agent ``name``, by whatever path."""
    row = settings.agent(name)
    if row.prompt is not None:
        return ()
    place = (repository / row.prompt_path).resolve()
    others = (one for one in settings.agents if one.name != name and one.prompt is None)
    return tuple(one.name for one in others if (repository / one.prompt_path).resolve() == place)


def seen_of(now: Present) -> str:
    """What an edit was made on."""
    return hashlib.sha256(f"{now.definition}\0{now.prompt}".encode()).hexdigest()


def edit(grounds: Grounds, args: Args) -> Edited:
    """Put `definition` and `prompt`, as far as they are given, in the place of what is there.

    Raises:
        UsageError: they are not in files of the agent's own, or the configuration would have errors with them.
        Conflict: they are others than `seen` says, nothing would change, or the prompt is that of other agents too
            and `shared` does not say that it may change for them.
        FleetError: they cannot be written.
    """
    name = text_of(args, "agent")
    row = grounds.settings.agent(name)
    now = present(grounds.repository, row)
    if args.get("seen") not in (None, seen_of(now)):
        raise Conflict("changed meanwhile", f"the files of {name} are others by now", "look again: fleet agent edit")
    definition, prompt = _new(args, "definition", now.definition), _new(args, "prompt", now.prompt)
    if definition is None and prompt is None:
        raise Conflict("nothing to change", f"{name} is like that already")
    if definition is not None and not now.whole:
        why = f"it stands in {PROJECT_FILE}" if now.place == PROJECT_FILE else "its `env` may hold secrets"
        raise UsageError(
            "not to be edited here", f"{name}: {why}", _OWN if now.place == PROJECT_FILE else f"edit {now.place}"
        )
    if prompt is not None and row.prompt is not None and definition is None:
        raise UsageError("its prompt is in its definition", f"{name} has `prompt:` in {now.place}", "edit that")
    settings = _checked(grounds, name, definition)
    changed, new = [], settings.agent(name)
    others = sharing(grounds.repository, settings, name) if prompt is not None else ()
    if others and args.get("shared") is not True:
        raise Conflict("not its own alone", f"{new.prompt_path} is the prompt of {', '.join(others)} too", _SHARED)
    if prompt is not None and new.prompt is None:
        replace(grounds.repository, new.prompt_path, prompt)
        changed.append(new.prompt_path)
    if definition is not None:
        replace(grounds.repository, agent_path(name), definition)
        changed.append(agent_path(name))
    return Edited(name, settings, tuple(changed), others)


def put_back(grounds: Grounds, to: Revision, blob: Callable[[str], str], told: Args) -> Edited:
    """Make an agent what it was at a revision; of a definition that was not whole only the prompt comes back. ``told``
    may hold `seen` and `shared`.

    Raises:
        FleetError: as :func:`edit`, or as :func:`bring_back` of one that is no more.
    """
    shared = told.get("shared") is True
    if to.agent not in {agent.name for agent in grounds.settings.agents}:
        return bring_back(grounds, to, blob, shared=shared)
    args: Args = {"agent": to.agent, "prompt": blob(to.prompt), "seen": told.get("seen"), "shared": shared}
    return edit(grounds, {**args, "definition": blob(to.definition)} if to.whole else args)


def bring_back(grounds: Grounds, to: Revision, blob: Callable[[str], str], *, shared: bool = False) -> Edited:
    """Write the files of an agent that is no more, as they were at a revision, over nothing that exists; with
    ``shared`` also over what is in its prompt file now.

    Raises:
        UsageError: its definition was not in a file of its own, or held secrets.
        Conflict: one of the files is there, with something else in it.
        FleetError: the configuration would have errors with it, or they cannot be written; then nothing is.
    """
    if not to.whole:
        told = f"at revision {to.number} {to.agent} stood in {PROJECT_FILE}, or its `env` held secrets"
        raise UsageError("not to be brought back here", told, f"fleet agent diff {to.agent} {to.number}")
    definition, prompt = blob(to.definition), blob(to.prompt)
    document = parse(definition, agent_path(to.agent))
    if not isinstance(document.value, dict):
        raise FleetError("the revision cannot be read", f"revision {to.number} of {to.agent}")
    accept_agent(document)
    facts = document.value
    file = "" if "prompt" in facts else str(facts.get("prompt_file") or prompt_path(to.agent))
    if file:  # which is not there yet: for the check it stands in the definition
        facts = {key: value for key, value in facts.items() if key != "prompt_file"} | {"prompt": clean(prompt)}
    settings = _checked(grounds, to.agent, json.dumps(facts) if file else definition)
    there = (grounds.repository / file).resolve() if file else None
    others = tuple(
        one.name
        for one in grounds.settings.agents
        if one.prompt is None and (grounds.repository / one.prompt_path).resolve() == there
    )
    differs = there is not None and there.is_file() and there.read_bytes() != prompt.encode()
    if differs and others and not shared:
        raise Conflict("not its own alone", f"{file} is the prompt of {', '.join(others)} too", _SHARED)
    files = {agent_path(to.agent): definition}
    if differs and shared:
        replace(grounds.repository, file, prompt)
    elif file:
        files = {file: prompt, **files}
    try:
        write_all(grounds.repository, files)
    except OSError as error:
        raise FleetError("it cannot be brought back", f"{error.filename}: {error.strerror}") from error
    rows = settings.agents
    if file:
        put = {"prompt": None, "prompt_file": None if file == prompt_path(to.agent) else file}
        rows = tuple(row.model_copy(update=put) if row.name == to.agent else row for row in rows)
    settings = settings.model_copy(update={"agents": rows})
    return Edited(to.agent, settings, (*([file] if file else []), agent_path(to.agent)), others if differs else ())


def _new(args: Args, key: str, now: str) -> str | None:
    """The text under ``key``, if there is one and it is another than ``now``."""
    text = args.get(key)
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > _MOST or not text.strip():
        raise UsageError(f"{key} not understood", f"a text of up to {_MOST} characters, with something in it")
    return None if text == now else text


def _checked(grounds: Grounds, name: str, definition: str | None) -> Settings:
    loaded = load_settings(grounds.repository, drafts={} if definition is None else {name: definition})
    if loaded.settings is not None:
        return loaded.settings
    own = [problem for problem in loaded.errors if problem.file == agent_path(name)]
    if definition is not None and own:
        raise UsageError("there cannot be such an agent", f"{own[0].line}: {own[0].message}", own[0].hint)
    raise FleetError("the configuration has errors", str(loaded.errors[0]), "mend them first: fleet config validate")
