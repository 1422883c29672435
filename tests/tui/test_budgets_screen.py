"""Screen 6: where every budget stands, and the keys that extend one or pause who spends from it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.amounts import MICRO
from fleet_tui.domain.spending import Rule, window_start_ns
from fleet_tui.tui.screens.budgets import BudgetsScreen
from tests.tui.tui_support import armed, opened

RULES = (
    Rule("fleet", "*", "money", 60 * MICRO, "day"),
    Rule("agent", "dev-1", "money", 5 * MICRO),
    Rule("agent", "dev-2", "seconds", 7200),
    Rule("role", "developer", "tokens", 1_000_000, "week"),
    Rule("ticket", "*", "turns", 100),
)


def configured(*rules: Rule) -> ev.Draft:
    agents: list[dict[str, Any]] = [
        {"name": name, "role": "developer", "vendor": "claude-code", "model": None, "enabled": True,
         "max_concurrent": 1, "department": None, "reports_to": None, "subscribes_to": []}
        for name in ("dev-1", "dev-2", "dev-3", "spare")
    ]  # fmt: skip
    return ev.draft(ev.ConfigLoaded("1" * 64, "v-1234567890ab", agents, [rule.as_dict() for rule in rules]), "fleet")


def usage(number: int, dollars: float, source: str = "vendor", tokens: int = 1000) -> ev.Draft:
    run, cost = f"run-dev-{number}-{number}", round(dollars * MICRO) if source != "unknown" else None
    reported = ev.UsageReported(run, f"dev-{number}", "m", tokens, cost_microusd=cost, cost_source=source, turn=1)
    return ev.draft(reported, f"run:{run}")


@pytest.fixture
async def spending(fleet: Any) -> Any:
    """dev-1 at 90 %, part of it without a price; dev-2 far from its end."""
    fleet.add(configured(*RULES), usage(1, 4.5), usage(1, 0, "unknown"), usage(2, 1.0, "table", 400_000))
    start_ns = window_start_ns("total", fleet.now_ns())
    warned = ev.BudgetWarning("agent", "dev-1", "money", "total", start_ns, 4 * MICRO, 5 * MICRO)
    fleet.add(ev.draft(warned, "agent:dev-1"))
    return fleet


def names(app: Any) -> list[str]:
    return [item.key.rsplit(":", 4)[0] for item in app.screen.query_one("#budgets").items]


async def test_u9_one_key_shows_what_it_cost_and_how_long_it_lasts(spending: Any, until: Any, text: Any) -> None:
    async with opened(spending, until) as (app, pilot):
        await pilot.press("6")
        await until(lambda: isinstance(app.screen, BudgetsScreen))
        await pilot.pause()
        shown = text(app)
        row = next(row for row in shown.splitlines() if row.startswith(">"))
        assert " ".join(row.split()).startswith("> agent dev-1 $4.50 + unknown of $5.00")
        assert "90%" in row
        assert "/h" in row
        assert "ticket #1" in shown
        assert "fleet a day" in shown
        assert "~$5.50 + unknown of $60.00" in shown
        assert "limits     money in all: at most $5.00" in shown
        assert "prices     unknown for part of it, and not counted as 0" in shown
        assert re.search(r"warned     \d\d:\d\d:\d\d UTC, \d+s ago", shown)
        assert "used up    not yet" in shown
        assert "$4.50 + unknown  dev-1 #1 running" in shown


async def test_sorting_is_asked_for_and_the_selection_is_the_budget(spending: Any, until: Any) -> None:
    async with opened(spending, until) as (app, pilot):
        await pilot.press("6")
        await pilot.pause()
        first = names(app)
        assert first[0] == "agent:dev-1"
        spending.add(usage(2, 0), usage(3, 50.0))
        app.feed.poke()
        seq = spending.store.reader.last_seq()
        await until(lambda: app.screen._read_at[0] == seq)
        assert names(app) == first, "nothing moves by itself"
        await pilot.press("comma", "comma")
        await until(lambda: "sorted by name" in app.message)
        assert names(app) == sorted(first)
        assert app.screen.query_one("#budgets").selected.startswith("agent:dev-1:")


async def test_an_amount_is_typed_and_old_and_new_are_shown(spending: Any, until: Any, text: Any) -> None:
    async with opened(spending, until) as (app, pilot):
        await pilot.press("6", "B")
        await armed(app, until)
        assert "EXTEND THE BUDGET OF agent dev-1" in text(app)
        await pilot.press(*"10m", "tab", *"yes", "enter")
        await pilot.pause()
        assert "this budget counts money: write it like $5.00" in text(app)
        await pilot.press("backspace", "backspace", "backspace", *"$2.50")
        await pilot.pause()
        assert "old $5.00, new $7.50" in text(app)
        await pilot.press("tab", "enter")
        await until(lambda: len(spending.calls) == 1)
        ((op, args),) = spending.calls
        assert (op, args["scope"], args["name"], args["amount"]) == ("extend_budget", "agent", "dev-1", 2_500_000)
        assert (args["unit"], args["window"]) == ("money", "total")


async def test_a_strip_is_void_when_somebody_extends_meanwhile(spending: Any, until: Any) -> None:
    async with opened(spending, until) as (app, pilot):
        await pilot.press("6", "B")
        strip = await armed(app, until)
        more = ev.BudgetExtended("", 0, "by hand", "agent", "dev-1", "money", "total", 0, MICRO)
        spending.add(ev.draft(more, "agent:dev-1"))
        app.feed.poke()
        await until(lambda: strip._state is not None and strip._state.field == "changed")
        await pilot.press(*"$1", "tab", *"yes", "enter")
        assert spending.calls == []


async def test_p_pauses_the_agent_of_the_row_and_enter_opens_it(spending: Any, until: Any) -> None:
    async with opened(spending, until) as (app, pilot):
        await pilot.press("6", "P")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: [(op, args["agent"]) for op, args in spending.calls] == [("pause", "dev-1")])
        await pilot.press("enter")
        await until(lambda: getattr(app.screen, "_agent", "") == "dev-1")
        await pilot.press("6")
        rows = [item.key for item in app.screen.query_one("#budgets").items]
        app.screen.query_one("#budgets").select(next(key for key in rows if key.startswith("role:")))
        await pilot.press("enter")
        await until(lambda: "only the budget of an agent or a run" in app.message)
        await pilot.press("P")
        await until(lambda: "no agent is selected" in app.message)


async def test_without_a_budget_it_says_how_to_set_one(world: Any, until: Any, text: Any) -> None:
    world.add(configured())
    async with opened(world, until, (80, 24)) as (app, pilot):
        await pilot.press("6")
        await pilot.pause()
        assert "nothing limits anybody: add `budgets:`" in text(app)
        assert "dev-1" in text(app)
        await pilot.press("B")
        await until(lambda: "no budget is selected" in app.message)


async def test_small_screens_show_the_detail_with_tab(spending: Any, until: Any, text: Any) -> None:
    async with opened(spending, until, (60, 16)) as (app, pilot):
        await pilot.press("6")
        await pilot.pause()
        assert "agent dev-1" in text(app)
        assert "budget of" not in text(app)
        await pilot.press("tab")
        await pilot.pause()
        app._tick()
        await pilot.pause()
        assert "budget of agent dev-1" in text(app)


async def test_b_on_an_agent_extends_its_own_budget_and_says_whose(spending: Any, until: Any, text: Any) -> None:
    spending.add(usage(3, 54.0))
    async with opened(spending, until) as (app, pilot):
        await until(lambda: app.screen.snapshot is not None)
        assert app.screen.here().tile.name == "dev-1"
        assert app.screen.here().tile.budget.rule.scope == "fleet", "the fullest one is everybody's"
        await pilot.press("B")
        await pilot.pause()
        assert "EXTEND THE BUDGET OF dev-1" in text(app)
        assert "Adds $2.50" in text(app)
        assert "more budgets: they are on screen 6" in text(app)


async def test_costs_of_what_a_budget_covers_under_any_heading(spending: Any, until: Any, text: Any) -> None:
    async with opened(spending, until, (120, 60)) as (app, pilot):
        await pilot.press("6")
        await until(lambda: isinstance(app.screen, BudgetsScreen))
        await pilot.pause()
        shown = text(app)
        assert "cost by model, 7 days" in shown
        assert "$4.50 + unknown  m  priced by the vendor $4.50, nobody 1 request" in shown
        assert "2 requests: fresh 2.0k, cache read 0, cache write 0, output 0" in shown
        await pilot.press("c")
        await until(lambda: "cost by day" in app.message or "costs by day" in app.message)
        assert "cost by day, 7 days" in text(app)
        rows = [item.key for item in app.screen.query_one("#budgets").items]
        app.screen.query_one("#budgets").select(next(key for key in rows if key.startswith("fleet:")))
        await pilot.press("c", "c")
        await until(lambda: "costs by agent" in app.message)
        await pilot.pause()
        shown = text(app)
        assert "$4.50 + unknown  dev-1" in shown
        assert "~$1.00  dev-2  priced by price list" in shown
        assert "~$5.50 + unknown  in all" in shown
