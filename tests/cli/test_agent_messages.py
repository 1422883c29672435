"""`fleet agent messages`: how far each came, and why it waits; foreign text as plain text."""

from __future__ import annotations

import json

import pytest

from fleet_tui.domain.events import ConfigLoaded, MessageDelivered, MessageSent, RunQueued, draft
from fleet_tui.paths import FleetPaths
from fleet_tui.store.store import Store
from tests.cli.conftest import Shop
from tests.cli.test_template_commands import Run, run

__all__ = ["run"]


@pytest.fixture(autouse=True)
def sent(shop: Shop) -> None:
    """Two messages to an agent, one of which waits."""
    paths = FleetPaths.of(shop.repository)
    paths.create()
    store = Store.open(paths.database, host="here", blobs=paths.blobs)
    agent: dict[str, object] = {"name": "dev", "role": "developer", "vendor": "codex", "model": None, "enabled": True}
    agent |= {"max_concurrent": 1, "department": None, "reports_to": None, "subscribes_to": [], "budget_s": 1}
    events = [
        ConfigLoaded("sha", "v", [agent], []),
        RunQueued("r1", "dev", "developer", "codex", None, "by hand"),
        MessageSent("m1", "r1", "message", "first \x1b[31m"),
        MessageDelivered("m1", "r1", "taken_up", "hook"),
        MessageSent("m2", "r1", "message", "second"),
        MessageDelivered("m2", "r1", "queued", "waits: a dialog is open in its pane"),
    ]
    for event in events:
        store.append([draft(event, "fleet", actor="operator:kim")]).result(5)
    store.close()


def test_the_newest_first_with_its_reason(run: Run) -> None:
    rows = json.loads(run("agent", "messages", "dev", "--json").stdout)
    assert [(row["id"], row["state"], row["reason"]) for row in rows] == [
        ("m2", "queued", "waits: a dialog is open in its pane"), ("m1", "taken_up", "hook")
    ]  # fmt: skip
    told = run("agent", "messages", "dev").stdout
    assert "waits: a dialog is open in its pane" in told
    assert "\x1b" not in told


def test_of_nobody(run: Run) -> None:
    assert run("agent", "messages", "nobody").returncode == 2
