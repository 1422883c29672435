"""A team that is to be made: its members in words, the places that they take, and its file. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fleet_tui.catalogue.agent import NewAgent, Wanted, compose, free_name
from fleet_tui.catalogue.conventions import Found
from fleet_tui.catalogue.founding import Place, unknown
from fleet_tui.catalogue.read import Catalogue
from fleet_tui.domain.errors import UsageError
from fleet_tui.settings.schema import Settings

_MEMBER = re.compile(r"(?:(?P<name>[^=:,]+)=)?(?P<template>[^=:,]+)(?::(?P<count>[0-9]{1,2}))?\Z")
_MOST = 50


@dataclass(frozen=True, slots=True)
class Members:
    """So many agents of one template; ``name``: what they are called, None: as the template is."""

    template: str
    count: int = 1
    name: str | None = None


def read_members(text: str) -> tuple[Members, ...]:
    """``dev=backend-developer:2,security-reviewer``.

    Raises:
        UsageError: it says something else.
    """
    return tuple(_member(part.strip()) for part in text.split(",") if part.strip())


def _member(text: str) -> Members:
    match = _MEMBER.fullmatch(text)
    count = int(match["count"] or 1) if match is not None else 0
    if match is None or not 1 <= count <= _MOST:
        hint = "[NAME=]TEMPLATE[:COUNT], such as dev=backend-developer:2,security-reviewer"
        raise UsageError("--from not understood", text, hint)
    return Members(match["template"].strip(), count, match["name"].strip() if match["name"] else None)


def places_of(wanted: Sequence[Members], catalogue: Catalogue, taken: Collection[str]) -> tuple[Place, ...]:
    """Their agents: numbered where they are several; who is not called anything gets a free name.

    Raises:
        UsageError: there is no such template.
    """
    found: list[Place] = []
    for members in wanted:
        entry = catalogue.get(members.template)
        for number in range(1, members.count + 1):
            if members.name is None:
                name = free_name(entry.name, {*taken, *(place.name for place in found)})
            else:
                name = members.name if members.count == 1 else f"{members.name}-{number}"
            found.append(Place(name, entry))
    return tuple(found)


def agents_of(
    places: Sequence[Place],
    settings: Settings,
    known: Mapping[str, Found],
    said: Mapping[str, str],
    otherwise: Mapping[str, str],
    vendor: str | None = None,
    model: str | None = None,
) -> Iterator[NewAgent]:
    """The agents as they will be written. ``said`` fills marks whatever is known of them, ``otherwise`` those of which
    nothing is.

    Raises:
        UsageError: a mark that none of them has, or one that stays empty.
    """
    marks = {mark for place in places for mark in place.entry.template.fill_ins}
    odd = sorted(set(said) - marks)
    if odd:
        raise UsageError("nothing to fill in", f"no template of these has {', '.join(odd)}", _has(marks))
    for place in places:
        own = place.entry.template.fill_ins
        fills = {mark: otherwise[mark] for mark in unknown([place], known) if mark in otherwise}
        fills |= {mark: text for mark, text in said.items() if mark in own}
        yield compose(place.entry, Wanted(place.name, vendor=vendor, model=model, fills=fills), settings, known)


def _has(marks: Collection[str]) -> str:
    return f"they have: {', '.join(sorted(marks)) or 'none'}"


def team_text(team: str, agents: Sequence[str]) -> str:
    """The file; JSON texts are YAML texts."""
    return f"# Who is in the team {team}: `fleet team show {team}`.\nagents: {json.dumps(list(agents))}\n"
