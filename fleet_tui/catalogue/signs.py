"""What a repository's files say about its kind. Looking starts no program and reads only small, regular files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, Strict

from fleet_tui.settings import fields as f
from fleet_tui.settings.files import read_text
from fleet_tui.settings.section import Section

_MOST_FILES = 5_000
_MOST_MANIFESTS = 30
_SKIPPED = frozenset({"node_modules", "vendor", "venv", "dist", "build", "target", "site-packages", "__pycache__"})
_SHOWN_HIDDEN = frozenset({".github", ".gitlab"})
_MANIFESTS = (
    "pyproject.toml", "requirements*.txt", "setup.py", "setup.cfg", "Pipfile", "environment.yml", "package.json",
    "go.mod", "Cargo.toml", "Gemfile", "composer.json", "mix.exs", "pom.xml", "build.gradle", "build.gradle.kts",
    "*.csproj", "packages.yml",
)  # fmt: skip
Names = tuple[f.Filled, ...]


class Most(Section):
    """A share of the repository's files."""

    endings: Names = Field(description="What their names end in.")
    percent: Annotated[f.Number, Field(ge=1, le=100)] = Field(description="So many of a hundred at the least.")
    of: Annotated[f.Number, Field(ge=1)] = Field(description="So many there must be, or it says nothing.")


class Sight(Section):
    """Something to be seen in a repository: any one of these."""

    files: Names = Field((), description="Globs: on the name alone, or with a `/` on the path; `/x` is at the top.")
    depends: Names = Field((), description="Packages that one of its manifests names.")
    text: dict[Annotated[str, Strict()], Names] = Field(
        default_factory=dict, description="Words in a file at its top, any of which counts."
    )
    most: Most | None = Field(None, description="What most of its files are.")


@dataclass(frozen=True)
class Look:
    """A repository as far as its files tell."""

    repository: Path

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths from its top, without what is built, fetched or hidden; the first thousands of very many."""
        found = []
        for path in self._walk():
            found.append(path)
            if len(found) >= _MOST_FILES:
                break
        return tuple(found)

    @cached_property
    def manifests(self) -> dict[str, str]:
        """The text of each file that says what is depended on."""
        names = [path for path in self.files if any(fnmatchcase(_name(path), glob) for glob in _MANIFESTS)]
        return {path: self.text(path) for path in sorted(names, key=lambda p: p.count("/"))[:_MOST_MANIFESTS]}

    def text(self, path: str) -> str:
        """What the file says; empty where it is none that can be read."""
        return read_text(self.repository / path, path, inside=self.repository).text

    def why(self, sight: Sight) -> str:
        """The first thing of ``sight`` that is to be seen, in words; empty: nothing of it."""
        seen = (self._file(sight.files), self._dependency(sight.depends), self._words(sight), self._share(sight.most))
        return next((words for words in seen if words), "")

    def _walk(self) -> Iterator[str]:
        for directory, below, names in os.walk(self.repository):
            below[:] = sorted(name for name in below if _looked_into(name))
            above = Path(directory).relative_to(self.repository)
            yield from ((above / name).as_posix() for name in sorted(names))

    def _file(self, globs: Names) -> str:
        found = next((path for glob in globs for path in self.files if _fits(path, glob)), None)
        return f"there is {found}" if found is not None else ""

    def _dependency(self, packages: Names) -> str:
        for package in packages:
            pattern = re.compile(rf"(?<![\w.-]){re.escape(package)}(?![\w-])", re.IGNORECASE)
            found = next((path for path, text in self.manifests.items() if pattern.search(text)), None)
            if found is not None:
                return f"{found} names {package}"
        return ""

    def _words(self, sight: Sight) -> str:
        for path, words in sight.text.items():
            text = self.text(path)
            found = next((word for word in words if word in text), None)
            if found is not None:
                return f"{path} says {found}"
        return ""

    def _share(self, most: Most | None) -> str:
        if most is None or len(self.files) < most.of:
            return ""
        fitting = sum(path.endswith(most.endings) for path in self.files)
        percent = 100 * fitting // len(self.files)
        return f"{percent}% of its files are {', '.join(most.endings)}" if percent >= most.percent else ""


def _looked_into(name: str) -> bool:
    return name not in _SKIPPED and (not name.startswith(".") or name in _SHOWN_HIDDEN)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _fits(path: str, glob: str) -> bool:
    if glob.startswith("/"):
        return path.count("/") == glob.count("/") - 1 and fnmatchcase(path, glob[1:])
    return fnmatchcase(path if "/" in glob else _name(path), glob)
