"""Screen 2: where the keys go, which evidence counts, and a diff that stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.states import RiskBand
from fleet_tui.tui.commands import Act
from fleet_tui.tui.present import approvals as present
from fleet_tui.tui.present import strips
from fleet_tui.tui.screens.approvals import ApprovalsScreen
from fleet_tui.tui.theme import choose
from fleet_widgets.diff_view import DiffView
from tests.tui.conftest import approval, config, running
from tests.tui.tui_support import opened

SECOND = 1_000_000_000


async def looking(app: Any, pilot: Any, until: Any) -> None:
    await pilot.press("2")
    await until(lambda: isinstance(app.screen, ApprovalsScreen) and bool(app.screen.diff.files))
    await pilot.pause()


def marked(shown: str, sign: str) -> list[str]:
    """The titles with the mark of the focus, wherever on their row they begin."""
    parts = [row.split(f"{sign} ", 1)[1] for row in shown.splitlines()[2:-2] if f"{sign} " in row]
    return [part.split("  ")[0].split(" ─")[0].split(" -")[0] for part in parts]


@pytest.mark.parametrize(("ascii_boxes", "sign"), [(False, "▌"), (True, ">")])
async def test_one_pane_carries_the_mark_of_the_focus(
    fleet: Any, until: Any, text: Any, ascii_boxes: bool, sign: str
) -> None:
    look = choose("grey", {}, ascii_boxes=ascii_boxes)
    app = fleet.room(look=look)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None)
        await looking(app, pilot, until)
        rule = "-" if ascii_boxes else "─"
        for pane, others in (
            ("diff ccccccc", ("waiting for you 2", "what")),
            ("waiting for you 2", ("diff ccccccc", "what")),
            ("what", ("diff ccccccc", "waiting for you 2")),
        ):
            await until(lambda pane=pane: f"{sign} {pane}" in text(app))
            assert not any(f"{sign} {other}" in text(app) for other in others)
            assert all(f"{rule} {other}" in text(app) for other in others)
            await pilot.press("tab")


async def test_the_mark_stays_in_view_when_the_evidence_is_scrolled(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until, (120, 24)) as (app, pilot):
        await looking(app, pilot, until)
        await pilot.press("tab", "tab", "G")
        await until(lambda: "▌ " in text(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("tabs", [0, 1, 2])
async def test_the_keys_of_the_diff_work_from_every_pane(
    fleet: Any, until: Any, tabs: int, size: tuple[int, int]
) -> None:
    lines = [["+", None, number, f"line {number}"] for number in range(1, 60)]
    hunks = [{"header": f"@@ -{at} +{at} @@", "lines": lines} for at in (1, 500)]
    facts = {"old_path": None, "status": "A", "binary": False, "hunks": hunks}
    files = [{**facts, "path": path} for path in ("a.py", "b.py", "c.py")]
    fleet.answers["diff"] = {"files": files}
    async with opened(fleet, until, size) as (app, pilot):
        await looking(app, pilot, until)
        await pilot.press(*["tab"] * tabs)
        diff = app.screen.query_one(DiffView)
        for key, path in (("]", "b.py"), ("]", "c.py"), ("[", "b.py")):
            await pilot.press(key)
            await until(lambda path=path: diff.path == path)
        await pilot.press("}", "}")
        await until(lambda: "hunk 2/2" in app.screen.diff.position)
        await pilot.press("{")
        await until(lambda: "hunk 1/2" in app.screen.diff.position)
        await pilot.press("space")
        await until(lambda: "b.py" in app.screen.diff.seen_paths() and diff.path == "c.py")
        assert app.message == ""


async def test_what_counts_stands_above_what_is_stale(fleet: Any, until: Any, text: Any) -> None:
    fleet.add(
        ev.draft(ev.PullRequestApproved(1, "qa", "run-qa", "tester", "a" * 40, "of the head before"), "pr:1"),
        ev.draft(ev.PullRequestApproved(1, "aa", "run-aa", "tester", "c" * 40, "of this head"), "pr:1"),
        ev.draft(ev.GateStarted("gate-0", "lint", 1, "f" * 40, "a" * 40, "b" * 40, "make lint"), "pr:1"),
        ev.draft(ev.GatePassed("gate-0", "lint", 1, "f" * 40, 10, 0, "l", ""), "pr:1"),
        ev.draft(ev.GateStarted("gate-9", "e2e", 1, "d" * 40, "c" * 40, "b" * 40, "make e2e"), "pr:1"),
        ev.draft(ev.GatePassed("gate-9", "e2e", 1, "d" * 40, 10, 0, "l", ""), "pr:1"),
    )
    async with opened(fleet, until, (120, 70)) as (app, pilot):
        await looking(app, pilot, until)
        shown = text(app)
        assert "gates 2/2  reviews 2/2" in shown
        assert shown.index("+ unit") < shown.index("+ e2e") < shown.index("~ lint")
        assert shown.index("reviewer rev") < shown.index("tester aa") < shown.index("tester qa")
        await pilot.press("1", "enter")
        await until(lambda: "1 AGENT" in text(app))
        shown = text(app)
        assert shown.index("aa         pass @ccccccc") < shown.index("qa         STALE @aaaaaaa")
        assert shown.index("gate e2e") < shown.index("gate lint  STALE @aaaaaaa")


async def freeze(app: Any, world: Any, until: Any) -> None:
    await world.server.close()
    app.feed.poke()
    await until(lambda: app.picture.health.missed > 0)
    world.offset_ns = 47 * SECOND
    app.screen.tick()


async def thaw(app: Any, world: Any, until: Any) -> None:
    await world.serve()
    app.feed.poke()
    await until(lambda: app.picture.health.missed == 0)


async def test_a_diff_that_is_here_stays_while_the_watcher_is_away(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await looking(app, pilot, until)
        await pilot.press("w")
        await until(lambda: app.screen.diff.shown == (2, "c" * 40, "b" * 40) and bool(app.screen.diff.files))
        await freeze(app, fleet, until)
        await pilot.press("r")
        await pilot.pause()
        assert app.screen.query_one(DiffView).dimmed
        assert "key = pick()" in text(app)
        await pilot.press("tab", "k")
        await until(lambda: app.screen._chosen == "apr-1-c")
        assert "key = pick()" in text(app)
        await thaw(app, fleet, until)
        await pilot.press("A")
        await until(lambda: app.screen.strip.request is not None)


async def test_a_diff_that_is_not_here_comes_when_the_watcher_is_back(fleet: Any, until: Any, text: Any) -> None:
    async with opened(fleet, until) as (app, pilot):
        await freeze(app, fleet, until)
        await pilot.press("2")
        await until(lambda: "comes when the watcher is back" in text(app))
        assert "file 0/0" not in text(app)
        await thaw(app, fleet, until)
        await until(lambda: "key = pick()" in text(app))
        assert not app.screen.query_one(DiffView).dimmed


async def test_the_first_approval_that_comes_to_an_empty_screen_is_shown(world: Any, until: Any, text: Any) -> None:
    world.add(config({"dev-1": "developer", "rev": "reviewer"}))
    world.add(*running(1, "dev-1", "developer", "Add paging"))
    async with opened(world, until) as (app, pilot):
        await pilot.press("2")
        await until(lambda: isinstance(app.screen, ApprovalsScreen) and "nothing waits" in text(app))
        world.add(*approval(1, 1, "dev-1", world.now_ns()))
        await until(lambda: bool(app.screen.diff.files))
        await until(lambda: "A approve" in text(app))
        first = app.screen.card()
        assert first.approval.pr == 1
        world.add(*approval(2, 1, "dev-1", world.now_ns(), head="e"))
        await until(lambda: len(app.screen.cards()) == 2)
        assert app.screen.card().id == first.id, "who looks at one is not moved to another"


async def test_a_small_screen_and_the_dialog_tell_why_more_must_be_typed(fleet: Any, until: Any, text: Any) -> None:
    why = ("policy: every merge needs a person", "touches .github/workflows/ci.yml", "risk 30 MEDIUM")
    async with opened(fleet, until, (60, 16)) as (app, pilot):
        await pilot.press("2")
        await until(lambda: isinstance(app.screen, ApprovalsScreen) and app.screen.card() is not None)
        card = app.screen.card()
        risky = replace(
            card,
            approval=replace(card.approval, reasons=why),
            pull_request=replace(card.pull_request, risk=30, risk_band=RiskBand.MEDIUM),
        )
        (row,) = present.card_item(risky, 0, wide=False).lines
        assert "".join(span.text for span in row).index("risk 30 MEDIUM, sensitive") < 12
        app.screen.ask(strips.approve(risky, (), (), 10), Act("approve", {}, "approve", "PR 1"))
        await pilot.pause()
        told = [span.text for line in app.screen.strip.request.lines for span in line]
        assert [line for line in told if "Because" in line] == [f" Because: {reason}" for reason in why]
        assert app.screen.strip.request.confirm == "yes"
        assert "once typed     Esc or empty Enter cancels" in text(app)
