"""``fleet agents`` says what the wall says: its words, the reason, and instants that a program can read."""

from __future__ import annotations

import json
from typing import Any

from fleet_tui.domain import events as ev
from fleet_tui.readmodel.queries import read_snapshot

_AGENT = {
    "role": "developer", "vendor": "x", "model": None, "enabled": True, "max_concurrent": 1, "department": None,
    "reports_to": None, "subscribes_to": ["ticket_ready"], "budget_s": None,
}  # fmt: skip


def test_it_is_the_wall_s(shop: Any, terminal: Any) -> None:
    agents = [{"name": name, **_AGENT} for name in ("cy", "di", "ed")]
    shop.add(ev.draft(ev.ConfigLoaded("0" * 64, "v-1", [*agents, {"name": "fi", **_AGENT, "enabled": False}]), "fleet"))
    for name in ("cy", "di"):
        shop.add(ev.draft(ev.RunQueued(f"run-{name}", name, "developer", "x", None, "note"), f"run:run-{name}"))
    reason = "cannot start: x is not on PATH; install it"
    shop.add(
        ev.draft(ev.RunStateChanged("run-cy", "queued", "rule", reason), "run:run-cy"),
        ev.draft(ev.AgentPaused("di", "by hand"), "agent:di"),
    )
    tiles = {tile.name: tile for tile in read_snapshot(shop.store.reader, 1 << 60).tiles}
    rows = {row["name"]: row for row in json.loads(terminal("agents", "--json"))}
    assert {name: row["state"] for name, row in rows.items()} == {"cy": "ERR", "di": "PAUS", "ed": "IDLE", "fi": "OFF"}
    assert {name: row["state"] for name, row in rows.items()} == {name: tile.doing for name, tile in tiles.items()}
    assert (rows["cy"]["reason"], rows["cy"]["since_ns"]) == (reason, tiles["cy"].since_ns)
    assert rows["ed"]["since_ns"] is None
    assert reason in terminal("agents")
