"""``fleet handover``: the same note as the room's, as text and as JSON."""

from __future__ import annotations

import json
from typing import Any

from fleet_tui.domain import events as ev
from tests.cli.test_status_command import fill


def test_the_note_and_its_facts(shop: Any, terminal: Any) -> None:
    fill(shop)
    shop.add(ev.draft(ev.AlarmAcknowledged("alm-1", "operator:kim"), "agent:cy", actor="operator:kim"))
    note = terminal("handover", "--since", "2h")
    assert note.startswith("# Handover: ")
    assert "## Needs a person: " in note
    assert "(`fleet question answer qst-1 TEXT`)" in note
    assert "alarm_acknowledged" in note.partition("## Done by persons")[2]
    data = json.loads(terminal("handover", "--json"))
    assert {"needs", "agents", "alarms", "budgets", "landed", "by_persons", "since_ns"} <= data.keys()
    assert "fleet question answer qst-1 TEXT" in {one["command"] for one in data["needs"]}
    assert data["by_persons"][-1]["actor"] == "operator:kim"


def test_a_wrong_time_is_refused(shop: Any, terminal: Any) -> None:
    fill(shop)
    assert "--since not understood" in terminal("handover", "--since", "soon")
