"""The demo's project: a small package in a git repository of its own, with its fleet."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fleet_tui.forge.local import LocalForge
from fleet_tui.paths import FleetPaths, shipped_config

NAME = "textkit"
FIXED = 8
"""One product owner, four developers, a tech lead, a tester, a release manager."""
BUDGET_TOKENS = 150_000
"""What each agent may use. The story's first ticket takes more, also more than once an extension by half of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large and how fast; ``seed`` varies the pauses, ``speed`` divides them."""

    agents: int = FIXED
    seed: int = 1
    speed: float = 1.0
    hold_s: int = 10


Ticket = dict[str, Any]


def tickets(plan: Plan) -> list[Ticket]:
    """The demo's tickets: the seven of the story, and one more for every further developer."""
    with (shipped_config() / "demo" / "tickets.yaml").open(encoding="utf-8") as file:
        told: list[Ticket] = yaml.safe_load(file)["tickets"]
    more = [
        {"title": f"Notes on part {n}", "body": "Write down what it does."} for n in range(1, plan.agents - FIXED + 1)
    ]
    return told + more


def shipping(told: Sequence[Ticket]) -> set[int]:
    """The numbers of the tickets that must land; the agents of the others are contained."""
    return {number for number, ticket in enumerate(told, 1) if ticket.get("ships", True)}


def create(directory: Path, plan: Plan, forge: Mapping[str, Any] | None = None) -> FleetPaths:
    """Make the repository and its fleet under ``directory``; the tickets are ready, unless they are those of ``forge``
    (that section of the configuration)."""
    repository = directory / NAME
    shutil.copytree(shipped_config() / "demo" / "project", repository, ignore=shutil.ignore_patterns("__pycache__"))
    (repository / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    _write_fleet(repository, plan, forge)
    for argv in (
        ["init", "--quiet", "--initial-branch=main"],
        ["config", "user.name", "You"],
        ["config", "user.email", "you@example.invalid"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "A small package"],
    ):
        subprocess.run(["git", *argv], cwd=repository, check=True, capture_output=True, timeout=60)
    paths = FleetPaths.of(repository)
    if forge is None:
        asyncio.run(_write_tickets(paths, plan))
    return paths


def _write_fleet(repository: Path, plan: Plan, forge: Mapping[str, Any] | None) -> None:
    prompts = repository / ".fleet" / "prompts"
    prompts.mkdir(parents=True)
    agents = _agents(plan)
    for name, role in agents:
        family = {"developer": "developer", "tech-lead": "reviewer", "qa-engineer": "qa", "product-owner": "triage"}
        prompt = shipped_config() / "prompts" / f"{family.get(role, role)}.md"
        shutil.copyfile(prompt, prompts / f"{name}.md")
    python = sys.executable
    config = {
        "version": 1,
        "product": {"name": "textkit", "description": "Small helpers for text."},
        "target_branch": "main",
        "agents": [{"name": name, "role": role, "vendor": "scripted"} for name, role in agents],
        "gates": [
            {"name": "compile", "run": [python, "-m", "compileall", "-q", "textkit"]},
            {"name": "test", "run": [python, "-m", "unittest", "-q"]},
        ],
        "approval": {"when": "always", "hold_s": plan.hold_s},
        "budgets": [{"scope": "agent", "unit": "tokens", "ceiling": BUDGET_TOKENS}],
        "limits": {"max_running": plan.agents + 4},
        "vendors": {
            "scripted": {"story": "demo", "argv": ["--speed", f"{1 / plan.speed:.4f}", "--seed", str(plan.seed)]},
        },
    }
    if forge is not None:
        config["forge"] = dict(forge)
    (repository / ".fleet" / ".gitignore").write_text("/tickets/\n/.backup/\n", encoding="utf-8")
    text = yaml.safe_dump(json.loads(json.dumps(config)), sort_keys=False, allow_unicode=True)
    (repository / ".fleet" / "config.yaml").write_text(text, encoding="utf-8")


def _agents(plan: Plan) -> list[tuple[str, str]]:
    names = ["ada", "bo", "cy", "di", *(f"dev-{number}" for number in range(5, plan.agents - FIXED + 5))]
    return [
        ("pat", "product-owner"),
        *((name, "developer") for name in names),
        ("lee", "tech-lead"),
        ("quinn", "qa-engineer"),
        ("rae", "release-manager"),
    ]


async def _write_tickets(paths: FleetPaths, plan: Plan) -> None:
    paths.tickets.mkdir(parents=True, exist_ok=True)
    forge = LocalForge(paths.tickets)
    for ticket in tickets(plan):
        await forge.create_ticket(
            ticket["title"], ticket["body"], ["ready"], ticket.get("depends_on", []), ticket.get("priority", 3)
        )
