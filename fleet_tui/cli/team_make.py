"""``fleet team create``, ``spawn``, ``add``, ``drop``, ``remove``, ``revisions``, ``rollback``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.catalogue import answer
from fleet_tui.cli.common import (
    F,
    age,
    ask,
    confirm,
    count,
    find_repository,
    fleet_paths,
    json_option,
    open_reader,
    person_is_there,
    print_json,
    print_table,
    repo_option,
    say,
)
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.text import one_line


def _making(function: F) -> F:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--set", "fills", multiple=True, metavar="MARK=TEXT", help="Fill in a mark; may be repeated."),
    click.option("--vendor", help="The program that the new ones run; default: what agents of their roles run."),
    click.option("--model", help="The model's name for the vendor; default: the vendor's own."),
    click.option("--dry-run", is_flag=True, help="Only show what would be written."),
    click.option("--yes", "-y", is_flag=True, help="Do not ask."),
    repo_option,
    json_option,
)


@click.command()
@click.argument("name")
@click.option(
    "--from", "members", multiple=True, metavar="[NAME=]TEMPLATE[:COUNT],…", help="New agents, made from templates."
)
@click.option("--agents", multiple=True, metavar="NAME,…", help="Agents that there are.")
@_making
def create(name: str, members: tuple[str, ...], agents: tuple[str, ...], **said: Any) -> None:
    """Make the team NAME of new agents, of agents that there are, or of both: all of its files, or none.

    What they may spend together at the most is shown before anything is written; a person who is there is asked.
    Nothing that exists is changed. New agents are called as their template, or NAME, NAME-1, NAME-2, …

    \b
    Examples:
      fleet team create web --from backend-developer:2,security-reviewer
      fleet team create web --from dev=django-developer:2 --agents qa --dry-run
      fleet team create night --agents dev-1,qa --yes
    """
    wanted = {"team": name, "from": ",".join(members), "agents": _split(agents)}
    _make(wanted, **said)


@click.command()
@click.argument("preset")
@click.option("--name", help="What the team is called; default: as the preset.")
@click.option("--developers", type=click.IntRange(1, 50), help="How many authors.  [default: the preset's number]")
@_making
def spawn(preset: str, name: str | None, developers: int | None, **said: Any) -> None:
    """Make the team that a preset is (`fleet init --list-presets`), as agents called NAME-dev-1, NAME-reviewer, …

    \b
    Examples:
      fleet team spawn library
      fleet team spawn web-service --name shop --developers 3 --dry-run
    """
    _make({"team": name or preset, "preset": preset, "developers": developers}, **said)


def _make(
    wanted: dict[str, Any],
    *,
    fills: tuple[str, ...],
    vendor: str | None,
    model: str | None,
    dry_run: bool,
    yes: bool,
    repo: Path | None,
    as_json: bool,
) -> None:
    args = {**wanted, "vendor": vendor, "model": model, "fills": dict(_fill(text) for text in fills)}
    shown = answer(repo, "preview_team", args)
    asked = person_is_there(err=as_json) and not yes
    if shown["asks"] and asked and not dry_run:
        args["fills"] |= {mark: ask(f"{question} ({mark})") for mark, question in shown["asks"].items()}
        shown = answer(repo, "preview_team", args)
    if dry_run and as_json:
        print_json(shown)
        return
    if not as_json or asked:
        _show(shown, dry_run=dry_run, err=as_json)
    if dry_run:
        return
    if asked and not confirm("Write it?", default=True, err=as_json):
        raise click.Abort
    # What has to be filled in by somebody is refused there, with what to say.
    done = answer(repo, "create_team", args if shown["asks"] else {**args, "seen": shown["sha"]})
    print_json({**shown, **done}) if as_json else say(one_line(done["message"], 2000))


def _fill(text: str) -> tuple[str, str]:
    mark, equals, value = text.partition("=")
    if not equals or not mark.strip():
        raise UsageError("--set not understood", text, '--set "test_command=make test"')
    return mark.strip(), value.strip()


def _show(shown: dict[str, Any], *, dry_run: bool, err: bool) -> None:
    new = shown["agents"]
    say(f"team {one_line(shown['team'], 80)}: {one_line(', '.join(shown['members']), 1000)}", err=err)
    if new:
        cells = [tuple(row[key] or "-" for key in ("name", "template", "role", "cost", "budget")) for row in new]
        print_table(("NEW AGENT", "TEMPLATE", "ROLE", "COST", "BUDGET"), cells, empty="", err=err)
        together = f"at most {shown['at_most']} for {count(len(new), 'new agent')} together"
        say(f"{together}: ceilings of run time or turns; what that costs in money depends on the model", err=err)
        if shown["all_agents"] > shown["max_running"]:
            say(f"{shown['all_agents']} agents then; {shown['max_running']} may run at the same time", err=err)
    for mark, question in shown["asks"].items():
        say(f"to be filled in: {one_line(question, 400)} (--set {mark}=…)", err=err)
    if dry_run:
        say(f"nothing was written; would be: {one_line(', '.join(shown['files']), 2000)}", err=err)


@click.command()
@click.argument("name")
@click.argument("agents", nargs=-1, required=True)
@repo_option
@json_option
def add(name: str, agents: tuple[str, ...], repo: Path | None, as_json: bool) -> None:
    """Put AGENTS into the team NAME.

    \b
    Example:
      fleet team add web dev-3 qa
    """
    _change(repo, name, lambda now: [*now, *(one for one in _split(agents) if one not in now)], as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("agents", nargs=-1, required=True)
@repo_option
@json_option
def drop(name: str, agents: tuple[str, ...], repo: Path | None, as_json: bool) -> None:
    """Take AGENTS out of the team NAME; they stay as they are.

    \b
    Example:
      fleet team drop web qa
    """

    def without(now: Sequence[str]) -> list[str]:
        others = [one for one in _split(agents) if one not in now]
        if others:
            told = f"{', '.join(others)} in {name}"
            raise UsageError("no such member", told, f"members: {', '.join(now) or 'none'}")
        return [one for one in now if one not in _split(agents)]

    _change(repo, name, without, as_json=as_json)


def _change(repo: Path | None, name: str, new: Callable[[Sequence[str]], list[str]], *, as_json: bool) -> None:
    now = _members(repo, name)
    done = answer(repo, "change_team", {"team": name, "agents": new(now), "seen": now})
    print_json(done) if as_json else say(one_line(done["message"], 2000))


def _members(repo: Path | None, name: str) -> list[str]:
    from fleet_tui.settings.load import load_settings

    return list(load_settings(find_repository(repo)).require().team(name).agents)


def _split(words: Sequence[str]) -> list[str]:
    return [name.strip() for word in words for name in word.split(",") if name.strip()]


@click.command()
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@repo_option
@json_option
def remove(name: str, yes: bool, repo: Path | None, as_json: bool) -> None:
    """Remove the team NAME; its agents stay as they are. `fleet team rollback NAME` puts it back.

    \b
    Example:
      fleet team remove web
    """
    now = _members(repo, name)
    if person_is_there(err=as_json) and not yes:
        question = f"Remove the team {name} of {', '.join(now) or 'nobody'}? Its agents stay."
        if not confirm(question, default=False, err=as_json):
            raise click.Abort
    done = answer(repo, "remove_team", {"team": name, "seen": now})
    print_json(done) if as_json else say(one_line(done["message"], 2000))


@click.command()
@click.argument("name")
@repo_option
@json_option
def revisions(name: str, repo: Path | None, as_json: bool) -> None:
    """List who was in the team NAME, oldest first: since when, and who changed it.

    \b
    Examples:
      fleet team revisions web
      fleet team revisions web --json
    """
    from fleet_tui.watcher.acts import team_history

    found = team_history.history(open_reader(fleet_paths(repo)), name)
    if not found:
        raise UsageError("no such team", f"the log has nothing of a team {name}", "fleet team list")
    if as_json:
        print_json(
            [
                {"team": r.team, "revision": r.number, "at_ns": r.at_ns, "actor": r.actor, "act": r.act, "of": r.of}
                | {"file": r.place, "agents": None if r.agents is None else list(r.agents)}
                for r in found
            ]
        )
        return
    now = time.time_ns()
    cells = [
        (
            r.number,
            age(r.at_ns, now),
            r.actor,
            r.act + (f" to {r.of}" if r.of else ""),
            "removed" if r.agents is None else ", ".join(r.agents) or "nobody",
        )
        for r in found
    ]
    print_table(("REVISION", "AGE", "WHO", "WHAT", "MEMBERS"), cells, empty="")


@click.command()
@click.argument("name")
@click.option("--to", "revision", type=int, help="Which revision; default: the one before the last.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@repo_option
@json_option
def rollback(name: str, revision: int | None, yes: bool, repo: Path | None, as_json: bool) -> None:
    """Put the team NAME back to what it was, also one that was removed. That is a revision of its own.

    \b
    Examples:
      fleet team rollback web
      fleet team rollback web --to 1 --yes
    """
    from fleet_tui.watcher.acts import team_history

    to = team_history.find(open_reader(fleet_paths(repo)), name, revision)
    members = one_line(", ".join(to.agents or ()), 1000) or "nobody"
    if person_is_there(err=as_json) and not yes:
        question = f"Put the team {name} back to revision {to.number} ({members})?"
        if not confirm(question, default=False, err=as_json):
            raise click.Abort
    done = answer(repo, "rollback_team", {"team": name, "revision": to.number})
    print_json(done) if as_json else say(one_line(done["message"], 2000))
