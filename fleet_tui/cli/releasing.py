"""``fleet agent release`` and ``fleet agent conditions``: out of quarantine, and under what conditions."""

from __future__ import annotations

from pathlib import Path

import click

from fleet_tui.cli.common import F, act, repo_option
from fleet_tui.cli.selecting import Batch, acting


def _conditions(function: F) -> F:
    """What a release may be bound to."""
    floor = click.option(
        "--risk-floor",
        type=click.IntRange(0, 100),
        help="The least risk of its work, below the critical band (80 as shipped); 0: none.",
    )
    budget = click.option("--budget", "budgets", multiple=True, help="What each later run may spend; may be repeated.")
    return budget(floor(function))


@click.command()
@acting
@click.option("--reason", required=True, help="Why it is safe again; goes into the log.")
@_conditions
def release(batch: Batch, reason: str, budgets: tuple[str, ...], risk_floor: int | None) -> None:
    """Release NAMES from quarantine: their frozen runs end, their tickets start anew.

    Conditions stand until `fleet agent conditions` or a later release changes them.

    \b
    Examples:
      fleet agent release dev-1 --reason "the key was a test key"
      fleet agent release dev-1 --reason "once more" --budget 10m --budget 2usd --risk-floor 50
      fleet agent release --select state:quar --reason "the rule was wrong" --dry-run
    """
    batch.ask("release", {"reason": reason, "budgets": list(budgets), "risk_floor": risk_floor})


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; goes into the log.")
@_conditions
@click.option("--lift", is_flag=True, help="Take away all conditions that are not named anew.")
@repo_option
def conditions(
    name: str, reason: str, budgets: tuple[str, ...], risk_floor: int | None, lift: bool, repo: Path | None
) -> None:
    """Change the conditions on which NAME was released; `fleet agent explain NAME` shows them.

    \b
    Examples:
      fleet agent conditions dev-1 --budget 30m --reason "it went well"
      fleet agent conditions dev-1 --lift --reason "as before"
    """
    args = {"agent": name, "reason": reason, "budgets": list(budgets), "risk_floor": risk_floor, "lift": lift}
    act(repo, "conditions", args)
