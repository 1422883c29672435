"""``fleet pr``: pull requests with their reviews and gates."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fleet_tui.cli.common import (
    age,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    quoted,
    repo_option,
    say,
)
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.text import one_line


@click.group()
def pr() -> None:
    """List and show pull requests.

    \b
    Examples:
      fleet pr list
      fleet pr show 2
    """


@pr.command("list")
@repo_option
@json_option
def list_(repo: Path | None, as_json: bool) -> None:
    """List pull requests.

    \b
    Example:
      fleet pr list --json
    """
    pull_requests = open_reader(fleet_paths(repo)).pull_requests()
    if as_json:
        print_json(pull_requests)
        return
    now = time.time_ns()
    cells = [
        (
            f"#{found.number}",
            f"#{found.ticket}",
            found.state.value,
            found.agent,
            found.round,
            found.head_sha[:8],
            f"+{found.added} -{found.deleted}",
            age(found.changed_ns, now),
            found.title,
        )
        for found in pull_requests
    ]
    header = ("PR", "TICKET", "STATE", "AUTHOR", "ROUND", "HEAD", "LINES", "SINCE", "TITLE")
    print_table(header, cells, empty="no pull requests yet")


@pr.command()
@click.argument("number", type=int)
@repo_option
@json_option
def show(number: int, repo: Path | None, as_json: bool) -> None:
    """Show pull request NUMBER: verdicts and gates at which commit.

    \b
    Example:
      fleet pr show 2
    """
    reader = open_reader(fleet_paths(repo))
    found = reader.pull_request(number)
    if found is None:
        raise UsageError("no such pull request", f"#{number}", "fleet pr list")
    reviews, gates = reader.reviews(number), reader.gates(pr=number)
    if as_json:
        print_json({"pull_request": found, "reviews": reviews, "gates": gates})
        return
    say(f"#{found.number} {one_line(found.title)}")
    where = one_line(f"{found.branch} → {found.target}", 400)
    say(f"{where}  {found.state.value}: {one_line(found.reason, 400)}")
    say(f"head {found.head_sha}  base {found.base_sha}  round {found.round}")
    for review in reviews:
        stale = "" if review.head_sha == found.head_sha else f"  STALE @{review.head_sha[:8]}"
        say(
            f"  {one_line(f'{review.role} {review.agent}')}: {review.verdict.value}{stale}{quoted(review.summary, 400)}"
        )
    for gate in gates:
        say(f"  gate {one_line(gate.name)} {gate.state.value} on tree {gate.tree[:8]}  {one_line(gate.reason)}")
