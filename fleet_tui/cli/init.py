"""``fleet init``: looks at the repository and writes a first fleet; asks when a person is there, never when not."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from fleet_tui.catalogue import detect, founding, preset, signs
from fleet_tui.catalogue.agent import NewAgent
from fleet_tui.catalogue.conventions import Found, conventions
from fleet_tui.catalogue.read import Catalogue, read_catalogue
from fleet_tui.catalogue.write import write_all
from fleet_tui.cli import init_github
from fleet_tui.cli.common import ask, confirm, find_repository, json_option, repo_option, say
from fleet_tui.cli.presets import list_presets, show_fleet
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.text import one_line
from fleet_tui.settings.load import PROJECT_FILE, load_settings
from fleet_tui.settings.messages import suggest
from fleet_tui.settings.schema import Settings

_IGNORED = (
    "# Tickets are this machine's; the configuration and the prompts are worth committing.\n/tickets/\n/.backup/\n"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be written. ``developers``: so many authors, None: as many as the preset has."""

    preset: str
    target: str
    vendor: str
    developers: int | None
    gates: tuple[detect.GateProposal, ...]
    github: str | None = None
    """Where tickets and pull requests are to live, as OWNER/NAME; None: here."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fleet is made on: the repository, what its files say, and settings and templates without a project's."""

    look: signs.Look
    weighed: tuple[preset.Proposal, ...]
    settings: Settings
    catalogue: Catalogue

    def fleet(self, plan: Plan) -> tuple[founding.Place, ...]:
        """The agents of the plan's preset."""
        chosen = preset.choose(self.weighed, plan.preset)
        return founding.places(chosen.preset, self.look, self.catalogue, plan.developers)


@click.command()
@click.option("--preset", "preset_name", metavar="NAME", help="The fleet to begin with; default: what fits the files.")
@click.option("--list-presets", "only_list", is_flag=True, help="Only show the presets, and which one fits why.")
@click.option("--vendor", help="The agent program; default: the first known one on PATH.")
@click.option("--developers", type=click.IntRange(1, 50), help="How many authors.  [default: the preset's number]")
@click.option(
    "--gate", "extra_gates", multiple=True, metavar="NAME=COMMAND", help="A check before every merge; may be repeated."
)
@click.option("--branch", help="The branch that work lands on; default: the one that is checked out.")
@click.option(
    "--github", "on_github", is_flag=True, help="Take the issues on GitHub as tickets; open pull requests there."
)
@click.option("--labels", is_flag=True, help="Make the labels that the repository on GitHub lacks.")
@click.option("--prompts", "only_prompts", is_flag=True, help="Only write the prompts that the configuration lacks.")
@click.option("--force", is_flag=True, help="Replace an existing configuration; it is kept in .fleet/.backup/.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing.")
@repo_option
@json_option
def init(
    preset_name: str | None,
    only_list: bool,
    vendor: str | None,
    developers: int | None,
    extra_gates: tuple[str, ...],
    branch: str | None,
    on_github: bool,
    labels: bool,
    only_prompts: bool,
    force: bool,
    yes: bool,
    repo: Path | None,
    as_json: bool,
) -> None:
    """Write a first fleet for this repository: .fleet/config.yaml, and agents made from templates.

    Which agents is what a preset says; the one that fits the repository is proposed. --json goes with --list-presets.

    \b
    Examples:
      fleet init
      fleet init --list-presets
      fleet init --preset library --yes
      fleet init --yes --vendor claude-code --developers 3
      fleet init --gate "test=python -m pytest -q" --gate "lint=ruff check ."
      fleet init --github --labels
      fleet init --prompts
    """
    repository = find_repository(repo)
    if only_prompts:
        _write_missing_prompts(repository)
        return
    ground = _ground(repository)
    if only_list:
        list_presets(ground.weighed, ground.look, ground.catalogue, as_json=as_json)
        return
    if as_json:
        raise UsageError(
            "--json not understood", "it goes with --list-presets alone", "fleet init --list-presets --json"
        )
    config = repository / PROJECT_FILE
    if labels and not on_github:
        init_github.make_labels(repository)
        return
    if (config.exists() or config.is_symlink()) and not force:
        hint = "edit it; fleet init --prompts adds missing prompts; fleet init --force begins anew (keeps a backup)"
        raise UsageError("there is a fleet already", str(config), hint)
    chosen = preset.choose(ground.weighed, preset_name)
    target = branch or asyncio.run(_branch(repository))
    given = tuple(_gate(text) for text in extra_gates)
    found = given or tuple(detect.gates(repository))
    there = init_github.name_of(repository, wanted=on_github)
    plan = Plan(chosen.name, target, vendor or _default_vendor(), developers, found, there if on_github else None)
    asked = _is_a_terminal() and not yes
    if asked:
        if preset_name is None:
            say(f"Proposed: {chosen.name}, since {one_line(preset.reason(chosen), 400)}")
        plan = _ask(plan, ground, there)
    if plan.vendor not in ground.settings.vendors:
        raise UsageError("no such vendor", plan.vendor, suggest(plan.vendor, ground.settings.vendors))
    known = _known(ground, plan)
    made = tuple(
        founding.agents(ground.fleet(plan), plan.vendor, ground.settings, known, _fills(ground, plan, known, asked))
    )
    show_fleet(preset.choose(ground.weighed, plan.preset), ground.fleet(plan), chosen=preset_name is not None)
    if asked and not confirm("Write it", default=True):
        say("nothing was written")
        return
    _write(repository, plan, made)
    _report(repository, plan, made, there)
    if labels or (asked and plan.github is not None and confirm(f"Make its labels on {plan.github}", default=False)):
        init_github.make_labels(repository)


