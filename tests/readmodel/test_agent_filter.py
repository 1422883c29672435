"""The filter of the wall: which agents it lets through, and what it says about what it cannot read."""

from __future__ import annotations

import pytest

from fleet_tui.domain.states import RiskBand
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.agent_filter import FIELDS, in_place, number_of, numbered, parse
from fleet_tui.readmodel.filters import FilterError
from fleet_tui.readmodel.values import AgentTile, Doing


def tile(name: str, role: str = "developer", doing: Doing = Doing.RUN, **changes: object) -> AgentTile:
    known = {
        "vendor": "claude-code", "model": None, "since_ns": 0, "source": "", "reason": one_line(""), "badge": 0,
        "badge_open": False, "run": None, "session": "", "pane_uuid": "", "more_runs": 0, "ticket": None,
        "ticket_title": one_line(""), "pr": None, "branch": one_line(""), "used_s": 0, "budgets": (),
        "quarantined": False, "paused": False,
    }  # fmt: skip
    return AgentTile(name=name, role=role, doing=doing, **{**known, **changes})  # type: ignore[arg-type]


TILES = (
    tile("dev-1", ticket=7, ticket_title=one_line("Add paging")),
    tile("dev-12", doing=Doing.ASK, risk=55, risk_band=RiskBand.HIGH),
    tile("qa-1", "qa", vendor="codex", model="gpt-5"),
    tile("qa-02", "qa", Doing.PAUSED, ticket=12, ticket_title=one_line("Rotate keys")),
    tile("lead", "qa-lead", Doing.WAIT, risk=90, risk_band=RiskBand.CRITICAL),
)


def names(text: str) -> list[str]:
    wanted = parse(text, TILES)
    return [one.name for one in TILES if wanted.matches(one)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["dev-1", "dev-12", "qa-1", "qa-02", "lead"]),
        ("dev", ["dev-1", "dev-12"]),
        ("PAGING", ["dev-1"]),
        ("#12", ["qa-02"]),
        ("role:qa", ["qa-1", "qa-02"]),
        ("role:qa-l", ["lead"]),
        ("role:q", ["qa-1", "qa-02", "lead"]),
        ("role:QA,developer", ["dev-1", "dev-12", "qa-1", "qa-02"]),
        ("role:qa state:paused", ["qa-02"]),
        ("state:ask,wait", ["dev-12", "lead"]),
        ("!state:run", ["dev-12", "qa-02", "lead"]),
        ("vendor:codex", ["qa-1"]),
        ("model:gpt", ["qa-1"]),
        ("risk:high", ["dev-12"]),
        ("risk:50", ["dev-12", "lead"]),
        ("risk:high,critical !role:qa-lead", ["dev-12"]),
        ("agent:dev-1", ["dev-1"]),
        ("agent:*-1,lead", ["dev-1", "qa-1", "lead"]),
        ("!agent:dev*", ["qa-1", "qa-02", "lead"]),
        ("role:qa*", ["qa-1", "qa-02", "lead"]),
        ("ticket:#7", ["dev-1"]),
        ('"rotate keys"', ["qa-02"]),
        ("nobody", []),
    ],
)
def test_who_matches(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("text", "says", "hint", "position"),
    [
        ("rol:qa", "there is no field 'rol'", "fields: agent, department, model, risk, role", 0),
        ("dev role:tester", "no agent has the role 'tester'", "roles: developer, qa, qa-lead", 4),
        ("model:opus", "no agent has the model 'opus'", "models: gpt-5", 0),
        ("state:busy", "there is no state 'busy'", "states: run, idle, ask", 0),
        ("risk:extreme", "there is no risk 'extreme'", "low, medium, high, critical, or the least number", 0),
        ("role:", "role: needs a value", "role:qa", 5),
        ("dev role=qa", "followed by a colon", "role:qa", 8),
        ("role:*x", "no agent has the role '*x'", "roles: developer, qa, qa-lead", 0),
        ("dev !", "nothing follows the !", "!dev-3", 4),
        ('dev ""', "nothing is in the quotation marks", "words of a name or title go there", 4),
        ('"open', "the quotation mark is not closed", "close it", 0),
        ("x" * 501, "at most 500 characters", "", 500),
    ],
)
def test_what_cannot_be_read_is_told(text: str, says: str, hint: str, position: int) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, TILES)
    assert says in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.position == position


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_has_an_example_that_can_be_read(field: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(f"{field}:", TILES)
    example = caught.value.hint.split(" ")[0]
    assert example.startswith(f"{field}:")
    other = tile("x", vendor="claude", model="opus", department=one_line("shop"), teams=("web",))
    parse(example, (*TILES, other))


def test_a_number_alone_is_a_place() -> None:
    assert [number_of(text) for text in ("12", " #12 ")] == [12, 12]
    assert [number_of(text) for text in ("dev-12", "role:qa 1", "", "\u0661\u0662")] == [None] * 4
    found = [numbered(TILES, number) for number in (7, 12, 2, 1, 3)]
    assert [one.name if one else None for one in found] == ["dev-1", "qa-02", "qa-02", "dev-1", None]
    assert numbered([tile("12")], 12) is not None
    begins = [tile("12-sdk"), tile("120-api"), tile("2-docs-12x")]
    assert [getattr(numbered(begins, number), "name", None) for number in (12, 1, 120)] == ["12-sdk", None, "120-api"]


@pytest.mark.parametrize(
    ("before", "matching", "after"),
    [
        ((), ["a", "b"], ("a", "b")),
        (("a", "b", "c"), ["a", "c"], ("a", None, "c")),
        (("a", None, "c"), ["a", "b", "c"], ("a", "b", "c")),
        (("b", "c"), ["a", "b", "c"], ("b", "c", "a")),
        (("a", "b"), [], (None, None)),
    ],
)
def test_a_place_is_kept_while_the_filter_stands(
    before: tuple[str | None, ...], matching: list[str], after: tuple[str | None, ...]
) -> None:
    assert in_place(before, matching) == after
