"""``fleet doctor``: what is there, what is missing, and the exact command that mends it."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from fleet_tui.catalogue import detect
from fleet_tui.cli.common import count, find_repository, json_option, print_json, repo_option, say
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.paths import FleetPaths, unusable

if TYPE_CHECKING:
    from fleet_tui.settings.isolation import IsolationSettings
    from fleet_tui.settings.schema import Settings

_LOW_DISK = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``fix`` is what to type."""

    name: str
    state: Literal["ok", "note", "missing"]
    detail: str
    fix: str = ""


@click.command()
@repo_option
@click.option("--security", is_flag=True, help="Prove the isolation level by trying what an agent might.")
@json_option
def doctor(repo: Path | None, security: bool, as_json: bool) -> None:
    """Look at this machine, this repository and its fleet. Exit code 1 when something needed is missing.

    \b
    Examples:
      fleet doctor
      fleet doctor --json
      fleet doctor --security
    """
    if security:
        from fleet_tui.cli.security import report

        report(repo, as_json)
        return
    findings = [*_machine(), *_terminal(), *_fleet(repo)]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = {"ok": "+", "note": "-", "missing": "x"}[finding.state]
            say(f" {mark} {finding.name:<13} {one_line(finding.detail, 400)}")
            if finding.fix:
                say(f"   {'':<13} → {one_line(finding.fix, 400)}")
    raise click.exceptions.Exit(1 if any(finding.state == "missing" for finding in findings) else 0)


def _fleet(repo: Path | None) -> Iterator[Finding]:
    try:
        repository = find_repository(repo)
    except FleetError as error:
        yield _missing("repository", error)
        return
    if shutil.which("git"):  # without it there is nothing to say but that it is missing, and that is said
        yield from _told("repository", _repository(repository))
    try:
        paths = FleetPaths.of(repository)
    except FleetError as error:
        yield _missing("state", error)
        return
    state = list(_told("state", _state(paths)))
    yield from state
    yield from _told("configuration", _configuration(paths))
    if all(finding.state != "missing" for finding in state):
        yield from _told("watcher", _watcher(paths))


