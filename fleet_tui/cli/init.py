"""``fleet init``: looks at the repository and writes a first fleet; asks when a person is there, never when not."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from fleet_tui.catalogue import detect
from fleet_tui.cli.common import ask, confirm, find_repository, repo_option, say
from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.domain.text import one_line
from fleet_tui.paths import shipped_config

_IGNORED = (
    "# Tickets are this machine's; the configuration and the prompts are worth committing.\n/tickets/\n/.backup/\n"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be written."""

    target: str
    vendor: str
    developers: int
    gates: tuple[detect.GateProposal, ...]


@click.command()
@click.option("--vendor", help="The agent program; default: the first known one on PATH.")
@click.option("--developers", type=click.IntRange(1, 50), help="How many developers.  [default: 2]")
@click.option(
    "--gate", "extra_gates", multiple=True, metavar="NAME=COMMAND", help="A check before every merge; may be repeated."
)
@click.option("--branch", help="The branch that work lands on; default: the one that is checked out.")
@click.option("--prompts", "only_prompts", is_flag=True, help="Only write the prompts that the configuration lacks.")
@click.option("--force", is_flag=True, help="Replace an existing configuration; it is kept in .fleet/.backup/.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing.")
@repo_option
def init(
    vendor: str | None,
    developers: int | None,
    extra_gates: tuple[str, ...],
    branch: str | None,
    only_prompts: bool,
    force: bool,
    yes: bool,
    repo: Path | None,
) -> None:
    """Write a first configuration for this repository: .fleet/config.yaml and .fleet/prompts/.

    \b
    Examples:
      fleet init
      fleet init --yes --vendor claude-code --developers 3
      fleet init --gate "test=python -m pytest -q" --gate "lint=ruff check ."
      fleet init --prompts
    """
    repository = find_repository(repo)
    if only_prompts:
        _write_missing_prompts(repository)
        return
    config = repository / ".fleet" / "config.yaml"
    if config.exists() and not force:
        hint = "edit it; fleet init --prompts adds missing prompts; fleet init --force begins anew (keeps a backup)"
        raise UsageError("there is a fleet already", str(config), hint)
    target = branch or asyncio.run(_branch(repository))
    given = tuple(_gate(text) for text in extra_gates)
    found = given or tuple(detect.gates(repository))
    plan = Plan(target, vendor or _default_vendor(), developers or 2, found)
    if sys.stdin.isatty() and sys.stdout.isatty() and not yes:
        plan = _ask(plan)
    if config.exists():
        _back_up(repository)
    _write(repository, plan)
    _report(repository, plan)


async def _branch(repository: Path) -> str:
    from fleet_tui.git.user import UserRepository

    state = await UserRepository(repository).inspect()
    if state.empty:
        raise FleetError("empty repository", f"{repository} has no commits yet", 'git commit --allow-empty -m "Start"')
    if state.branch is None:
        raise FleetError("HEAD is detached", str(repository), "git switch main, or: fleet init --branch main")
    return state.branch


def _default_vendor() -> str:
    found = detect.installed_vendors()
    return found[0] if found else "claude-code"


def _gate(text: str) -> detect.GateProposal:
    name, equals, command = text.partition("=")
    if not equals or not name.strip() or not command.strip():
        raise UsageError("--gate not understood", text, '--gate "test=python -m pytest -q"')
    return detect.GateProposal(name.strip(), command.strip(), "--gate")


def _write_missing_prompts(repository: Path) -> None:
    """Write the prompt of every agent that has none; nothing that is there is touched.

    Raises:
        UsageError: there is no configuration.
        FleetError: some role has no shipped prompt; the others have been written.
    """
    from fleet_tui.settings.load import load_settings
    from fleet_tui.settings.prompts import prompt_file, shipped_prompt

    if not (repository / ".fleet" / "config.yaml").exists():
        raise UsageError("no fleet here yet", str(repository), "fleet init")
    settings = load_settings(repository, with_files=False).require()
    missing = [a for a in settings.agents if a.enabled and a.prompt is None and prompt_file(repository, a).missing]
    unknown = []
    for agent in missing:
        shipped = shipped_prompt(settings.family(agent.role).name, agent.role)
        path = repository / agent.prompt_path
        if shipped is None:
            unknown.append(f"{agent.prompt_path} (role {agent.role})")
        elif path.parent.resolve().is_relative_to(repository.resolve()) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
            say(f"wrote {one_line(agent.prompt_path, 400)}")
    if unknown:
        raise FleetError("no shipped prompt fits", ", ".join(unknown), "write these files yourself")
    if not missing:
        say("no prompt is missing")


