"""What is known of a project without asking: how it is tested, checked and built, and what it is written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from fleet_tui.catalogue import detect
from fleet_tui.settings.schema import Settings

_CHECKS = ("test", "lint", "types", "build")
KNOWN = (*_CHECKS, "language", "docs", "dependencies", "branch")
"""What a fill-in may name as ``detect``."""
_LANGUAGES = (
    ("pyproject.toml", "Python"), ("setup.py", "Python"),
    ("bin/rails", "Ruby"), ("composer.json", "PHP"), ("mix.exs", "Elixir"),  # they have a package.json too
    ("tsconfig.json", "TypeScript"), ("package.json", "JavaScript"), ("go.mod", "Go"), ("Cargo.toml", "Rust"),
    ("pom.xml", "Java"), ("build.gradle.kts", "Kotlin"), ("build.gradle", "Java"), ("Gemfile", "Ruby"),
    ("CMakeLists.txt", "C and C++"), ("Package.swift", "Swift"), ("pubspec.yaml", "Dart"),
    ("build.sbt", "Scala"), ("Directory.Build.props", "C#"), ("global.json", "C#"),
)  # fmt: skip
_DEPENDENCIES = (
    "pyproject.toml", "requirements.txt", "package.json", "go.mod", "Cargo.toml", "pom.xml", "build.gradle",
    "build.gradle.kts", "Gemfile", "composer.json", "mix.exs", "Package.swift", "pubspec.yaml", "build.sbt",
    "Directory.Packages.props",
)  # fmt: skip
_DOCS = ("docs", "doc", "documentation")


class Found(NamedTuple):
    """A value and where it was seen."""

    value: str
    seen: str


def conventions(repository: Path, settings: Settings) -> Mapping[str, Found]:
    """What can be said, by the names of :data:`KNOWN`. Starts no program; what the configuration says goes first."""
    found = dict(_files(repository))
    found |= {proposal.name: Found(proposal.run, proposal.seen) for proposal in detect.gates(repository, start=False)}
    found |= configured(settings)
    return {name: found[name] for name in KNOWN if name in found}


def configured(settings: Settings) -> Mapping[str, Found]:
    """What the configuration alone says; no file is looked at."""
    found = {gate.name: Found(gate.command, f"gate {gate.name}") for gate in settings.gates if gate.name in _CHECKS}
    if settings.target_branch is not None:
        found["branch"] = Found(settings.target_branch, "target_branch")
    return found


def _files(repository: Path) -> Iterator[tuple[str, Found]]:
    first = next(((file, language) for file, language in _LANGUAGES if (repository / file).is_file()), None)
    if first is not None:
        yield "language", Found(first[1], first[0])
    present = [file for file in _DEPENDENCIES if (repository / file).is_file()]
    if present:
        yield "dependencies", Found(", ".join(present), "the repository")
    for name in _DOCS:
        if (repository / name).is_dir():
            yield "docs", Found(f"{name}/", "the repository")
            return
