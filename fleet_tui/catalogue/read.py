"""The catalogue: shipped templates, then the person's own, then the project's. A later one of the same name counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fleet_tui import paths
from fleet_tui.catalogue.check import read_template
from fleet_tui.catalogue.template import Entry
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.ids import is_safe_id
from fleet_tui.domain.search import search
from fleet_tui.settings.files import read_text
from fleet_tui.settings.messages import suggest
from fleet_tui.settings.problems import ERROR, Problem
from fleet_tui.settings.schema import Settings

PROJECT_DIRECTORY = ".fleet/templates"
SHIPPED = "shipped"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The usable templates by category and name, and what is wrong with the others."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]

    def get(self, name: str) -> Entry:
        """The template called ``category/name``, or ``name`` where only one category has it.

        Raises:
            UsageError: there is none, or several.
        """
        found = [entry for entry in self.entries if name in (entry.id, entry.name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError("which template?", name, f"one of: {', '.join(entry.id for entry in found)}")
        broken = next((str(problem) for problem in self.problems if f"/{name}." in problem.file), "")
        near = suggest(name, [known for entry in self.entries for known in (entry.id, entry.name)])
        hint = near if near.startswith("did you mean") else "fleet template list"
        raise UsageError("no such template", broken or name, hint)

    def search(self, words: str) -> tuple[Entry, ...]:
        """The templates in which every one of ``words`` occurs, those that are called so first."""
        return search(
            self.entries, words, lambda entry: f"{entry.name} {entry.template.title}", lambda entry: entry.words
        )


@dataclass(frozen=True, slots=True)
class _Root:
    directory: Path
    shown: str
    inside: Path | None
    """The repository that its files may not lead out of."""


def read_catalogue(repository: Path, settings: Settings) -> Catalogue:
    """Every template that agents of this fleet can be made from. What cannot be read is among the problems."""
    own = paths.user_config_file().parent / "templates"
    roots = (
        _Root(paths.shipped_config() / "templates", "config/templates", None),
        _Root(own, str(own), None),
        _Root(repository / PROJECT_DIRECTORY, PROJECT_DIRECTORY, repository),
    )
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    for at, root in enumerate(roots):
        for category, path in _files(root.directory):
            entry, found = _read(root, category, path, settings, shipped=at == 0)
            problems += found
            if entry is not None:
                entries[entry.id] = entry
    return Catalogue(tuple(entries[name] for name in sorted(entries)), tuple(problems))


def _files(directory: Path) -> Iterator[tuple[str, Path]]:
    for category in _below(directory):
        if category.is_dir():
            for path in _below(category):
                if path.suffix == ".yaml":
                    yield category.name, path


def _below(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if not path.name.startswith("."))[:_MOST]
    except OSError:
        return []


def _read(
    root: _Root, category: str, path: Path, settings: Settings, *, shipped: bool
) -> tuple[Entry | None, list[Problem]]:
    shown, name = f"{root.shown}/{category}/{path.name}", path.stem
    if not (is_safe_id(category) and is_safe_id(name)):
        message = "not usable names: lower-case letters, digits and `-` for the file and its directory"
        return None, [Problem(ERROR, shown, 0, 0, "", message, "rename them")]
    beside, beside_shown = path.with_suffix(".md"), shown.removesuffix(".yaml") + ".md"
    text, prompt = (
        read_text(path, shown, inside=root.inside), read_text(beside, beside_shown, inside=root.inside)
    )  # fmt: skip
    problems = [problem for problem in (text.problem, prompt.problem) if problem is not None]
    if prompt.missing:
        problems.append(Problem(ERROR, shown, 0, 0, "", f"its prompt {beside.name} is missing", "write it beside it"))
    if problems or text.missing:
        return None, problems
    template, problems = read_template(text.text, shown, prompt.text, beside_shown, settings)
    if template is None:
        return None, problems
    return Entry(category, name, template, prompt.text, SHIPPED if shipped else shown), problems
