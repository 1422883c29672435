"""``fleet prompt``: what an agent will be told, layer by layer, and how that differs from something else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.common import (
    NUMBER,
    find_repository,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    quoted,
    repo_option,
    say,
)
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.watcher.runs.prompt import Part

_MARK = re.compile(r"(?<=<<<)[0-9a-f]{12}$", re.MULTILINE)


@click.group()
def prompt() -> None:
    """Show what an agent is told.

    \b
    Examples:
      fleet prompt show dev-1 --ticket 12
      fleet prompt diff dev-1 dev-2
    """


@prompt.command()
@click.argument("agent")
@click.option("--ticket", type=NUMBER, help="With what a run on this ticket is told: all of it, as it is sent.")
@click.option("--text", "only_text", is_flag=True, help="Print the text that is sent, and nothing else.")
@repo_option
@json_option
def show(agent: str, ticket: int | None, only_text: bool, repo: Path | None, as_json: bool) -> None:
    """Print AGENT's prompt in layers, each with the file that it comes from and about how many tokens it takes.

    Without --ticket these are the layers that every run is sent; with it everything that the run on it is sent. The
    marks around text from outside are drawn anew at each start. Tokens are estimated: one for each four bytes.

    \b
    Examples:
      fleet prompt show dev-1
      fleet prompt show dev-1 --ticket 12
      fleet prompt show rev --ticket 12 --json
      fleet prompt show dev-1 --ticket 12 --text > prompt.md
    """
    from fleet_tui.watcher.runs.prompt import joined

    layers = _layers(repo, agent, ticket)
    if as_json:
        told = [{"layer": p.layer, "origin": p.origin, "tokens": p.tokens, "text": p.text} for p in layers]
        total = sum(part.tokens for part in layers)
        print_json({"agent": agent, "ticket": ticket, "tokens": total, "tokens_estimated": True, "layers": told})
        return
    if only_text:
        say(joined(layers), nl=False)
        return
    for part in layers:
        say(f"── {part.layer}: {one_line(part.origin)} (~{part.tokens} tokens)")
        say(quoted(part.text).lstrip("\n"))
    whole = "all that is sent" if ticket is not None else "what every run is sent; --ticket N shows the rest"
    say(f"── {len(layers)} layers, ~{sum(part.tokens for part in layers)} tokens (estimated): {whole}")


@prompt.command()
@click.argument("agent")
@click.argument("other", required=False)
@click.option("--ticket", type=NUMBER, help="Of the run on this ticket; without OTHER: what the ticket adds.")
@click.option("--from", "revision", type=int, help="What AGENT was told at this revision: fleet agent revisions AGENT.")
@repo_option
@json_option
def diff(
    agent: str, other: str | None, ticket: int | None, revision: int | None, repo: Path | None, as_json: bool
) -> None:
    """Show how AGENT's prompt differs from that of OTHER, or from what it was, layer by layer.

    \b
    Examples:
      fleet prompt diff dev-1 dev-2
      fleet prompt diff dev-1 dev-2 --ticket 12
      fleet prompt diff dev-1 --ticket 12
      fleet prompt diff dev-1 --from 1
    """
    if other is None and ticket is None and revision is None:
        told = "name another agent, a ticket, or a revision"
        raise UsageError("compared with what?", told, "fleet prompt diff dev-1 dev-2")
    if revision is not None:
        if other is not None or ticket is not None:
            raise UsageError(
                "compared with what?", "--from goes with AGENT alone", f"fleet prompt diff {agent} --from 1"
            )
        was = _at_revision(repo, agent, revision)
        _print(was, f"revision {revision}", _layers(repo, agent, None), agent, as_json=as_json)
        return
    before = _layers(repo, other or agent, ticket if other else None)
    name = f"{other}" if other else f"{agent} without a ticket"
    _print(before, name, _layers(repo, agent, ticket), agent, as_json=as_json)


def _print(before: list[Part], before_name: str, after: list[Part], after_name: str, *, as_json: bool) -> None:
    changes = _changes(before, after)
    if as_json:
        print_json({"from": before_name, "to": after_name, "layers": changes})
        return
    if not changes:
        say(f"{one_line(before_name)} and {one_line(after_name)} are told the same")
    for change in changes:
        say(f"── {change['layer']}: {one_line(change['from'] or 'nothing')} → {one_line(change['to'] or 'nothing')}")
        for line in change["lines"]:
            say(one_line(line, 4000) if line.strip() else "")


def _changes(before: list[Part], after: list[Part]) -> list[dict[str, Any]]:
    """The layers that differ. The marks around foreign text are others each time, and are no difference."""
    import difflib

    old, new = {part.layer: part for part in before}, {part.layer: part for part in after}
    found: list[dict[str, Any]] = []
    for layer in dict.fromkeys((*old, *new)):
        was, now = old.get(layer), new.get(layer)
        left, right = (_same_marks(part.text).splitlines() if part else [] for part in (was, now))
        if left != right:
            told = list(difflib.unified_diff(left, right, lineterm="", n=2))[2:]
            names = {"from": was.origin if was else None, "to": now.origin if now else None}
            found.append({"layer": layer, **names, "lines": told})
    return found


def _same_marks(text: str) -> str:
    mark = _MARK.search(text)
    return text.replace(mark.group(), "MARK") if mark else text


def _at_revision(repo: Path | None, name: str, number: int) -> list[Part]:
    """The layers as they would be with the agent as it was; the other layers are those of now."""
    from dataclasses import replace

    from fleet_tui.settings.load import load_settings
    from fleet_tui.store import blobs
    from fleet_tui.watcher.acts import revisions
    from fleet_tui.watcher.runs.prompt import standing_parts

    paths = fleet_paths(repo)
    found = revisions.find(open_reader(paths), name, number)
    row = revisions.settings_of(found, lambda sha: blobs.get(paths.blobs, sha))
    *shared, own = standing_parts(paths.repository, load_settings(paths.repository).require(), row)
    return [*shared, replace(own, origin=f"revision {number}")]


def _layers(repo: Path | None, name: str, ticket: int | None) -> list[Part]:
    from fleet_tui.settings.load import load_settings
    from fleet_tui.store import blobs
    from fleet_tui.watcher.runs.next_run import next_run
    from fleet_tui.watcher.runs.prompt import Sources, parts, standing_parts

    repository = find_repository(repo)
    settings = load_settings(repository).require()
    agent = settings.agent(name)
    if ticket is None:
        return standing_parts(repository, settings, agent)
    paths = fleet_paths(repo)
    reader = open_reader(paths)
    if reader.ticket(ticket) is None:
        raise UsageError("no such ticket", f"#{ticket}", "fleet ticket list")
    where = Sources(repository, settings, reader.ticket, reader.pull_request, lambda sha: blobs.get(paths.blobs, sha))
    return parts(where, next_run(reader, settings, agent, ticket), agent)
