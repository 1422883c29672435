"""What the room shows, as plain lines and as JSON: the queue, the board, and short names for the lists."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.readmodel.queries import read_snapshot
from tests.cli.test_status_command import fill


def test_the_queue_is_the_room_s_with_reason_key_and_command(shop: Any, terminal: Any) -> None:
    fill(shop)
    effect = ev.AlarmRaised("alm-2", "spool", 3, "it is not heard", "look", "run:run-1m8cd90nymf0wb8wp", "alm-1")
    shop.add(ev.draft(effect, "run:run-1m8cd90nymf0wb8wp"))
    needs = read_snapshot(shop.store.reader, 1 << 60).needs
    shown = " ".join(terminal("queue").split())
    assert f"needs you: {len(needs)}, the most urgent first" in shown
    for told in (
        "1. P2 0s cy ended its turn why: an alarm that nobody has acknowledged; the first of 2; "
        "expected of you: look at it room: w, then a command: fleet alarm ack alm-1",
        "room: w, then T command: fleet ticket unblock 3 --reason TEXT",
        "cy: APPROVE merge of PR 1 T1 why: nothing lands before a person has decided; expires in",
        "room: w, then A or R or C command: fleet approval show 1",
        "room: w, then u command: fleet approval undo 2",
        "room: w, then m command: fleet question answer qst-1 TEXT",
    ):
        assert told in re.sub(r"P2 \d+s", "P2 0s", shown), told
    data = json.loads(terminal("queue", "--json"))
    assert [(one["place"], one["id"]) for one in data] == list(enumerate([item.id for item in needs], start=1))
    assert data[0]["keys"] == ["a"]
    assert data[0]["followers"] == 1


_RUN, _REASON = "run-1m8cd90nymf0wb8wp", "--reason TEXT"


_DECIDED = {
    ("quarantine", "agent:cy"): ("U", f"fleet agent release cy {_REASON}"),
    ("budget", "agent:cy"): ("B", f"fleet budget extend agent:cy AMOUNT {_REASON}"),
    ("budget", "fleet"): ("a", f"fleet budget extend fleet AMOUNT {_REASON}"),
    ("crash-loop", f"run:{_RUN}"): ("T", f"fleet ticket unblock 1 {_REASON}"),
    ("idle", f"run:{_RUN}"): ("m", "fleet agent message cy TEXT"),
    ("halt", "fleet"): ("!", "fleet halt --lift"),
    ("program", "vendor:x"): ("a", "fleet doctor"),
    ("usage-limit", "account:claude-code:3fa9c1d2"): ("T", f"fleet account resume claude-code:3fa9c1d2 {_REASON}"),
    ("land", "pr:1"): ("a", None),
}


def test_an_alarm_names_what_decides_it(shop: Any, terminal: Any) -> None:
    """To acknowledge it says that it was seen, and decides nothing."""
    queued = ev.RunQueued(_RUN, "cy", "developer", "x", None, "ticket_ready", ticket=1)
    shop.add(ev.draft(queued, f"run:{_RUN}"))
    for number, (rule, about) in enumerate(_DECIDED):
        shop.add(ev.draft(ev.AlarmRaised(f"alm-{number}", rule, 1, "look", "do", about), about))
    needs = {need["id"]: need for need in json.loads(terminal("queue", "--json"))}
    shown = terminal("queue")
    for number, (key, command) in enumerate(_DECIDED.values()):
        need, ack = needs[f"alm-{number}"], f"fleet alarm ack alm-{number}"
        assert (need["keys"], need["command"], need["seen_command"]) == ([key], command or ack, ack)
        assert (f"seen, and still to be decided: {ack}" in shown) == (command is not None)


def test_the_queue_knows_the_person_s_own_keys(shop: Any, terminal: Any) -> None:
    shop.configure("version: 1\nagents: []\nui: {keymap: {need.acknowledge: e}}\n")
    fill(shop)
    assert "room: w, then e" in terminal("queue")


def test_nothing_needs_anybody(shop: Any, terminal: Any) -> None:
    shop.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L0"), "fleet"))
    assert terminal("queue").strip() == "nothing needs you"
    assert json.loads(terminal("queue", "--json")) == []
    assert "no tickets" in terminal("board")


def test_the_board_says_who_has_what_and_who_has_to_move(shop: Any, terminal: Any) -> None:
    agent = {
        "name": "cy", "role": "developer", "vendor": "x", "model": None, "enabled": True, "max_concurrent": 2,
        "department": None, "reports_to": None, "subscribes_to": ["ticket_ready"], "budget_s": None,
    }  # fmt: skip
    shop.add(ev.draft(ev.ConfigLoaded("0" * 64, "v-1", [agent]), "fleet"))
    fill(shop)
    facts: tuple[Any, ...] = ("Write \x1b[31mdocs", "", "a" * 40, [], [], 0)
    shop.add(ev.draft(ev.TicketCreated(4, *facts), "ticket:4"), ev.draft(ev.TicketReady(4), "ticket:4"))
    shown = terminal("board")
    assert "\x1b" not in shown
    assert "READY 1\n" in shown
    assert "DEV 0/2" in shown
    assert "waits for you: rejected by operator:me: no" in shown
    assert "waits for an agent that is free" in shown
    assert "slowest: #1 in REVIEW" in shown
    data = json.loads(terminal("board", "--json"))
    assert [column["stage"] for column in data["stages"]] == ["READY", "DEV", "REVIEW", "GATES", "APPROVAL", "DONE"]
    assert data["slowest"] == 1
    (blocked,) = [card for column in data["stages"] for card in column["tickets"] if card["number"] == 3]
    assert (blocked["you"], blocked["agent"]) == (True, "cy")


@pytest.mark.parametrize(
    ("short", "long"),
    [("agents", ("agent", "list")), ("alarms", ("alarm", "list")), ("approvals", ("approval", "list"))],
)
def test_short_names(shop: Any, terminal: Any, short: str, long: tuple[str, ...]) -> None:
    fill(shop)
    assert json.loads(terminal(short, "--json")) == json.loads(terminal(*long, "--json"))


def test_alarms_are_listed_as_in_the_room(shop: Any, terminal: Any) -> None:
    far_ns = time.time_ns() + 3_600_000_000_000
    for name, priority, first in (("low", 3, None), ("gone", 2, None), ("head", 2, None), ("effect", 1, "head")):
        shop.add(ev.draft(ev.AlarmRaised(name, "x", priority, f"about {name}", "look", "fleet", first), "fleet"))
    shop.add(
        ev.draft(ev.AlarmShelved("low", "operator:kim", far_ns, "known"), "alarm:low"),
        ev.draft(ev.AlarmCleared("gone", "over"), "fleet"),
    )
    assert [one["id"] for one in json.loads(terminal("alarms", "--json"))] == ["head", "effect", "gone", "low"]
    assert "cleared unseen" in terminal("alarms")
