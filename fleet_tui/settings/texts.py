"""The texts that prompts are put together from: files, the project's before the person's before the shipped ones.

``{{mark}}`` stands for a value. A line whose marks have no value is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from fleet_tui import paths
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.settings.files import read_text

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MARK = re.compile(r"\{\{\s*(" + NAME.pattern + r")\s*\}\}")
PROJECT_DIRECTORY = ".fleet/layers"
FENCE = "<<<{{mark}}\n{{text}}\n{{mark}}>>>"
"""How text from outside stands in a layer: it cannot forge what nobody knows before."""
_MOST = 200
_ROLE = frozenset({"role", "family", "summary", "publishes"})
_FENCED = frozenset({"mark", "text"})
MARKS: Mapping[str, frozenset[str]] = {
    "handbook": frozenset(),
    "product": frozenset({"name", "description", "owner"}),
    "conventions": frozenset({"language", "build", "test", "lint", "types", "docs", "dependencies", "branch"}),
    "playbooks": frozenset({"installed", "inlined"}),
    "assignment": frozenset({"agent", "role", "reports_to", "department", "trigger", "round", "attempt"})
    | {"repo", "reads"}
    | frozenset({"pr", "branch", "target", "head", "base", "files", "added", "deleted"}),
    "lens": frozenset({"lens", "asks"}),
    "adversarial": frozenset(),
    "ticket": _FENCED | {"number", "title", "shown", "length"},
    "feedback": _FENCED,
    "resumed": _FENCED | {"how", "attempt"},
}
"""The layers and what may stand in each; those of roles are below ``roles/``."""


@dataclass(frozen=True, slots=True)
class LayerText:
    """A layer's text with its marks, and the file that it came from."""

    origin: str
    text: str

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with its marks replaced; what is put in is not looked at for marks again."""
        lines = [line for line in self.text.strip().splitlines() if all(values.get(m) for m in MARK.findall(line))]
        # What was left out leaves no hole behind.
        kept = [line for blank, run in groupby(lines, lambda one: not one.strip()) for line in ([""] if blank else run)]
        return MARK.sub(lambda match: values[match.group(1)], "\n".join(kept)).strip()


def read_layer(repository: Path, name: str) -> LayerText:
    """The layer ``name``: the first found of the project's, the person's and the shipped one.

    Raises:
        FleetError: there is none, it cannot be read, or its marks are not those of the layer.
    """
    found = _first(repository, name)
    if found is None:
        raise FleetError("installation damaged", f"config/layers/{name}.md is missing", "reinstall fleet-tui")
    problem = _wrong(found.text, MARKS.get(name, _ROLE), fenced="text" in MARKS.get(name, ()))
    if problem:
        raise FleetError("a layer of the prompt cannot be used", f"{found.origin}: {problem[0]}", problem[1])
    return found


def role_layer(repository: Path, role: str, family: str) -> LayerText:
    """What agents of ``role`` are told: the layer of the role, else of its family, else what fits every role.

    Raises:
        FleetError: as :func:`read_layer`.
    """
    names = [f"roles/{name}" for name in dict.fromkeys((role.lower(), family)) if is_safe_id(name)]
    found = next((name for name in names if _first(repository, name) is not None), "roles/other")
    return read_layer(repository, found)


def problems(repository: Path) -> Iterator[FleetError]:
    """What is wrong with the layers that the project or the person has written."""
    for directory, shown, _ in _roots(repository)[:-1]:
        for name in (*_names(directory, ""), *_names(directory / "roles", "roles/")):
            if name not in MARKS and not name.startswith("roles/"):
                told = f"{shown}/{name}.md: there is no such layer"
                yield FleetError("not a layer", told, f"one of: {', '.join(MARKS)}, roles/ROLE")
                continue
            try:
                read_layer(repository, name)
            except FleetError as error:
                yield error


def _names(directory: Path, before: str) -> list[str]:
    """The layers in ``directory``; one that cannot be looked into is told where a prompt needs it."""
    try:
        return sorted(before + path.stem for path in directory.iterdir() if path.suffix == ".md")[:_MOST]
    except OSError:
        return []


def _roots(repository: Path) -> tuple[tuple[Path, str, Path | None], ...]:
    """Directory, its name in words, and the repository that its files may not lead out of."""
    own = paths.user_config_file().parent / "layers"
    return (
        (repository / PROJECT_DIRECTORY, PROJECT_DIRECTORY, repository),
        (own, str(own), None),
        (paths.shipped_config() / "layers", "shipped layers", None),
    )


def _first(repository: Path, name: str) -> LayerText | None:
    for directory, shown, inside in _roots(repository):
        origin = f"{shown}/{name}.md"
        found = read_text(directory / f"{name}.md", origin, inside=inside)
        if found.problem is not None:
            raise FleetError(
                "a layer of the prompt cannot be used", f"{origin} {found.problem.message}", found.problem.hint
            )
        if not found.missing:
            return LayerText(origin, found.text)
    return None


def _wrong(text: str, known: frozenset[str], *, fenced: bool) -> tuple[str, str] | None:
    """What is wrong with a layer's text and what to do about it."""
    odd = sorted(set(MARK.findall(text)) - known)
    if odd:
        return f"the mark {{{{{odd[0]}}}}} says nothing here", f"it may have: {', '.join(sorted(known)) or 'none'}"
    if fenced and FENCE not in text:
        return "text from outside would not be fenced", f"write it as in the shipped one: {FENCE!r}"
    return None