def _told(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """``findings``; what keeps them from being found is one too."""
    try:
        yield from findings
    except FleetError as error:
        yield _missing(name, error)
    except OSError as error:
        yield _missing(name, unusable(error))


def _missing(name: str, error: FleetError) -> Finding:
    return Finding(name, "missing", f"{error.title}: {error.message}" if error.message else error.title, error.hint)


def _machine() -> Iterator[Finding]:
    python = platform.python_version()
    yield Finding("python", "ok", python)
    for program, least in (("tmux", (3, 2)), ("git", (2, 38))):
        yield _program(program, least)
    yield Finding("sqlite", "ok", sqlite3.sqlite_version)
    if sys.platform == "darwin":
        yield Finding("containment", "note", "macOS: children that detach themselves may outlive a freeze")


def _program(program: str, least: tuple[int, int]) -> Finding:
    import re
    import subprocess

    path = shutil.which(program)
    if path is None:
        return Finding(program, "missing", "not found", _install(program))
    flag = "-V" if program == "tmux" else "--version"
    said = subprocess.run([path, flag], capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers and (int(numbers[1]), int(numbers[2])) < least:
        return Finding(program, "missing", f"{said} is older than {least[0]}.{least[1]}", _install(program))
    return Finding(program, "ok", said)


def _install(program: str) -> str:
    managers = {"apt-get": "sudo apt-get install -y", "dnf": "sudo dnf install -y", "brew": "brew install"}
    managers |= {"pacman": "sudo pacman -S --noconfirm", "apk": "sudo apk add"}
    found = next(
        (command for manager, command in managers.items() if shutil.which(manager)),
        "install with your package manager:",
    )
    return f"{found} {program}"


def _terminal() -> Iterator[Finding]:
    term = os.environ.get("TERM", "")
    size = shutil.get_terminal_size()
    if term in ("", "dumb", "unknown"):
        yield Finding(
            "terminal", "note", f"TERM={term or 'unset'}: no room here", "use `fleet status` and `fleet log --follow`"
        )
    elif size.columns < 60 or size.lines < 16:
        yield Finding(
            "terminal", "note", f"{size.columns}x{size.lines} is small", "80x24 or more shows all; 60x16 works"
        )
    else:
        yield Finding(
            "terminal",
            "ok",
            f"{term} {size.columns}x{size.lines}" + (", NO_COLOR" if os.environ.get("NO_COLOR") else ""),
        )


def _repository(repository: Path) -> Iterator[Finding]:
    from fleet_tui.git.user import UserRepository

    state = asyncio.run(UserRepository(repository).inspect())
    if state.empty:
        yield Finding("repository", "missing", f"{repository} has no commits", 'git commit --allow-empty -m "Start"')
    elif state.branch is None:
        yield Finding(
            "repository", "note", "HEAD is detached", "git switch main, or set target_branch in .fleet/config.yaml"
        )
    else:
        waits = "landed work waits until they are stashed or committed"
        dirty = f", {len(state.dirty)} changed file(s): {waits}" if state.dirty else ""
        yield Finding("repository", "ok", f"{repository} on {state.branch}{dirty}")


def _state(paths: FleetPaths) -> Iterator[Finding]:
    from fleet_tui.store.filesystem import refuse_full, refuse_network, space

    paths.create()
    refuse_network(paths.state)
    refuse_full(paths.state)
    left = space(paths.state)
    low = left.free_bytes < _LOW_DISK
    yield Finding("state", "note" if low else "ok", f"{paths.state}, {left}", "free some disk space" if low else "")


def _configuration(paths: FleetPaths) -> Iterator[Finding]:
    from fleet_tui.settings.load import is_preset, load_settings

    if not paths.config.exists():
        yield Finding("configuration", "missing", "no .fleet/config.yaml yet", "fleet init")
        return
    loaded = load_settings(paths.repository)
    if loaded.settings is None:
        yield Finding(
            "configuration", "missing", f"{len(loaded.errors)} error(s): {loaded.errors[0]}", "fleet config validate"
        )
        return
    settings = loaded.settings
    yield _level(paths, settings.isolation)
    yield _memory(settings)
    yield from _places_on_github(settings)
    yield Finding(
        "configuration", "ok", f"{count(len(settings.agents), 'agent')}, {count(len(settings.gates), 'gate')}"
    )
    if loaded.warnings:
        told = f"{count(len(loaded.warnings), 'warning')}: {loaded.warnings[0]}"
        yield Finding("configuration", "note", told, "fleet config validate")
    from fleet_tui.cli.vendor import unmatched_screens
    from fleet_tui.vendors.registry import vendor_for
    from fleet_tui.vendors.rulefiles import read_rules

    unmatched = unmatched_screens(paths.repository)
    for name in sorted({agent.vendor for agent in settings.agents if agent.enabled}):
        entry = settings.vendor(name)
        # What a program of the person's own does when it is started, only the person knows: it is looked up.
        try:
            probe = vendor_for(entry, name, repository=paths.repository).probe(start=is_preset(name, entry))
        except FleetError as error:
            yield Finding("vendor", "missing", f"{name}: {error.title}: {error.message}", error.hint)
            continue
        if probe.ok:
            found = f"{name} {probe.version}" if probe.version else f"{name}: {probe.program}"
            told = f"{found}; {probe.warning}" if probe.warning else found
            yield Finding("vendor", "note" if probe.warning else "ok", told, f"fleet vendor show {name}")
        else:
            yield Finding("vendor", "missing", f"{name}: {probe.problem}", probe.hint)
        for problem in read_rules(name, entry.kind, paths.repository)[1][:1]:
            yield Finding("detection", "note", str(problem), f"fleet vendor show {name}")
        screens = sum(number for (vendor, _), number in unmatched.items() if vendor == name)
        if screens:
            told = f"{name}: {count(screens, 'screen')} that no rule knew"
            yield Finding("detection", "note", told, f"fleet vendor show {name}; rules of your own: docs/vendors.md")
    for gate in settings.gates:
        lacks = detect.lacks(gate.run, paths.repository)
        fix = f"install it, or change the command of gate {gate.name}" if lacks else ""
        yield Finding("gate", "missing" if lacks else "ok", f"{gate.name}: {lacks or gate.command}", fix)


def _level(paths: FleetPaths, settings: IsolationSettings) -> Finding:
    from fleet_tui.domain.states import Isolation
    from fleet_tui.watcher.confinement.isolation import determine

    try:
        level = determine(paths, settings)
    except OSError as error:
        return Finding("isolation", "note", f"cannot be tried: {error.strerror}", "")
    user_fix = _user_fix(settings)
    if level.refusal:
        fix = _install("bubblewrap") if level.isolation is Isolation.L0 else user_fix
        return Finding("isolation", "missing", level.refusal, fix)
    if level.isolation is Isolation.L0:
        fix = "see docs/security.md" if settings.level == "L0" else f"{_install('bubblewrap')}; see docs/security.md"
        return Finding("isolation", "note", f"L0, every merge needs a person: {level.why}", fix)
    lacks_user = settings.level != "L1" and level.isolation is Isolation.L1 and bool(user_fix)
    state: Literal["ok", "note"] = "note" if lacks_user and settings.user else "ok"
    told = f"{level.isolation.value}: {level.why}; `fleet doctor --security` proves it"
    return Finding("isolation", state, told, user_fix if lacks_user else "")


def _places_on_github(settings: Settings) -> Iterator[Finding]:
    if settings.forge.kind == "github":
        yield _github(settings.forge.repo, settings.merge.method, "forge.repo")
        for name, repo in settings.repos.items():
            if repo.github:
                yield _github(repo.github, settings.merge.method, f"repos.{name}.github")


def _github(name: str, method: str, key: str) -> Finding:
    """Whether gh and GitHub are there, and the repository is as the fleet needs it. Asks GitHub twice."""
    from fleet_tui.forge.gh import Gh, Limits
    from fleet_tui.forge.gh_issues import repository
    from fleet_tui.forge.trouble import ForgeTrouble

    gh = Gh(limits=Limits(time_s=10.0))

    async def look() -> Finding:
        probe, found = await gh.probe(), await repository(gh, name)
        told = f"{found.name} as {probe.login}, gh {'.'.join(map(str, probe.version))}"
        if found.archived or not found.may_push:
            why = "it is archived" if found.archived else f"{probe.login} may not push there"
            return Finding("github", "missing", f"{told}: {why}", "use a token that may write to it: gh auth status")
        if found.methods and method not in found.methods:
            allowed = ", ".join(sorted(found.methods))
            return Finding("github", "missing", f"{told}: it allows no {method}", f"set merge.method to: {allowed}")
        if found.name.lower() != name.lower():
            return Finding("github", "note", f"{told}: {name} has been renamed", f"set {key} to {found.name}")
        return Finding("github", "ok", told)

    try:
        return asyncio.run(look())
    except ForgeTrouble as error:
        state: Literal["note", "missing"] = "note" if error.trouble.passes else "missing"
        return Finding("github", state, f"{error.title}: {error.message}", error.hint)


def _memory(settings: Settings) -> Finding:
    """Who holds runs at their ceiling of memory."""
    from fleet_tui.tmux import scope

    lacks = one_line(scope.problem(), 200)
    measured = "their runners measure their processes and freeze them there"
    by = (
        f"{measured} (no hard limit by the kernel: {lacks})"
        if lacks
        else f"{measured}, the kernel holds them a bit above"
    )
    given = [agent.memory_mb for agent in settings.agents] + [role.memory_mb for role in settings.roles.values()]
    own = [megabytes for megabytes in given if megabytes is not None]
    if settings.limits.memory_mb is None and not own:
        return Finding("memory", "ok", f"no ceilings are set (limits.memory_mb); with one, {by}")
    whole = "" if settings.limits.memory_mb is None else f"{settings.limits.memory_mb} MB a run"
    others = f"{count(len(own), 'role')} or agents with their own" if own else ""
    return Finding("memory", "ok", f"{', '.join(filter(None, (whole, others)))}: {by}")


def _user_fix(settings: IsolationSettings) -> str:
    """What is to be typed for agents to run as another user; empty where they can, or never could."""
    from fleet_tui.watcher.confinement import agent_user

    if not settings.user:
        root = os.getuid() == 0
        return f"for L2: {agent_user.command('fleet-agent')}, then isolation.user: fleet-agent" if root else ""
    try:
        agent_user.find(settings.user)
    except FleetError as error:
        return error.hint
    return ""


def _watcher(paths: FleetPaths) -> Iterator[Finding]:
    from fleet_tui.watcher import spawn

    if not spawn.is_running(paths):
        yield Finding("watcher", "note", "not running", "fleet up")
    elif spawn.answers(paths):
        yield Finding("watcher", "ok", "running")
    else:
        yield Finding(
            "watcher", "missing", "holds its lock but does not answer", f"see {paths.log_file}; fleet watcher stop"
        )
