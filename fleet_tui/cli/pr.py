"""``fleet pr``: pull requests with their reviews and gates."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_tui.cli.common import (
    PULL_REQUEST,
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
from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.domain.events import PullRequestPublished
from fleet_tui.domain.states import OPEN_PULL_REQUESTS, GateState, Verdict
from fleet_tui.domain.text import clean, one_line
from fleet_tui.governance.reviews import risk_of
from fleet_tui.readmodel.gist import to_read
from fleet_tui.readmodel.waiting import reason_now
from fleet_tui.settings.load import load_settings
from fleet_tui.store.reader import EventFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet_tui.domain.model import Gate, PullRequest, Review
    from fleet_tui.paths import FleetPaths
    from fleet_tui.settings.schema import Settings
    from fleet_tui.store.reader import Reader


@click.group()
def pr() -> None:
    """List and show pull requests.

    \b
    Examples:
      fleet pr list
      fleet pr show 2
      fleet pr gate-log 2 test
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
    reader = open_reader(fleet_paths(repo))
    pull_requests = reader.pull_requests()
    if as_json:
        print_json(pull_requests)
        return
    places = {ticket.number: f"{ticket.repo}: " for ticket in reader.tickets() if ticket.repo}
    now = time.time_ns()
    cells = [
        (
            f"PR {found.number}",
            f"#{found.ticket}",
            found.state.value,
            found.agent,
            found.round,
            found.head_sha[:8],
            f"+{found.added} -{found.deleted}",
            age(found.changed_ns, now),
            f"{places.get(found.ticket, '')}{found.title}",
        )
        for found in pull_requests
    ]
    header = ("PR", "TICKET", "STATE", "AUTHOR", "ROUND", "HEAD", "LINES", "SINCE", "TITLE")
    print_table(header, cells, empty="no pull requests yet")


@pr.command()
@click.argument("number", type=PULL_REQUEST)
@repo_option
@json_option
def show(number: int, repo: Path | None, as_json: bool) -> None:
    """Show pull request NUMBER: verdicts and gates at which commit, and what a failed gate said last.

    \b
    Examples:
      fleet pr show 2
      fleet pr show 2 --json
    """
    paths = fleet_paths(repo)
    reader = open_reader(paths)
    found = _existing(reader, number)
    reviews, gates = reader.reviews(number), reader.gates(pr=number)
    if as_json:
        print_json({"pull_request": found, "reviews": reviews, "gates": gates, "url": url_of(reader, number)})
        return
    say(f"PR {found.number} {one_line(found.title)}")
    ticket = reader.ticket(found.ticket)
    place = f"{ticket.repo}: " if ticket is not None and ticket.repo else ""
    where = one_line(f"{place}{found.branch} → {found.target}", 400)
    why = one_line(reason_now(found, reviews), 400)
    say(f"{where}  {found.state.value}{f': {why}' if why else ''}")
    url = url_of(reader, number)
    if url:
        say(f"on GitHub: {url}")
    say(f"head {found.head_sha}  base {found.base_sha}  round {found.round}")
    for review in reviews:
        stale = "" if review.head_sha == found.head_sha else f"  STALE @{review.head_sha[:8]}"
        at = stale or f"  @{review.head_sha[:8]}"
        say(f"  {reviewer(review)}: {review.verdict.value}{at}{quoted(review.summary, 400)}")
    for need in unmet_needs(load_settings(paths.repository).settings, reader, found):
        say(f"  waits for {need}")
    current = current_gates(found, gates)
    for gate in current:
        _show_gate(gate, paths)
    for gate in gates:
        if gate not in current:
            say(f"  earlier: {_result(gate)}")


def url_of(reader: Reader, number: int) -> str:
    """Where the pull request is on the forge; empty where it is not."""
    shown = EventFilter(kinds=(PullRequestPublished.kind,), subjects=(f"pr:{number}",))
    return next((one_line(str(event.payload["url"])) for event in reader.events(shown, limit=1)), "")


def reviewer(review: Review) -> str:
    """Who gave a verdict, and what they were asked to look for."""
    lens = f" ({review.lens})" if review.lens else ""
    return one_line(f"{review.role} {review.agent}{lens}")


