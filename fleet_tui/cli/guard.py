"""``fleet guard``: what agents may do, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_tui.cli.common import find_repository, json_option, print_json, print_table, repo_option, say
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.settings.schema import Settings


def _settings(repository: Path) -> Settings:
    from fleet_tui.settings.load import load_settings

    return load_settings(repository, project_required=False).require()


@click.group()
def guard() -> None:
    """Show and try the rules about what agents may do.

    \b
    Examples:
      fleet guard rules
      fleet guard check 'git -C . push origin main'
    """


@guard.command()
@repo_option
@json_option
def rules(repo: Path | None, as_json: bool) -> None:
    """List the rules in the order in which they are looked at; with --json, all that they name.

    \b
    Example:
      fleet guard rules --json
    """
    found = _settings(find_repository(repo)).guard
    listed = [rule for rule in (*found.extra, *found.rules) if rule.id not in found.disabled]
    if as_json:
        print_json([rule.model_dump(exclude_defaults=True) for rule in listed])
        return
    cells = [(rule.id, rule.then, "yes" if rule.offence else "", rule.reason) for rule in listed]
    print_table(("ID", "THEN", "OFFENCE", "REASON"), cells, empty="no rules: everything is allowed")


@guard.command()
@click.argument("line")
@click.option("--role", default="developer", show_default=True, help="The role that would do it.")
@click.option("--branch", default="agent/1-example", show_default=True, help="The branch that would be its own.")
@repo_option
@json_option
def check(line: str, role: str, branch: str, repo: Path | None, as_json: bool) -> None:
    """Say what would become of the shell LINE, without running it. Exits with 1 unless it would be allowed.

    The workspace is taken to be the repository.

    \b
    Examples:
      fleet guard check 'cd src && git push --force'
      fleet guard check --role tech-lead --json 'npx prettier .'
    """
    from fleet_tui.governance.guard.acts import Act, Surroundings
    from fleet_tui.governance.guard.policy import decide
    from fleet_tui.watcher.desks.shell_parser import parse
    from fleet_tui.watcher.links import lookup

    repository = find_repository(repo)
    settings = _settings(repository)
    family = settings.family(role)
    if not family.matched and role not in {agent.role for agent in settings.agents}:
        known = ", ".join(dict.fromkeys((*(agent.role for agent in settings.agents), *settings.roles)))
        raise FleetError("no such role", f"{role} is no role of an agent or family", f"one of: {known}")
    workspace = str(repository)
    who = Surroundings(role, family.name, workspace, str(Path.home()), branch, lookup())
    decision = decide(Act("Bash", line=line, cwd=workspace), who, settings.guard, parse)
    if as_json:
        print_json(decision)
    else:
        about = f" ({one_line(decision.about)})" if decision.about else ""
        say(f"{decision.verdict} by rule {decision.rule}: {decision.reason}{about}")
    click.get_current_context().exit(0 if decision.verdict == "allow" else 1)
