"""What a repository is: which checks it has, and which agent programs this machine has."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VENDOR_PROGRAMS = {
    "claude-code": "claude",
    "codex": "codex",
    "gemini": "gemini",
    "opencode": "opencode",
    "aider": "aider",
}
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class GateProposal:
    """A check that the repository seems to have, and where that was seen."""

    name: str
    run: str
    seen: str


def gates(repository: Path) -> list[GateProposal]:
    """Checks in the order in which they should run; the first proposal of a name wins."""
    proposals: dict[str, GateProposal] = {}
    for proposal in (*_make(repository), *_python(repository), *_node(repository), *_others(repository)):
        proposals.setdefault(proposal.name, proposal)
    order = {"build": 0, "lint": 1, "types": 2, "test": 3}
    return sorted(proposals.values(), key=lambda proposal: order.get(proposal.name, 9))


def installed_vendors() -> list[str]:
    """Known agent programs that are on PATH, in order of preference."""
    return [name for name, program in VENDOR_PROGRAMS.items() if shutil.which(program)]


def _make(repository: Path) -> Iterator[GateProposal]:
    targets = set(re.findall(r"^([a-z][\w-]*)\s*:(?!=)", _text(repository / "Makefile"), re.MULTILINE))
    for name in ("build", "lint", "test"):
        if name in targets:
            yield GateProposal(name, f"make {name}", "Makefile")


def _python(repository: Path) -> Iterator[GateProposal]:
    text = _text(repository / "pyproject.toml")
    if not text and not (repository / "setup.py").exists():
        return
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:
        tool = {}
    if "ruff" in tool:
        yield GateProposal("lint", "python -m ruff check .", "[tool.ruff]")
    if "mypy" in tool:
        yield GateProposal("types", "python -m mypy .", "[tool.mypy]")
    if (repository / "tests").is_dir() or (repository / "test").is_dir() or "pytest" in text:
        yield GateProposal("test", "python -m pytest -q", "tests/")


def _node(repository: Path) -> Iterator[GateProposal]:
    try:
        scripts = json.loads(_text(repository / "package.json") or "{}").get("scripts", {})
    except (ValueError, AttributeError):
        return
    for name in ("build", "lint", "test"):
        if name in scripts and "no test specified" not in str(scripts[name]):
            yield GateProposal(name, f"npm run {name} --silent", "package.json")


def _others(repository: Path) -> Iterator[GateProposal]:
    if (repository / "go.mod").exists():
        yield GateProposal("lint", "go vet ./...", "go.mod")
        yield GateProposal("test", "go test ./...", "go.mod")
    if (repository / "Cargo.toml").exists():
        yield GateProposal("test", "cargo test --quiet", "Cargo.toml")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