def _ask(plan: Plan) -> Plan:
    say(f"Work will land on {one_line(plan.target)}. Enter takes the proposal in brackets.")
    vendor = ask("Agent program (claude-code, codex, gemini, opencode, copilot, aider, scripted)", plan.vendor)
    developers = ask("How many developers", plan.developers, click.IntRange(1, 50))
    kept = [gate for gate in map(_asked, plan.gates) if gate is not None]
    if not any(not gate.lacks for gate in kept) and confirm("No gate yet. Add one", default=False):
        kept.append(detect.GateProposal("test", ask("Command"), "you"))
    return Plan(plan.target, vendor, developers, tuple(kept))


def _asked(gate: detect.GateProposal) -> detect.GateProposal | None:
    """The gate as the person wants it; one that cannot run here stays a comment unless they insist."""
    told = f"; cannot run here: {gate.lacks}" if gate.lacks else ""
    if confirm(f"Gate {gate.name}: `{gate.run}` (seen: {gate.seen}{told})", default=not gate.lacks):
        return replace(gate, lacks="")
    return gate if gate.lacks else None


def _back_up(repository: Path) -> None:
    destination = repository / ".fleet" / ".backup" / time.strftime("%Y%m%d-%H%M%S")
    destination.mkdir(parents=True)
    shutil.copy2(repository / ".fleet" / "config.yaml", destination)
    prompts = repository / ".fleet" / "prompts"
    if prompts.is_dir():
        shutil.copytree(prompts, destination / "prompts", symlinks=True)
    agents = repository / ".fleet" / "agents"
    if agents.is_dir():
        agents.rename(destination / "agents")  # or they would be agents of the new configuration too
    say(f"kept the old configuration in {destination.relative_to(repository)}")


def _agents(plan: Plan) -> list[tuple[str, str, str]]:
    """Name, role and shipped prompt of each agent."""
    developers = [(f"dev-{number}", "developer", "developer") for number in range(1, plan.developers + 1)]
    return [
        *developers,
        ("reviewer", "tech-lead", "reviewer"),
        ("qa", "qa-engineer", "qa"),
        ("release", "release-manager", "release-manager"),
    ]


def _write(repository: Path, plan: Plan) -> None:
    directory = repository / ".fleet"
    prompts = directory / "prompts"
    prompts.mkdir(parents=True, exist_ok=True)
    (directory / "tickets").mkdir(exist_ok=True)
    for name, _role, prompt in _agents(plan):
        text = (shipped_config() / "prompts" / f"{prompt}.md").read_text(encoding="utf-8")
        if not (prompts / f"{name}.md").exists():
            (prompts / f"{name}.md").write_text(text, encoding="utf-8")
    (directory / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    (directory / "config.yaml").write_text("\n".join(_lines(plan)) + "\n", encoding="utf-8")


def _lines(plan: Plan) -> Sequence[str]:
    # JSON strings are YAML strings, so any command survives the quoting.
    agents = [
        f"  - {{name: {name}, role: {role}, vendor: {json.dumps(plan.vendor)}}}"
        for name, role, _prompt in _agents(plan)
    ]
    gates = [_gate_line(gate) for gate in plan.gates if not gate.lacks]
    comments = [f"  # {_gate_line(gate).strip()}     # {one_line(gate.lacks)}" for gate in plan.gates if gate.lacks]
    none = ["  # - {name: test, run: make test}     # no check was found in this repository: add one"]
    return [
        "# The fleet of this repository. `fleet config explain KEY` tells what a key means and what is in force.",
        "version: 1",
        f"target_branch: {json.dumps(plan.target)}",
        "",
        "# Prompts are in .fleet/prompts/<name>.md.",
        "agents:",
        *agents,
        "",
        "# Run by the watcher itself, on the merge result, in a clean checkout, before anything lands.",
        "gates:" if gates else "gates: []",
        *gates,
        *(comments or ([] if gates else none)),
        "",
        "approval:",
        "  when: always        # every merge waits for you; `sensitive`: only those that touch sensitive paths",
    ]


def _gate_line(gate: detect.GateProposal) -> str:
    return f"  - {{name: {json.dumps(gate.name)}, run: {json.dumps(gate.run)}}}"


def _report(repository: Path, plan: Plan) -> None:
    from fleet_tui.settings.load import load_settings

    load_settings(repository).require()
    names = ", ".join(name for name, _role, _prompt in _agents(plan))
    say(f"wrote .fleet/config.yaml and prompts for {names}")
    able = ", ".join(one_line(gate.run) for gate in plan.gates if not gate.lacks)
    say(f"gates: {able or 'none that can run here; add some under `gates:`'}")
    for gate in plan.gates:
        if gate.lacks:
            say(f"not yet a gate: {one_line(gate.run)} ({one_line(gate.lacks)}); it is there as a comment")
    program = detect.VENDOR_PROGRAMS.get(plan.vendor)
    if program and not shutil.which(program):
        say(f"note: `{program}` is not on PATH yet; install it, or choose another vendor in the configuration")
    say("next:")
    say('  git add .fleet && git commit -m "Add fleet configuration"    (gates are read from the base commit)')
    say('  fleet ticket new "…" --ready && fleet up')
