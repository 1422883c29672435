"""``fleet question``: what agents ask, and your answers."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fleet_tui.cli.common import act, age, fleet_paths, json_option, open_reader, print_json, print_table, repo_option
from fleet_tui.domain.errors import UsageError


@click.group()
def question() -> None:
    """List and answer what agents ask.

    \b
    Examples:
      fleet question list
      fleet question answer question-1m7y… "keep the old name"
    """


@question.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are answered.")
@repo_option
@json_option
def list_(everything: bool, repo: Path | None, as_json: bool) -> None:
    """List open questions, the oldest first.

    \b
    Example:
      fleet question list --json
    """
    found = open_reader(fleet_paths(repo)).questions(open_only=not everything)
    if as_json:
        print_json(found)
        return
    now = time.time_ns()
    cells = [(q.id, q.agent, f"#{q.ticket}" if q.ticket else "-", age(q.asked_ns, now), q.summary) for q in found]
    print_table(("QUESTION", "AGENT", "TICKET", "SINCE", "WHAT"), cells, empty="no open questions")


@question.command()
@click.argument("name", metavar="QUESTION")
@click.argument("text")
@repo_option
def answer(name: str, text: str, repo: Path | None) -> None:
    """Answer QUESTION (an id, or #N for the open question of ticket N) with TEXT.

    \b
    Examples:
      fleet question answer '#3' "keep the old name"
    """
    number = name.removeprefix("#")
    if number.isdecimal():
        asked = [q for q in open_reader(fleet_paths(repo)).questions() if q.ticket == int(number)]
        if not asked:
            raise UsageError("no open question", f"ticket #{number} asks nothing", "fleet question list")
        name = asked[0].id
    act(repo, "answer", {"question": name, "text": text})
