"""Line 1 at every width: what must not be overlooked is never what is cut."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from fleet_tui.domain.model import FleetRow
from fleet_tui.readmodel.values import Doing, FleetSummary, Health, Picture, Snapshot
from fleet_tui.store.projections.fleet import BLANK
from fleet_tui.store.rows import values
from fleet_tui.tui.present.frame import Frame, top_line
from fleet_widgets.lines import fit, text_of

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
TITLES = ["1 WALL", "1 AGENT", "2 APPROVALS", "5 EVENTS", "? KEYS"]
AGES = {"fresh": 0, "late": 5, "frozen": 41}


MANY = ((1, True, 2), (2, True, 3), (2, False, 1), (3, True, 12))


def shown(
    width: int,
    title: str,
    age_s: int,
    isolation: str = "L0",
    *,
    badges: tuple[tuple[int, bool, int], ...] = MANY,
    agents: int = 63,
    needs: int = 17,
) -> str:
    doing = tuple((word, 7) for word in Doing)
    summary = FleetSummary(agents, doing, needs, badges, ())
    row = replace(values(FleetRow, [BLANK])[0], isolation=isolation)
    snapshot = Snapshot(NOW, 1, row, summary, (), (), (), (), ())
    picture = Picture(snapshot, Health(NOW - age_s * SECOND, 0, ""))
    line = top_line(picture, Frame(title, width, NOW, 0, "activity"))
    return text_of(fit(line, width))


@pytest.mark.parametrize("age", list(AGES))
@pytest.mark.parametrize("title", TITLES)
def test_isolation_is_on_every_line_1(title: str, age: str) -> None:
    for width in range(60, 240):
        line = shown(width, title, AGES[age])
        assert len(line) == width
        assert " L0 " in line, (width, line)
        assert line.startswith(title)


def test_the_counts_of_an_ordinary_day_fit_60_columns() -> None:
    assert shown(60, "2 APPROVALS", 0, badges=((1, True, 1), (3, True, 2)), agents=5, needs=3) == (
        "2 APPROVALS 5 ag NEED YOU 3 [1!]1 <3!>2     L0 data ok 17:46"
    )


def test_wide_screens_have_room_for_the_word() -> None:
    assert "isolation L1 " in shown(120, "1 WALL", 0, "L1")
    assert "isolation L0   panes by activity " in shown(200, "1 WALL", 0)


def test_what_is_not_known_yet_is_not_claimed() -> None:
    assert not any(word in shown(width, "1 WALL", 0, "") for width in (60, 120, 200) for word in ("L0", "isolation"))


def test_a_frozen_line_keeps_its_age_at_60_columns() -> None:
    assert shown(60, "2 APPROVALS", 41) == "2 APPROVALS FROZEN: DATA 17:45:59, 41s AGO   L0 now 17:46:40"


WORDS = {
    "fresh": r"(63 ag(ents)?)?(: [\w ]+)?( +NEED YOU 17 ?)?( \[1!\]2)?( \(2!\)3)?( \(2\)1)?( <3!>12)?"
    r"( +(iso(lation)? )?L0 ?)?( +panes by activity ?)? +data ok( 17:46( UTC)?)?",
    "frozen": r"FROZEN(: ((LAST )?DATA 17:45:59, )?41s AGO)?( +(iso(lation)? )?L0 ?)?( +panes by activity ?)?"
    r"( +now 17:46:40( UTC)?)?",
}


@pytest.mark.parametrize("age", ["fresh", "frozen"])
@pytest.mark.parametrize("title", TITLES)
def test_fields_are_whole_or_not_there_and_never_run_into_one_another(title: str, age: str) -> None:
    for width in range(28, 240):
        line = shown(width, title, AGES[age])
        assert len(line) == width
        assert re.fullmatch(re.escape(f"{title:<12}") + WORDS[age] + " *", line), (width, line)


def test_a_small_terminal_keeps_who_needs_a_person_and_how_old_the_picture_is() -> None:
    assert shown(40, "1 WALL", 0) == "1 WALL       NEED YOU 17 [1!]2   data ok"
    assert shown(40, "1 WALL", 41) == "1 WALL      FROZEN: 41s AGO           L0"
