"""``fleet approval``: the same decisions as in the room, as plain lines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_tui.cli import signing
from fleet_tui.cli.common import (
    act,
    age,
    ask_watcher,
    fitted,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
    say,
)
from fleet_tui.cli.pr import reviewer
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.numbers import no_pull_request, pull_request_number
from fleet_tui.domain.states import ApprovalState
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.domain.model import Approval
    from fleet_tui.store.reader import Reader


@click.group()
def approval() -> None:
    """List, show, approve and reject what waits for you.

    APPROVAL is an id, or N (also PRN, pr:N) for the open approval of pull request N.

    \b
    Examples:
      fleet approval list
      fleet approval show 3
      fleet approval approve 3 --head 3f9c1e2a
      fleet approval reject 3 --reason "needs a test"
    """


@approval.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are decided.")
@repo_option
@json_option
def list_(everything: bool, repo: Path | None, as_json: bool) -> None:
    """List approvals that wait for you.

    \b
    Examples:
      fleet approval list
      fleet approval list --all --json
    """
    reader = open_reader(fleet_paths(repo))
    states = () if everything else (ApprovalState.REQUESTED, ApprovalState.HELD)
    found = reader.approvals(*states)
    if as_json:
        print_json(found)
        return
    now = time.time_ns()
    cells = [
        (
            a.id,
            f"PR {a.pr}",
            f"#{a.ticket}",
            a.state.value,
            a.head_sha[:8],
            age(a.requested_ns, now),
            _title(reader, a.pr),
        )
        for a in found
    ]
    print_table(("APPROVAL", "PR", "TICKET", "STATE", "HEAD", "SINCE", "TITLE"), cells, empty="nothing waits for you")


def _title(reader: Reader, number: int) -> str:
    pull_request = reader.pull_request(number)
    return pull_request.title if pull_request else ""


@approval.command()
@click.argument("name", metavar="APPROVAL")
@click.option("--diff/--no-diff", default=True, help="Print the diff.")
@repo_option
@json_option
def show(name: str, diff: bool, repo: Path | None, as_json: bool) -> None:
    """Show what APPROVAL is bound to: commits, gates, verdicts, reasons and the diff.

    \b
    Example:
      fleet approval show 3
    """
    paths = fleet_paths(repo)
    reader = open_reader(paths)
    found = _find(reader, name)
    gates, reviews = reader.gates(pr=found.pr, tree=found.tree), reader.reviews(found.pr)
    changes = (
        ask_watcher(paths, "diff", {"pr": found.pr, "base": found.base_sha, "head": found.head_sha}) if diff else {}
    )
    if as_json:
        print_json({"approval": found, "gates": gates, "reviews": reviews, "diff": changes.get("files", [])})
        return
    say(f"PR {found.pr} {one_line(_title(reader, found.pr))}")
    say(f"head {found.head_sha}  base {found.base_sha}  {found.state.value}  policy {one_line(found.policy)}")
    say(f"risk {found.risk_band} when it was asked  {persons_line(found)}")
    for reason in found.reasons:
        say(f"  needs you: {one_line(reason, 400)}")
    for gate in gates:
        say(f"  gate {one_line(gate.name)}: {gate.state.value} in {gate.duration_ms / 1000:.1f} s")
    for review in reviews:
        stale = "" if review.head_sha == found.head_sha else " STALE"
        verdict = f"{review.verdict.value}{stale} @{review.head_sha[:8]}"
        say(f"  {reviewer(review)}: {verdict}  {fitted(review.summary, 100)}".rstrip())
    _print_diff(changes)
    say(f"\n  fleet approval approve {found.pr} --head {found.head_sha[:8]}")


def persons_line(approval: Approval) -> str:
    """How many persons have approved, of how many that must, and who."""
    who = f": {one_line(', '.join(approval.votes), 200)}" if approval.votes else ""
    return f"persons {len(approval.votes)} of {approval.quorum}{who}"


def _print_diff(changes: dict[str, list[dict[str, object]]]) -> None:
    for file in changes.get("files", []):
        name = one_line(f"{file['path']}  {file['status']}", 2000)
        say(f"\n--- {name}  +{file['added']} -{file['deleted']}")
        if file["truncated"] or file["binary"]:
            say("    (binary)" if file["binary"] else "    (too large to show here)")
        for hunk in file["hunks"]:  # type: ignore[attr-defined]
            say(one_line(hunk["header"], 2000))
            for kind, _old, _new, text in hunk["lines"]:
                say(" ".join(f"{kind}{text}".splitlines()))


@approval.command()
@click.argument("name", metavar="APPROVAL")
@click.option(
    "--head", required=True, help="The commit that you looked at (at least 7 digits): nothing else is approved."
)
@signing.options
@repo_option
def approve(name: str, head: str, sign: Path | None, signature: Path | None, repo: Path | None) -> None:
    """Approve APPROVAL at exactly the commit HEAD. It lands after the grace time; undo takes it back until then.

    Where policy asks for several persons it lands when as many different ones have approved. Who is named in
    `approval.signers` approves with a key: --sign KEY (a public key will do where an ssh-agent, also a forwarded one,
    holds the other half), or elsewhere, handed in with --signature.

    \b
    Examples:
      fleet approval approve 3 --head 3f9c1e2a
      fleet approval approve 3 --head 3f9c1e2a --sign ~/.ssh/id_ed25519.pub
      fleet approval statement 3 > three; ssh-keygen -Y sign -n fleet -f ~/.ssh/id_ed25519 three
      fleet approval approve 3 --head 3f9c1e2a --signature three.sig
    """
    found = _find(open_reader(fleet_paths(repo)), name)
    if len(head) < 7:
        raise UsageError("head too short", head, "give at least 7 digits of the commit that you looked at")
    full = found.head_sha if found.head_sha.startswith(head.lower()) else head
    args = {"approval": found.id, "head": full, "shown": {"ui": "command line"}}
    act(repo, "approve", signing.signed(repo, args, sign, signature))


@approval.command()
@click.argument("name", metavar="APPROVAL")
@repo_option
@json_option
def statement(name: str, repo: Path | None, as_json: bool) -> None:
    """Print what a person signs to approve APPROVAL.

    \b
    Example:
      fleet approval statement 3 > three; ssh-keygen -Y sign -n fleet -f ~/.ssh/id_ed25519 three
    """
    found = _find(open_reader(fleet_paths(repo)), name)
    text = signing.statement(repo, {"approval": found.id})
    if as_json:
        print_json({"approval": found.id, "namespace": "fleet", "statement": text})
    else:
        say(text, nl=False)


@approval.command()
@click.argument("name", metavar="APPROVAL")
@repo_option
def undo(name: str, repo: Path | None) -> None:
    """Take an approval back in its grace time.

    \b
    Example:
      fleet approval undo 3
    """
    act(repo, "undo", {"approval": _find(open_reader(fleet_paths(repo)), name).id})


@approval.command()
@click.argument("name", metavar="APPROVAL")
@click.option("--reason", required=True, help="Why; the author and the log get it.")
@click.option("--changes", is_flag=True, help="Send it back to its author instead of stopping it.")
@repo_option
def reject(name: str, reason: str, changes: bool, repo: Path | None) -> None:
    """Reject APPROVAL, or with --changes send it back to its author with your notes.

    \b
    Examples:
      fleet approval reject 3 --reason "we do not want this"
      fleet approval reject 3 --changes --reason "add a test for the empty list"
    """
    found = _find(open_reader(fleet_paths(repo)), name)
    act(repo, "request_changes" if changes else "reject", {"approval": found.id, "reason": reason})


def _find(reader: Reader, name: str) -> Approval:
    number = pull_request_number(name)
    if number is not None:
        approvals = reader.approvals(pr=number)
        waiting = [a for a in approvals if a.state in (ApprovalState.REQUESTED, ApprovalState.HELD)]
        if waiting or approvals:
            return (waiting or approvals)[-1]
    found = reader.approval(name)
    if found is None:
        raise UsageError(
            "no such approval", no_pull_request(name) if name.startswith("#") else name, "fleet approval list"
        )
    return found
