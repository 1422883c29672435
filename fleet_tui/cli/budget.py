"""``fleet budget``: what was used, what is left, how fast it goes; and more of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli import signing
from fleet_tui.cli.common import act, fleet_paths, json_option, open_reader, print_json, print_table, repo_option, say
from fleet_tui.cli.selecting import Batch, acting
from fleet_tui.domain.amounts import HOW_TO_WRITE, UNITS, parse_amount, show_amount
from fleet_tui.domain.errors import UsageError
from fleet_tui.readmodel.selection import Selection
from fleet_widgets.gauge import percent

if TYPE_CHECKING:
    from fleet_tui.domain.standing import Standing
    from fleet_tui.store.reader import Reader


@click.group(invoke_without_command=True)
@repo_option
@json_option
@click.pass_context
def budget(ctx: click.Context, repo: Path | None, as_json: bool) -> None:
    """Show and extend budgets.

    `~` marks money that was reckoned by a price list, `+ unknown` requests whose price nobody knows.

    \b
    Examples:
      fleet budget
      fleet budget --json
      fleet budget extend agent:dev-1 10m --reason "nearly done"
    """
    if ctx.invoked_subcommand is not None:
        return
    from fleet_tui.readmodel.budgets import read_budgets

    reader = open_reader(fleet_paths(repo))
    found = read_budgets(reader, time.time_ns())
    if as_json:
        print_json([_facts(standing) for standing in found])
        return
    header = ("SCOPE", "NAME", "WINDOW", "USED", "CEILING", "SHARE", "PER HOUR", "LASTS")
    print_table(
        header,
        [_cells(standing, reader) for standing in found],
        empty="no budgets: add `budgets:` to .fleet/config.yaml",
    )
    if not found:
        used = [
            (agent.name, f"charged {show_amount('seconds', agent.charged_ms // 1000)}") for agent in reader.agents()
        ]
        if used:
            say()
            print_table(("AGENT", "USED"), used, empty="")


def _facts(standing: Standing) -> dict[str, Any]:
    rule = standing.rule
    return {
        "scope": rule.scope,
        "name": standing.name,
        "unit": rule.unit,
        "window": rule.window,
        "window_start_ns": standing.start_ns or None,
        "used": standing.used,
        "ceiling": standing.ceiling,
        "extended": standing.ceiling - rule.ceiling,
        "per_hour": standing.per_hour,
        "seconds_to_ceiling": standing.left_s,
        "estimated": standing.estimated,
        "unknown": standing.unknown,
        "exhausted": standing.spent,
    }


def _cells(standing: Standing, reader: Reader) -> tuple[str, ...]:
    rule = standing.rule
    run = reader.run(standing.name) if rule.scope == "run" else None
    used = ("~" if standing.estimated else "") + show_amount(rule.unit, standing.used)
    return (
        rule.scope,
        standing.name if run is None else f"{standing.name} ({run.agent})",
        rule.window,
        used + (" + unknown" if standing.unknown else ""),
        show_amount(rule.unit, standing.ceiling),
        percent(standing.used, standing.ceiling).strip(),
        show_amount(rule.unit, standing.per_hour) if standing.per_hour else "-",
        "used up" if standing.spent else show_amount("seconds", standing.left_s) if standing.left_s else "-",
    )


@budget.command()
@acting
@click.argument("amount")
@click.option("--unit", type=click.Choice(UNITS), help="Where it has several budgets: which one.")
@click.option("--window", type=click.Choice(("total", "week", "day")), help="The same.")
@click.option("--reason", default="", help="Why; goes into the log.")
@signing.options
def extend(
    batch: Batch,
    amount: str,
    unit: str | None,
    window: str | None,
    reason: str,
    sign: Path | None,
    signature: Path | None,
) -> None:
    """Add AMOUNT to the budget of NAMES: agents, or one other scope.

    Where an approval rule for the act `budget` asks for several persons, each of them asks for the same amount; who is
    named in `approval.signers` does so with --sign.

    A scope is agent:NAME (or NAME alone), role:NAME, ticket:NUMBER, run:ID or fleet. AMOUNT is 600 (of whatever its
    budget counts), 10m, 2h, 500k, 5usd or 20turns.
    Money with its sign needs single quotes, or the shell takes it apart: '$5.00'.

    \b
    Examples:
      fleet budget extend dev-1 10m
      fleet budget extend --select "state:lim role:developer" 1h
      fleet budget extend fleet '$20.00' --window day
      fleet budget extend fleet 20usd --window day --sign ~/.ssh/id_ed25519.pub
    """
    try:
        given, number = parse_amount(amount)
    except ValueError as error:
        raise UsageError("not an amount", str(error), HOW_TO_WRITE) from None
    if number == 0:
        raise UsageError("amount missing", f"{amount!r} adds nothing", HOW_TO_WRITE)
    more = {"amount": number, "unit": given or unit, "window": window, "reason": reason}

    def signed(args: dict[str, Any]) -> dict[str, Any]:
        return signing.signed(batch.repo, {**args, **more}, sign, signature)

    scopes = [_scope(name) for name in batch.selection.names]
    others = [scope for scope in scopes if scope[0] != "agent"]
    if others:
        _extend_other(batch, scopes, signed)
        return
    if signature is not None and not batch.alone:
        raise UsageError("one signature for several", "what is signed names one budget", "name one agent")
    agents = replace(batch, selection=replace(batch.selection, names=tuple(name for _, name in scopes)))
    agents.ask(
        "extend_budget",
        lambda name: signed({"scope": "agent", "name": name, "agent": name}),
        f"add {amount} to the budget of",
    )


def _scope(text: str) -> tuple[str, str]:
    """``("role", "developer")``; a name alone is an agent's."""
    kind, colon, name = text.partition(":")
    return (kind, name) if colon else ("fleet", "fleet") if text == "fleet" else ("agent", text)


def _extend_other(
    batch: Batch, scopes: Sequence[tuple[str, str]], signed: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Of what is no agent: one at a time, and nothing is selected.

    Raises:
        UsageError: something else was named as well, or it was asked for what goes with agents only.
    """
    (kind, name), *more = scopes
    if more or batch.selection != Selection(batch.selection.names[:1]):
        raise UsageError("two things at once", f"{kind}:{name}, and more", "one scope that is no agent's at a time")
    if batch.dry_run or batch.as_json:
        raise UsageError("not of this scope", "--dry-run and --json go with agents", "leave them out")
    act(batch.repo, "extend_budget", signed({"scope": kind, "name": name}))
