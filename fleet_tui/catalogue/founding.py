"""A fleet begun from a preset: its agents, what they may spend at the most, and their files. Pure but for looking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fleet_tui.catalogue.agent import NewAgent, Wanted, compose, defaults
from fleet_tui.catalogue.conventions import Found
from fleet_tui.catalogue.preset import Preset
from fleet_tui.catalogue.read import Catalogue
from fleet_tui.catalogue.signs import Look
from fleet_tui.catalogue.template import Entry
from fleet_tui.catalogue.write import agent_path, prompt_path
from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.text import one_line
from fleet_tui.settings.schema import Settings

_WINDOWS = {"day": " a day", "week": " a week", "total": " in all"}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the fleet: the agent's name and its template; ``counted`` where the number of such is chosen."""

    name: str
    entry: Entry
    counted: bool = False


def places(preset: Preset, look: Look, catalogue: Catalogue, count: int | None = None) -> tuple[Place, ...]:
    """The agents of ``preset`` for the repository; ``count``: so many authors instead of the preset's number.

    Raises:
        UsageError: a template that it names is not there.
    """
    found: list[Place] = []
    for member in preset.agents:
        other = next((one.template for one in member.instead if look.why(one)), None)
        entry = catalogue.get(other or member.template)
        if member.count is None:
            found.append(Place(member.name, entry))
        else:
            names = (f"{member.name}-{number}" for number in range(1, (count or member.count) + 1))
            found += (Place(name, entry, True) for name in names)
    return tuple(found)


def at_most(fleet: Sequence[Place]) -> str:
    """What all of them may spend together at the most: ``19h10 and 60 turns a day``."""
    sums: dict[str, dict[str, int]] = {}
    for place in fleet:
        budget = place.entry.template.budget
        assert isinstance(budget.ceiling, int)
        units = sums.setdefault(budget.window, {})
        units[budget.unit] = units.get(budget.unit, 0) + budget.ceiling
    told = (
        " and ".join(show_amount(unit, amount) for unit, amount in sorted(units.items())) + _WINDOWS[window]
        for window, units in sums.items()
    )
    return ", ".join(told)


def unknown(fleet: Sequence[Place], known: Mapping[str, Found]) -> dict[str, str]:
    """The marks of their prompts that nothing is known of, and what one would ask about each."""
    return {
        mark: place.entry.template.fill_ins[mark].ask
        for place in fleet
        for mark, found in defaults(place.entry.template, known).items()
        if not one_line(found.value)
    }


def agents(
    fleet: Sequence[Place], vendor: str, settings: Settings, known: Mapping[str, Found], fills: Mapping[str, str]
) -> Iterator[NewAgent]:
    """The agents as they will be written; ``fills`` is what stands for marks that nothing is known of.

    Raises:
        UsageError: a mark stays empty.
    """
    for place in fleet:
        empty = unknown([place], known)
        own = {mark: fills[mark] for mark in empty if mark in fills}
        yield compose(place.entry, Wanted(place.name, vendor=vendor, fills=own), settings, known)


def files(made: Sequence[NewAgent]) -> dict[str, str]:
    """Their files by path, each prompt before what makes it an agent."""
    return {
        path: text
        for one in made
        for path, text in ((prompt_path(one.name), one.prompt), (agent_path(one.name), one.text))
    }
