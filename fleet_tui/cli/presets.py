"""What ``fleet init`` shows of presets: all of them, and the fleet that one of them makes, with what it may spend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleet_tui.catalogue import founding, preset
from fleet_tui.catalogue.amount import budget_in_words
from fleet_tui.catalogue.read import Catalogue
from fleet_tui.catalogue.signs import Look
from fleet_tui.catalogue.template import COST
from fleet_tui.cli.common import count, print_json, print_table, say
from fleet_tui.domain.text import one_line


def list_presets(weighed: Sequence[preset.Proposal], look: Look, catalogue: Catalogue, *, as_json: bool) -> None:
    """Print every preset as it would be for this repository, the proposed one first."""
    rows = [_facts(one, founding.places(one.preset, look, catalogue), proposed=one is weighed[0]) for one in weighed]
    _, problems = preset.read_presets()
    if as_json:
        print_json({"presets": rows, "problems": [str(problem) for problem in problems]})
        return
    cells = [
        ("*" if row["proposed"] else "", row["name"], len(row["agents"]), row["at_most"], row["purpose"])
        for row in rows
    ]
    print_table(("", "PRESET", "AGENTS", "AT MOST", "WHO"), cells, empty="no preset can be read")
    say(f"* proposed here: {one_line(preset.reason(weighed[0]), 400)}")
    for problem in problems:
        say(f"cannot be used: {one_line(str(problem), 1000)}", err=True)


def _facts(one: preset.Proposal, fleet: Sequence[founding.Place], *, proposed: bool) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.preset.title,
        "purpose": one.preset.purpose,
        "proposed": proposed,
        "points": one.points,
        "seen": list(one.seen),
        "at_most": founding.at_most(fleet),
        "source": one.source,
        "agents": [
            {
                "name": place.name,
                "template": place.entry.id,
                "role": place.entry.template.role,
                "lens": place.entry.template.lens,
                "cost": COST[place.entry.template.model.tier],
                "budget": budget_in_words(place.entry.template.budget),
            }
            for place in fleet
        ],
    }


def show_fleet(proposal: preset.Proposal, fleet: Sequence[founding.Place], *, chosen: bool) -> None:
    """Say what will be written before it is: who, why, and what all of it may spend at the most."""
    facts = _facts(proposal, fleet, proposed=True)
    why = "as asked" if chosen else preset.reason(proposal)
    say(f"preset {proposal.name} ({one_line(facts['title'])}): {one_line(why, 400)}")
    cells = [(a["name"], a["template"], a["role"], a["cost"], a["budget"]) for a in facts["agents"]]
    print_table(("AGENT", "TEMPLATE", "ROLE", "COST", "BUDGET"), cells, empty="nobody")
    together = f"at most {facts['at_most']} for {count(len(fleet), 'agent')} together"
    say(f"{together}: ceilings of run time or turns; what that costs in money depends on the model")
