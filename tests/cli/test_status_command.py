"""``fleet status`` and the room count the same things: both ask the read model."""

from __future__ import annotations

import json
from typing import Any

from fleet_tui.domain import events as ev
from fleet_tui.readmodel.queries import read_snapshot

SHA = "a" * 40


def fill(shop: Any) -> None:
    """An alarm about a run, a question, an approval, a held one, a blocked ticket with its alarm."""
    about = "run:run-1m8cd90nymf0wb8wp"
    shop.add(ev.draft(ev.RunQueued("run-1m8cd90nymf0wb8wp", "cy", "developer", "x", None, "ticket_ready"), about))
    shop.add(ev.draft(ev.AlarmRaised("alm-1", "turn", 2, "cy ended its turn", "look at it", about), about))
    shop.add(ev.draft(ev.Blocker("qst-1", "which one?", "run-1m8cd90nymf0wb8wp", "cy"), about))
    for number in (1, 2, 3):
        facts: tuple[Any, ...] = (f"T{number}", "", SHA, ["ready"], [], 0)
        pull_request = ev.PullRequestCreated(
            number, number, f"T{number}", "", "b", "main", "cy", "run-1m8cd90nymf0wb8wp", SHA, SHA, 1, 1, 1
        )
        asked = ev.ApprovalRequested(f"apr-{number}", number, number, SHA, SHA, SHA, "g", "p", ["policy"], 1 << 61)
        shop.add(
            ev.draft(ev.TicketCreated(number, *facts), f"ticket:{number}"),
            ev.draft(pull_request, f"pr:{number}"),
            ev.draft(asked, f"pr:{number}"),
        )
    shop.add(
        ev.draft(ev.ApprovalGranted("apr-2", 2, "operator:me", 1 << 61), "pr:2"),
        ev.draft(ev.ApprovalDenied("apr-3", 3, "operator:me", "reject", "no"), "pr:3"),
        ev.draft(ev.TicketBlocked(3, "rejected by operator:me: no"), "ticket:3"),
        ev.draft(ev.AlarmRaised("alm-3", "blocked", 3, "PR 3 waits for you", "unblock", "pr:3"), "pr:3"),
    )


def test_it_counts_and_names_what_the_room_does(shop: Any, terminal: Any) -> None:
    fill(shop)
    needs = read_snapshot(shop.store.reader, 1 << 60).needs
    shown = terminal("status")
    assert f"needs you: {len(needs)}" in shown
    assert [item.kind for item in needs] == ["alarm", "blocked", "approval", "held", "question"]
    for told in (
        "cy ended its turn  → look at it",
        "cy: ASK which one?  → fleet question answer qst-1 TEXT",
        "cy: APPROVE merge of PR 1 T1  → fleet approval show 1",
        "cy: HELD merge of PR 2 T2  → fleet approval undo 2",
        "BLOCKED ticket #3: rejected by operator:me: no  → fleet ticket unblock 3 --reason TEXT",
    ):
        assert told in shown
    assert "run-1m8cd90nymf0wb8wp" not in shown.split("needs you")[1].split("queued")[0]
    assert [item["id"] for item in json.loads(terminal("status", "--json"))["needs"]] == [item.id for item in needs]
