"""`fleet cost`: tokens by kind, money with its source, under any heading."""

from __future__ import annotations

import json
from typing import Any

from fleet_tui.domain import events as ev

RUN_1, RUN_2 = "run-1m8cd90nymf0wb8wp", "run-1m8cd90nymf0wb8wq"


def fill(shop: Any) -> None:
    def used(
        run: str, agent: str, model: str, counts: tuple[int, int, int, int], cost: int | None, source: str
    ) -> ev.Draft:
        reasoning = 7 if source == "vendor" else None
        said = ev.UsageReported(run, agent, model, *counts, cost, source, reasoning_tokens=reasoning)
        return ev.draft(said, f"run:{run}")

    shop.add(
        ev.draft(ev.RunQueued(RUN_1, "ada", "developer", "x", None, "ticket_ready", 3), f"run:{RUN_1}"),
        ev.draft(ev.RunQueued(RUN_2, "bob", "developer", "x", None, "note"), f"run:{RUN_2}"),
        used(RUN_1, "ada", "sonnet", (1_500, 40, 3_000, 200), 1_234_567, "vendor"),
        used(RUN_1, "ada", "sonnet", (500, 60, 0, 0), 2_000, "table"),
        used(RUN_2, "bob", "odd\x1b[31m", (10, 5, 0, 0), None, "unknown"),
    )


def test_tokens_by_kind_and_money_by_source(shop: Any, terminal: Any) -> None:
    fill(shop)
    shown = [line.split() for line in terminal("cost").splitlines()]
    assert shown[0][:2] == ["AGENT", "REQUESTS"]
    assert shown[1][:8] == ["ada", "2", "2,000", "3,000", "200", "100", "7", "~$1.236567"]
    assert " ".join(shown[1][8:]) == "price list $0.002000, the vendor $1.234567"
    assert shown[2] == ["bob", "1", "10", "0", "0", "5", "-", "unknown", "nobody"]
    assert shown[3][:8] == ["total", "3", "2,010", "3,000", "200", "105", "7", "~$1.236567"]
    text = terminal("cost", "--by", "model")
    assert "1 request without a price: add to `prices:` in the configuration: odd" in text
    assert "\x1b" not in text


def test_few_of_many_models_without_a_price_are_named(shop: Any, terminal: Any) -> None:
    shop.add(
        *(
            ev.draft(ev.UsageReported(RUN_1, "ada", f"{n:02}-{'x' * 190}", 1, cost_source="unknown"), f"run:{RUN_1}")
            for n in range(40)
        )
    )
    last = terminal("cost").splitlines()[-1]
    assert last.startswith("40 requests without a price: add to `prices:` in the configuration: 00-x")
    assert last.endswith(" and 35 more")
    assert len(last) < 600


def test_json_has_exact_figures_and_null_for_what_is_unknown(shop: Any, terminal: Any) -> None:
    fill(shop)
    data = json.loads(terminal("cost", "--by", "ticket", "--since", "1h", "--json"))
    on_ticket, on_none = data["groups"]
    assert (on_ticket["ticket"], on_ticket["microusd"]) == (3, 1_236_567)
    assert on_ticket["microusd_by_source"] == {"vendor": 1_234_567, "table": 2_000}
    assert (on_none["ticket"], on_none["microusd"], on_none["tokens"]["reasoning"]) == (None, None, None)
    assert data["total"]["microusd"] == 1_236_567
    assert data["total"]["requests_of_unknown_cost"] == 1
    assert data["since_ns"] % 3_600_000_000_000 == 0
    for by in ("agent", "model", "day", "run"):
        found = json.loads(terminal("cost", "--by", by, "--json"))
        assert sum(group["requests"] for group in found["groups"]) == found["total"]["requests"] == 3


def test_nothing_was_metered(shop: Any, terminal: Any) -> None:
    shop.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"))
    assert terminal("cost").strip() == "no request was metered"
    assert json.loads(terminal("cost", "--json"))["total"]["microusd"] == 0


def test_what_was_broken_off_is_unknown_and_no_nothing(shop: Any, terminal: Any) -> None:
    said = ev.UsageReported(RUN_1, "ada", "sonnet", cost_source="untold", request="r")
    shop.add(ev.draft(said, f"run:{RUN_1}"))
    shown = [" ".join(line.split()) for line in terminal("cost").splitlines()]
    assert shown[1] == "ada 1 0 0 0 0 - unknown nobody"
    assert shown[-1] == "1 request broken off: what they used nobody says, and it is not in the sums"
    fill(shop)
    assert "~$1.236567 + unknown" in terminal("cost")
    found = json.loads(terminal("cost", "--json"))["total"]
    assert (found["requests"], found["requests_of_unknown_use"], found["requests_of_unknown_cost"]) == (4, 1, 1)
