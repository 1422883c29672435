"""``fleet account``: accounts at their usage limit, and letting their agents go on earlier."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from fleet_tui.cli.common import act, age, fleet_paths, json_option, open_reader, print_json, print_table, repo_option
from fleet_tui.readmodel.accounts import read_accounts


@click.group()
def account() -> None:
    """Accounts at their usage limit: until when, and who waits.

    \b
    Examples:
      fleet account list
      fleet account resume claude-code:3fa9c1d2 --reason "more was bought"
    """


@account.command(name="list")
@repo_option
@json_option
def list_(repo: Path | None, as_json: bool) -> None:
    """List the accounts at their usage limit; an account is a program and a digest of its key.

    \b
    Examples:
      fleet account list
      fleet account list --json
    """
    found, now = read_accounts(open_reader(fleet_paths(repo))), time.time_ns()
    if as_json:
        print_json(
            [
                {
                    "account": one.account.id,
                    "limited_ns": one.account.limited_ns,
                    "reset_ns": one.account.reset_ns,
                    "met_by": one.account.agent,
                    "went_on": one.account.released,
                    "waiting": one.waiting,
                }
                for one in found
            ]
        )
        return
    rows = [
        (
            one.account.id,
            f"{age(one.account.limited_ns, now)} ago",
            one.account.agent,
            _instant(one.account.reset_ns),
            ", ".join(one.waiting) or "-",
        )
        for one in found
    ]
    print_table(("ACCOUNT", "MET", "BY", "OVER AT", "WAITING"), rows, empty="no account is at its usage limit")


@account.command()
@click.argument("name", metavar="ACCOUNT")
@click.option("--reason", default="", help="Why; goes into the log.")
@repo_option
def resume(name: str, reason: str, repo: Path | None) -> None:
    """Let the agents of ACCOUNT go on now, one after the other, without waiting for the limit to be over."""
    act(repo, "resume_account", {"account": name, "reason": reason})


def _instant(at_ns: int | None) -> str:
    return "not said" if at_ns is None else datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%d %b %H:%M UTC")
