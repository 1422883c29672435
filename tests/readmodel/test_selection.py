"""Which agents an act is about: names, patterns, filter, teams; and what is told when that is nobody."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.readmodel.filters import FilterError
from fleet_tui.readmodel.selection import Selection, choose, require
from fleet_tui.readmodel.values import Doing
from tests.readmodel.test_agent_filter import tile

TILES = (
    tile("dev-1", teams=("web",)),
    tile("dev-2", doing=Doing.IDLE, teams=("web", "night")),
    tile("qa-1", "qa", Doing.IDLE, teams=("night",)),
    tile("lead", "tech-lead", Doing.ASK),
)


def names(**said: Any) -> list[str]:
    return [one.name for one in choose(Selection(**said), TILES)]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, ["dev-1", "dev-2", "qa-1", "lead"]),
        ({"everyone": True}, ["dev-1", "dev-2", "qa-1", "lead"]),
        ({"names": ("qa-1", "dev-1", "dev-1")}, ["dev-1", "qa-1"]),
        ({"names": ("dev-*", "lead")}, ["dev-1", "dev-2", "lead"]),
        ({"names": ("*-?",), "words": "state:idle"}, ["dev-2", "qa-1"]),
        ({"words": "role:developer state:idle"}, ["dev-2"]),
        ({"words": "team:web,night !dev-2"}, ["dev-1", "qa-1"]),
        ({"teams": ("web",)}, ["dev-1", "dev-2"]),
        ({"teams": ("web", "night")}, ["dev-2"]),
        ({"teams": ("web",), "names": ("dev-1", "qa-1")}, ["dev-1"]),
        ({"everyone": True, "but": ("dev-*",)}, ["qa-1", "lead"]),
        ({"words": "state:err"}, []),
    ],
    ids=str,
)
def test_who_is_chosen(said: dict[str, Any], found: list[str]) -> None:
    assert names(**said) == found


@pytest.mark.parametrize(
    ("said", "kind", "title", "hint"),
    [
        ({"names": ("dev-3",)}, UsageError, "no such agent", "did you mean `dev-2`?"),
        ({"names": ("web-*",)}, UsageError, "no such agent", "agents: dev-1, dev-2, qa-1, lead"),
        ({"everyone": True, "but": ("laed",)}, UsageError, "no such agent", "did you mean `lead`?"),
        ({"teams": ("we",)}, UsageError, "no such team", "teams: night, web"),
        ({"words": "role:tester"}, FilterError, "cannot read the filter", "roles: developer, qa, tech-lead"),
        ({"words": "role=qa"}, FilterError, "cannot read the filter", "role:qa"),
        ({"words": "team:x"}, FilterError, "cannot read the filter", "teams: night, web"),
        ({"names": ("lead",), "everyone": True}, UsageError, "two things at once", "--all"),
        ({}, UsageError, "nobody named", "--select"),
        ({"words": "state:err"}, Conflict, "nobody is selected", "agents: dev-1 (run), dev-2 (idle), qa-1 (idle)"),
    ],
    ids=str,
)
def test_nobody_is_an_error_that_says_who_there_is(
    said: dict[str, Any], kind: type[FleetError], title: str, hint: str
) -> None:
    with pytest.raises(kind) as refused:
        require(Selection(**said), TILES)
    assert refused.value.title == title
    assert hint in refused.value.hint


def test_only_names_that_are_written_out_select_nobody_unseen() -> None:
    assert Selection(("dev-1", "lead")).by_name
    for said in ({"names": ("dev-*",)}, {"names": ("a",), "teams": ("web",)}, {"everyone": True}, {"but": ("a",)}):
        assert not Selection(**said).by_name