def _is_a_terminal() -> bool:
    """Whether a person is there to be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _ground(repository: Path) -> Ground:
    look = signs.Look(repository)
    with tempfile.TemporaryDirectory(prefix="fleet-init-") as nowhere:  # what a project of before said counts no more
        settings = load_settings(Path(nowhere), project_required=False).require()
    return Ground(look, preset.weigh(look), settings, read_catalogue(repository, settings))


def _known(ground: Ground, plan: Plan) -> Mapping[str, Found]:
    """What fills the marks of prompts: what was found, and before it what the plan says."""
    checks = {gate.name: Found(gate.run, f"gate {gate.name}") for gate in plan.gates}
    known = {**conventions(ground.look.repository, ground.settings), "branch": Found(plan.target, "the fleet's branch")}
    return known | {name: found for name, found in checks.items() if name in ("build", "lint", "types", "test")}


def _fills(ground: Ground, plan: Plan, known: Mapping[str, Found], asked: bool) -> Mapping[str, str]:
    """What stands for marks that nothing is known of: a person's words, else the preset's."""
    fills = dict(preset.choose(ground.weighed, plan.preset).preset.fills)
    if asked:
        for mark, question in founding.unknown(ground.fleet(plan), known).items():
            fills[mark] = ask(f"{question} ({mark})", fills.get(mark))
    return fills


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


def _ask(plan: Plan, ground: Ground, there: str | None) -> Plan:
    say(f"Work will land on {one_line(plan.target)}. Enter takes the proposal in brackets.")
    names = click.Choice([proposal.name for proposal in ground.weighed])
    plan = replace(plan, preset=ask("Preset", plan.preset, names))
    vendor = ask("Agent program (claude-code, codex, gemini, opencode, copilot, aider, scripted)", plan.vendor)
    authors = plan.developers or sum(place.counted for place in ground.fleet(plan))
    developers = ask("How many authors", authors, click.IntRange(1, 50))
    kept = [gate for gate in map(_asked, plan.gates) if gate is not None]
    if not any(not gate.lacks for gate in kept) and confirm("No gate yet. Add one", default=False):
        kept.append(detect.GateProposal("test", ask("Command"), "you"))
    github = plan.github
    if there is not None and github is None and confirm(f"Take the issues of {there} as tickets", default=False):
        github = there
    return replace(plan, vendor=vendor, developers=developers, gates=tuple(kept), github=github)


def _asked(gate: detect.GateProposal) -> detect.GateProposal | None:
    """The gate as the person wants it; one that cannot run here stays a comment unless they insist."""
    told = f"; cannot run here: {gate.lacks}" if gate.lacks else ""
    if confirm(f"Gate {gate.name}: `{gate.run}` (seen: {gate.seen}{told})", default=not gate.lacks):
        return replace(gate, lacks="")
    return gate if gate.lacks else None


def _back_up(repository: Path) -> None:
    """Move what a fleet of before has into a directory of its own: it would be part of the new one."""
    destination = repository / ".fleet" / ".backup" / time.strftime("%Y%m%d-%H%M%S")
    destination.mkdir(parents=True)
    for name in ("config.yaml", "prompts", "agents"):
        old = repository / ".fleet" / name
        if old.exists() or old.is_symlink():
            old.rename(destination / name)
    say(f"kept the old configuration, agents and prompts in {destination.relative_to(repository)}")


def _write(repository: Path, plan: Plan, made: Sequence[NewAgent]) -> None:
    """Everything or nothing, and over nothing that is there.

    Raises:
        FleetError: something else stands in the place of a file, or one cannot be written.
    """
    directory = repository / ".fleet"
    files = founding.files(made) | {PROJECT_FILE: "\n".join(_lines(plan)) + "\n"}
    ignore = directory / ".gitignore"
    if not (ignore.exists() or ignore.is_symlink()):
        files |= {".fleet/.gitignore": _IGNORED}
    try:
        directory.mkdir(exist_ok=True)
        if (repository / PROJECT_FILE).exists() or (repository / PROJECT_FILE).is_symlink():
            _back_up(repository)
        (directory / "tickets").mkdir(exist_ok=True)
        write_all(repository, files)
    except Conflict as error:
        raise Conflict("in the way of the new fleet", error.message, "move it away; nothing was written") from error
    except OSError as error:
        raise FleetError("the fleet cannot be written", f"{error.filename}: {error.strerror}", "nothing was") from error


def _lines(plan: Plan) -> Sequence[str]:
    # JSON strings are YAML strings, so any command survives the quoting.
    gates = [_gate_line(gate) for gate in plan.gates if not gate.lacks]
    comments = [f"  # {_gate_line(gate).strip()}     # {one_line(gate.lacks)}" for gate in plan.gates if gate.lacks]
    none = ["  # - {name: test, run: make test}     # no check was found in this repository: add one"]
    return [
        "# The fleet of this repository. `fleet config explain KEY` tells what a key means and what is in force.",
        "version: 1",
        f"target_branch: {json.dumps(plan.target)}",
        *(["", _FORGE, f"forge: {{kind: github, repo: {json.dumps(plan.github)}}}"] if plan.github else []),
        "",
        f"# Made from the preset {plan.preset}. Its agents are in .fleet/agents/<name>.yaml, their prompts in",
        "# .fleet/prompts/<name>.md: change them, remove some, add others (fleet agent create).",
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


_FORGE = "# Tickets are issues there, pull requests are opened there: docs/github.md. Needs `gh`, logged in."


def _report(repository: Path, plan: Plan, made: Sequence[NewAgent], there: str | None) -> None:
    load_settings(repository).require()
    names = ", ".join(agent.name for agent in made)
    say(f"wrote .fleet/config.yaml, and agent and prompt of {names}")
    able = ", ".join(one_line(gate.run) for gate in plan.gates if not gate.lacks)
    say(f"gates: {able or 'none that can run here; add some under `gates:`'}")
    for gate in plan.gates:
        if gate.lacks:
            say(f"not yet a gate: {one_line(gate.run)} ({one_line(gate.lacks)}); it is there as a comment")
    program = detect.VENDOR_PROGRAMS.get(plan.vendor)
    if program and not shutil.which(program):
        say(f"note: `{program}` is not on PATH yet: install it, or take another: fleet vendor list has them,")
        say("      fleet init --force --vendor NAME writes the fleet anew with it")
    if there is not None and plan.github is None:
        say(f"note: {there} is on GitHub; its issues can be the tickets: fleet init --force --github")
    say("next:")
    say('  git add .fleet && git commit -m "Add fleet configuration"    (gates are read from the base commit)')
    if plan.github is None:
        say('  fleet ticket new "…" --ready && fleet up')
    else:
        say(f"  fleet doctor && fleet up, and label an issue of {plan.github} `ready`")
