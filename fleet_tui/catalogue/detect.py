"""What a repository is: which checks it has, and which agent programs this machine has."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fleet_tui.settings.programs import program_of

VENDOR_PROGRAMS = {
    "claude-code": "claude",
    "codex": "codex",
    "gemini": "gemini",
    "opencode": "opencode",
    "copilot": "copilot",
    "aider": "aider",
}
_MOST_BYTES = 1_000_000


_PYTHON_CHECKS = (
    ("lint", "ruff", "check .", "[tool.ruff]"),
    ("types", "mypy", ".", "[tool.mypy]"),
    ("test", "pytest", "-q", "tests/"),
)
_PROBE_S = 10


@dataclass(frozen=True, slots=True)
class GateProposal:
    """A check that the repository seems to have, where that was seen, and what it lacks to run here, if anything."""

    name: str
    run: str
    seen: str
    lacks: str = ""


def gates(repository: Path, *, start: bool = True) -> list[GateProposal]:
    """Checks in the order in which they should run; of a name the first that can run here, else the first.

    Without ``start`` no program is started: whether an interpreter has the modules is then not known.
    """
    proposals: dict[str, GateProposal] = {}
    python = _python(repository, start=start)
    for found in (*_make(repository), *python, *_node(repository), *_others(repository)):
        proposal = replace(found, lacks=found.lacks or lacks(found.run, repository))
        before = proposals.get(found.name)
        if before is None or (before.lacks and not proposal.lacks):
            proposals[found.name] = proposal
    order = {"build": 0, "lint": 1, "types": 2, "test": 3}
    return sorted(proposals.values(), key=lambda proposal: order.get(proposal.name, 9))


def lacks(command: str | Sequence[str], repository: Path) -> str:
    """What keeps a gate's command from starting, as far as looking can tell; empty when nothing is known of it."""
    program = program_of(command)
    if program is None:
        return ""
    if "/" in program:
        return "" if os.access(repository / program, os.X_OK) else f"{program} is not there"
    return "" if shutil.which(program) else f"{program} is not on PATH"


def installed_vendors() -> list[str]:
    """Known agent programs that are on PATH, in order of preference."""
    return [name for name, program in VENDOR_PROGRAMS.items() if shutil.which(program)]


def _make(repository: Path) -> Iterator[GateProposal]:
    targets = set(re.findall(r"^([a-z][\w-]*)\s*:(?!=)", _text(repository / "Makefile"), re.MULTILINE))
    for name in ("build", "lint", "test"):
        if name in targets:
            yield GateProposal(name, f"make {name}", "Makefile")


def _python(repository: Path, *, start: bool) -> Iterator[GateProposal]:
    text = _text(repository / "pyproject.toml")
    if not text and not (repository / "setup.py").exists():
        return
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:
        tool = {}
    tests = (repository / "tests").is_dir() or (repository / "test").is_dir() or "pytest" in text
    wanted = [check for check in _PYTHON_CHECKS if check[1] in tool or (check[1] == "pytest" and tests)]
    pythons = list(_pythons(repository)) if wanted else []
    for name, module, arguments, seen in wanted:
        python, missing = _python_with(module, pythons) if start else (next(iter(pythons), "python3"), "")
        yield GateProposal(name, f"{python} -m {module} {arguments}", seen, missing)


def _pythons(repository: Path) -> Iterator[str]:
    """Interpreters in order of preference, as a gate may call them: the project's own, then those on PATH."""
    for place in (".venv", "venv"):
        path = repository / place / "bin" / "python"
        if os.access(path, os.X_OK):
            yield shlex.quote(str(path))
    yield from (name for name in ("python", "python3") if shutil.which(name))


def _python_with(module: str, pythons: Sequence[str]) -> tuple[str, str]:
    """The first interpreter that can import ``module``; when there is none, one to name and what is missing."""
    found = next((python for python in pythons if _can_import(shlex.split(python)[0], module)), None)
    if found is not None:
        return found, ""
    if not pythons:
        return "python3", f"{module}: no Python was found"
    return pythons[0], f"{module} is not installed for {pythons[0]}"


def _can_import(python: str, module: str) -> bool:
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
    try:
        done = subprocess.run([python, "-I", "-c", code, module], capture_output=True, timeout=_PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


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
