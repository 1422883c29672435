"""Two people in two rooms: who else is here, who decides on the same, and who was first."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.tui.presence import place
from fleet_tui.tui.present.frame import notes
from tests.tui.tui_support import armed, opened

KIM = {"who": "kim (pts/3)\x1b[31m", "looks_at": "apr-2-c", "decides": False}


async def told(app: Any, until: Any, fleet: Any, *others: dict[str, Any]) -> None:
    fleet.answers["status"] = {"pid": 1, "isolation": "L0", "others": list(others)}
    app.feed.poke()
    await until(lambda: len(app.picture.health.others) == len(others))


async def test_line_1_says_who_else_is_here(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, _):
        assert " here " not in text(app).splitlines()[0]
        await told(app, until, fleet, KIM)
        await until(lambda: " kim (pts/3) also here " in text(app).splitlines()[0])
        await told(app, until, fleet, KIM, {**KIM, "who": "pat"})
        await until(lambda: " 2 others here " in text(app).splitlines()[0])
        await told(app, until, fleet)
        await until(lambda: " here " not in text(app).splitlines()[0])


def test_where_it_is_narrow_only_how_many(fleet: Any) -> None:
    assert notes(only_looks=True, muted_ns=61_000_000_000, others=(1,), width=80) == (  # type: ignore[arg-type]
        "READ-ONLY",
        "MUTED 2m",
        "+1 here",
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_row_says_who_looks_and_who_decides(fleet: Any, until: Any, text: Any, size: tuple[int, int]) -> None:
    def row(app: Any, number: int) -> str:
        return str(next(line for line in text(app).splitlines() if f" PR {number} " in line))

    async with opened(fleet, until, size) as (app, pilot):
        await pilot.press("2")
        await told(app, until, fleet, KIM)
        await until(lambda: "kim (pts/3) looks" in row(app, 2))
        assert "kim" not in row(app, 1)
        await told(app, until, fleet, KIM, {**KIM, "who": "pat", "decides": True})
        await until(lambda: "pat DECIDES" in row(app, 2))
        await pilot.press("w", "R")
        await armed(app, until)
        assert text(app).count("pat DECIDES") == 2, "on the row and in the strip"


async def test_a_room_tells_what_it_looks_at_and_whether_a_strip_is_open(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        assert set(app.presence.args) == {"room", "place", "looks_at", "decides"}
        await pilot.press("2", "w")
        await until(lambda: app.presence.args["looks_at"] == "apr-2-c")
        assert not app.presence.args["decides"]
        await pilot.press("R")
        await armed(app, until)
        assert app.presence.args["decides"]
        await pilot.press("escape", "3")
        await until(lambda: app.presence.args["looks_at"] == "")
        assert not app.presence.args["decides"]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("reject", "already rejected by kim 4 s ago"), ("changes", "already sent back by kim 4 s ago")],
)
async def test_who_was_slower_is_told_who_was_first(
    fleet: Any, until: Any, text: Any, verdict: str, words: str
) -> None:
    async with opened(fleet, until) as (app, pilot):
        await pilot.press("2", "w", "R")
        await armed(app, until)
        denied = ev.ApprovalDenied("apr-2-c", 2, "operator:kim", verdict, "not now")
        fleet.add(ev.draft(denied, "pr:2", actor="operator:kim"))
        fleet.offset_ns = 4_000_000_000
        app.feed.poke()
        await until(lambda: f"CHANGED while you looked: {words}" in text(app))
        await pilot.press("y")
    assert fleet.calls == []


async def test_answers_of_another_form_are_no_people(fleet: Any, until: Any) -> None:
    async with opened(fleet, until) as (app, _):
        fleet.answers["status"] = {"others": ["x", 5, None, {"who": None}]}
        app.feed.poke()
        await until(lambda: [other.who for other in app.picture.health.others] == ["None"])
        fleet.answers["status"] = {"others": "many"}
        app.feed.poke()
        await until(lambda: app.picture.health.others == ())


def test_the_place_is_the_terminal_and_where_it_comes_from() -> None:
    assert place({"SSH_CONNECTION": "10.0.0.5 4711 10.0.0.1 22"}).endswith("from 10.0.0.5")
    assert "from" not in place({})
