"""``fleet plan``: whether a ticket is work for several agents, by evidence of its text, the files and the history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_tui.cli.common import (
    NUMBER,
    act,
    confirm,
    find_repository,
    in_editor,
    json_option,
    print_json,
    quoted,
    repo_option,
    say,
)
from fleet_tui.cli.ticket import existing, forge_of
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.forge.base import TicketRecord
    from fleet_tui.governance.fanout.values import Advice, Part
    from fleet_tui.settings.schema import Settings

_MOST_BODY = 1_000


@click.command()
@click.argument("number", type=NUMBER, metavar="TICKET")
@click.option("--accept", is_flag=True, help="Edit the parts in $EDITOR, then make tickets of them.")
@click.option("--yes", is_flag=True, help="With --accept: take the parts as proposed, without a question.")
@repo_option
@json_option
def plan(number: int, accept: bool, yes: bool, repo: Path | None, as_json: bool) -> None:
    """Say whether TICKET decomposes, and how: sub-tickets with scopes and an order, or why one agent is better.

    No model is asked. What counts is what the ticket names, what those files import of each other, and what the history
    has always changed together; `fanout` in the configuration says how much of it.

    \b
    Examples:
      fleet plan 7
      fleet plan 7 --json
      fleet plan 7 --accept      edit the parts in $EDITOR, see them again, make them
    """
    from fleet_tui.watcher.acts.planning import advice_on

    record, settings = existing(forge_of(repo), number), _settings(repo)
    if record.problem:
        raise UsageError("the ticket cannot be read", one_line(record.problem, 400), "mend the ticket file")
    advice = asyncio.run(advice_on(record, settings, find_repository(repo)))
    if accept and as_json:
        raise UsageError("two wishes", "--accept and --json exclude each other")
    if as_json:
        print_json(_facts(record, advice))
        return
    say(f"#{number} {one_line(record.title)}: {advice.verdict}")
    for reason in advice.reasons:
        say(f"  - {one_line(reason, 400)}")
    _show_all(advice.parts)
    if accept:
        _accept(record, advice, repo, yes)


def _accept(record: TicketRecord, advice: Advice, repo: Path | None, yes: bool) -> None:
    """Let the person edit the parts, and have them made.

    Raises:
        UsageError: there is nothing to accept, or what was edited are no parts; Abort: the person does not want it.
    """
    from fleet_tui.watcher.acts.splitting import body_sha

    if not advice.parts:
        raise UsageError("nothing to accept", advice.verdict, "write the tickets yourself: fleet ticket new")
    parts = advice.parts if yes else _edited(record.number, advice.parts)
    if not yes:
        _show_all(parts)
        if not confirm(f"Make {len(parts)} tickets of #{record.number}?", default=False):
            raise click.Abort
    given = [asdict(one) for one in parts]
    act(repo, "split", {"ticket": record.number, "body_sha": body_sha(record), "parts": given})


def _edited(number: int, parts: Sequence[Part]) -> tuple[Part, ...]:
    """What the person made of ``parts`` in ``$VISUAL`` or ``$EDITOR``.

    Raises:
        UsageError: it is no list of parts, or they do not fit together; Abort: it is empty.
    """
    from fleet_tui.watcher.acts.parts_text import read, written

    text = written(number, parts)
    changed = in_editor(text, ".yaml")
    found = read(text if changed is None else changed)
    if not found:
        raise click.Abort
    return found


def _show_all(parts: Sequence[Part]) -> None:
    for place, part in enumerate(parts, 1):
        _show(place, part)


def _settings(repo: Path | None) -> Settings:
    from fleet_tui.settings.load import load_settings

    return load_settings(find_repository(repo), project_required=False).require()


def _facts(record: TicketRecord, advice: Advice) -> dict[str, object]:
    about = {"ticket": record.number, "title": one_line(record.title), "decomposes": bool(advice.parts)}
    return about | {"verdict": advice.verdict, "reasons": advice.reasons, "parts": advice.parts}


def _show(place: int, part: Part) -> None:
    say()
    after = f"   after part {', '.join(map(str, part.after))}" if part.after else ""
    say(f"{place}. {one_line(part.title)}{after}")
    if part.repo:
        say(f"   repository {one_line(part.repo, 60)}")
    if part.scope or not part.repo:
        say(f"   scope {one_line(', '.join(part.scope), 1_000)}")
    say(quoted(part.body, _MOST_BODY).removeprefix("\n"))
