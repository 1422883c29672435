"""Agents and teams in files of their own: `.fleet/agents/NAME.yaml` holds what an entry of `agents:` holds,
`.fleet/teams/NAME.yaml` one of `teams:`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from fleet_tui.settings.document import Document, Spot, parse
from fleet_tui.settings.fieldfleet import accept_agent
from fleet_tui.settings.files import ReadFile, read_text
from fleet_tui.settings.problems import WARNING, Problem

ENDING = ".yaml"
DIRECTORIES = {"agents": ".fleet/agents", "teams": ".fleet/teams"}
Kind = Literal["agents", "teams"]
"""The section that the files are entries of."""
_LEAST: dict[Kind, str] = {"agents": "write at least `role: developer`", "teams": "write `agents: [dev-1, dev-2]`"}
_MOST = 500


def documents(
    repository: Path, kind: Kind, drafts: Mapping[str, str], without: Collection[str] = ()
) -> Iterator[Document]:
    """The files of a ``kind`` and the ``drafts``, by name, ``without`` those of some; what is wrong with one is in its
    problems."""
    directory = DIRECTORIES[kind]
    left_out = {f"{name}{ENDING}" for name in without}
    found = {path.name: path for path in _entries(repository / directory) if path.name not in left_out}
    names = {*found, *(f"{name}{ENDING}" for name in drafts)}
    for name in sorted(names)[:_MOST]:
        draft = drafts.get(name.removesuffix(ENDING))
        shown = f"{directory}/{name}"
        read = ReadFile(draft) if draft is not None else read_text(found[name], shown, inside=repository)
        yield _entry(shown, name.removesuffix(ENDING), read, kind) if name.endswith(ENDING) else _other(shown)


def _entries(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []


def _other(shown: str) -> Document:
    document = Document(shown, "")
    message = f"not read: its name does not end in `{ENDING}`"
    document.problems.append(Problem(WARNING, shown, 0, 0, "", message, "rename it, or move it away"))
    return document


def _entry(shown: str, name: str, read: ReadFile, kind: Kind) -> Document:
    document = Document(shown, read.text) if read.problem or read.missing else parse(read.text, shown)
    if read.missing:
        return document  # it went between the two looks
    if read.problem is not None:
        document.problems.append(read.problem)
    if document.problems:
        return document
    if not isinstance(document.value, dict):
        what = f"expected a map: the settings of one {kind[:-1]}"
        message = "the file is empty" if document.value is None else what
        document.fault(document.values.get((), Spot(1, 1, "")), message, _LEAST[kind])
        return document
    if kind == "agents":
        accept_agent(document)
    if document.value.setdefault("name", name) != name:
        hint = f"remove the line, or rename the file to `{document.value['name']}{ENDING}`"
        document.fault(document.values[("name",)], f"the name of its file is the {kind[:-1]}'s: `{name}`", hint)
    return document
