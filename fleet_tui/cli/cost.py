"""``fleet cost``: what requests to models cost, in tokens and money, under any heading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.common import (
    count,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
    say,
    since_ns,
)
from fleet_tui.domain.costs import HEADINGS, By, Cost, grouped, priced_by, show_cost, total
from fleet_tui.domain.spending import window_start_ns
from fleet_tui.domain.text import one_line, some_names

_HEADER = ("REQUESTS", "FRESH", "CACHE READ", "CACHE WRITE", "OUTPUT", "REASONING", "COST", "PRICED BY")
_MOST_NAMES = 5
"""Models without a price that are named; the others are counted."""
_NO_HEADING: dict[By, str] = {"ticket": "(no ticket)", "model": "(not said)"}


@click.command()
@click.option("--by", type=click.Choice(HEADINGS), default="agent", help="Under which headings.  [default: agent]")
@click.option("--since", help="Only what was used since then: 30m, 24h, 7d; from the beginning of that hour on.")
@repo_option
@json_option
def cost(by: By, since: str | None, repo: Path | None, as_json: bool) -> None:
    """Tell what requests to models cost, in tokens and in money.

    REASONING is part of OUTPUT; `-` where no vendor says it. `~` marks money that a price list named. What nobody has
    a price for is unknown, and never counts as 0. Days are UTC.

    \b
    Examples:
      fleet cost
      fleet cost --by model --since 7d
      fleet cost --by day --json
    """
    start_ns = since_ns(since) or 0
    cells = open_reader(fleet_paths(repo)).costs(start_ns)
    groups, everything = grouped(cells, by), total(cells)
    if as_json:
        start = window_start_ns("hour", start_ns) or None
        facts = [{by: _key(by, heading), **_facts(found)} for heading, found in groups.items()]
        print_json({"by": by, "since_ns": start, "groups": facts, "total": _facts(everything)})
        return
    rows = [(heading or _NO_HEADING.get(by, "-"), *_cells(found)) for heading, found in groups.items()]
    table = [*rows, ("total", *_cells(everything))] if rows else []
    print_table((by.upper(), *_HEADER), table, empty="no request was metered")
    if everything.unpriced:
        models = [one_line(model, 80) or "(not said)" for model in everything.unpriced_models]
        names = some_names(models, _MOST_NAMES)
        say(f"{count(everything.unpriced, 'request')} without a price: add to `prices:` in the configuration: {names}")
    if everything.untold:
        say(f"{count(everything.untold, 'request')} broken off: what they used nobody says, and it is not in the sums")


def _key(by: By, heading: str) -> str | int | None:
    return (int(heading) if heading else None) if by == "ticket" else heading


def _facts(found: Cost) -> dict[str, Any]:
    return {
        "requests": found.requests,
        "tokens": {
            "fresh": found.fresh,
            "cache_read": found.cache_read,
            "cache_write": found.cache_write,
            "output": found.output,
            "reasoning": found.reasoning,
        },
        "microusd": found.microusd,
        "microusd_by_source": dict(found.by_source),
        "requests_of_unknown_cost": found.unpriced,
        "requests_of_unknown_use": found.untold,
        "models_of_unknown_cost": found.unpriced_models,
    }


def _cells(found: Cost) -> tuple[str, ...]:
    tokens = (found.fresh, found.cache_read, found.cache_write, found.output)
    reasoning = "-" if found.reasoning is None else f"{found.reasoning:,}"
    amounts = (f"{found.requests:,}", *(f"{number:,}" for number in tokens), reasoning)
    return (*amounts, show_cost(found, exact=True), priced_by(found, exact=True))