def unmet_needs(settings: Settings | None, reader: Reader, pull_request: PullRequest) -> list[str]:
    """The lenses that the risk of an open pull request asks for, and through which nobody has approved its head."""
    if settings is None or pull_request.state not in OPEN_PULL_REQUESTS:
        return []
    band = risk_of(pull_request)
    given = {
        review.lens
        for review in reader.reviews(pull_request.number)
        if review.head_sha == pull_request.head_sha and review.verdict is Verdict.APPROVED
    }
    needed = settings.reviews.bands.of(band).lenses
    return [f"the lens {lens} (risk {band})" for lens in needed if lens not in given]


def _existing(reader: Reader, number: int) -> PullRequest:
    found = reader.pull_request(number)
    if found is None:
        raise UsageError("no such pull request", f"PR {number}", "fleet pr list")
    return found


def current_gates(pull_request: PullRequest, gates: Sequence[Gate]) -> list[Gate]:
    """The latest result of each of ``gates`` (oldest first) on the newest merge result of the head."""
    of_head = [gate for gate in gates if gate.head_sha == pull_request.head_sha]
    return list({gate.name: gate for gate in of_head if gate.tree == of_head[-1].tree}.values())


def _show_gate(gate: Gate, paths: FleetPaths) -> None:
    say(f"  {_result(gate)}")
    if gate.state is GateState.FAILED and gate.log:
        where = one_line(str(paths.evidence / gate.log), 400)
        say(
            f"    it ended with{quoted(gate.tail)}\n    all of it: {to_read(gate.pr, gate.name, gate.tree)}   ({where})"
        )


def _result(gate: Gate) -> str:
    took = f" in {gate.duration_ms / 1000:.1f} s" if gate.state is not GateState.RUNNING else ""
    level = f" at {one_line(gate.isolation)}" if gate.isolation else ""
    why = one_line(gate.reason or (f"exit code {gate.exit_code}" if gate.exit_code else ""))
    return f"gate {one_line(gate.name)} {gate.state.value}{took}{level} on tree {gate.tree[:8]}  {why}".rstrip()


@pr.command("gate-log")
@click.argument("number", type=PULL_REQUEST)
@click.argument("gate", required=False)
@click.option("--tree", help="The merge result that it ran on; default: the newest of the head.")
@repo_option
@json_option
def gate_log(number: int, gate: str | None, tree: str | None, repo: Path | None, as_json: bool) -> None:
    """Print everything that GATE of pull request NUMBER said; without GATE, the one that failed, else the last one.

    \b
    Examples:
      fleet pr gate-log 2
      fleet pr gate-log 2 test --json
    """
    paths = fleet_paths(repo)
    reader = open_reader(paths)
    found = _chosen(_existing(reader, number), reader.gates(pr=number), gate, tree)
    path = paths.evidence / Path(found.log).name
    try:
        text = path.read_bytes().decode("utf-8", "replace") if found.log else None
    except FileNotFoundError:
        text = None
    if text is None:
        raise FleetError("no output was kept", _result(found), f"fleet pr show {number}")
    if as_json:
        print_json({"gate": found, "path": str(path), "text": text})
        return
    say(_result(found))
    say(f"$ {one_line(found.command, 2000)}")
    for line in clean(text).splitlines():
        say(f"    | {line}")
    say(f"from {one_line(str(path), 400)}")


def _chosen(pull_request: PullRequest, gates: list[Gate], name: str | None, tree: str | None) -> Gate:
    if tree is None:
        gates = current_gates(pull_request, gates) or gates
    found = [gate for gate in gates if name in (None, gate.name) and gate.tree.startswith(tree or "")]
    if not found:
        known = ", ".join(dict.fromkeys(one_line(gate.name) for gate in gates)) or "none has run"
        raise UsageError("no such gate", name or tree or f"of PR {pull_request.number}", f"gates: {known}")
    failed = [gate for gate in found if gate.state is GateState.FAILED]
    return (failed or found)[-1]
