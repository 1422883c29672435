"""`fleet vendor`: what is configured, what is there, and what works with it."""

from __future__ import annotations

import asyncio
import json

import pytest

from fleet_tui.domain.events import ScreenUnmatched, draft
from fleet_tui.paths import FleetPaths
from fleet_tui.store.store import Store
from tests.cli.conftest import Shop
from tests.cli.test_template_commands import Run, run

__all__ = ["run"]


@pytest.fixture(autouse=True)
def configured(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.configure(
        "version: 1\nagents:\n"
        "  - {name: dev, role: developer, vendor: codex, prompt: Do it.}\n"
        "  - {name: rev, role: reviewer, vendor: scripted, prompt: Do it.}\n"
    )
    program = shop.repository.parent / "home" / "codex"
    program.write_text("#!/bin/sh\necho codex-cli 0.300.1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


def test_what_works_with_each(run: Run) -> None:
    rows = {row["name"]: row for row in json.loads(run("vendor", "list", "--json").stdout)}
    assert (rows["codex"]["found"], rows["codex"]["version"], rows["codex"]["agents"]) == (True, None, ["dev"])
    assert rows["codex"]["capabilities"]["permission"] == "hold"
    assert rows["claude-code"]["capabilities"]["permission"] == "relay"
    assert rows["aider"]["capabilities"]["guard"] == "none", "what nobody built is not claimed"
    table = run("vendor", "list").stdout
    assert next(line for line in table.splitlines() if line.startswith("codex")).split()[2:6] == [
        "found", "closed", "hold", "live"
    ]  # fmt: skip


def test_one_in_words_with_a_version_that_nobody_tried(run: Run) -> None:
    told = run("vendor", "show", "codex").stdout
    assert "codex: codex, codex-cli 0.300.1" in told
    assert "version 0.300.1 was not tried; 0.169.0 was" in told
    assert "its hook waits until you answer in the room" in told
    assert "the key Escape" in told
    assert "limit      read in its own files" in told
    assert "playbooks  installed as skills" in told
    assert "limit      seen on its screen alone" in run("vendor", "show", "gemini").stdout
    assert "playbooks  in its prompt" in run("vendor", "show", "opencode").stdout


def test_the_rules_for_its_screens_and_what_is_wrong_with_ones_own(run: Run, shop: Shop) -> None:
    own = shop.repository / ".fleet" / "detection"
    own.mkdir()
    (own / "codex.yaml").write_text("rules: {mine: {priority: 999, pattern: '(a+)+', state: working}}\n")
    known = json.loads(run("vendor", "show", "codex", "--json").stdout)["detection"]
    assert known["files"] == ["config/detection/common.yaml", "config/detection/codex.yaml"]
    first = known["rules"][0]
    assert (first["name"], first["region"], first["dialog"]) == ("trust-folder", "below-input", "trust")
    told = run("vendor", "show", "codex").stdout
    assert ".fleet/detection/codex.yaml:1:40: warning: rules.mine.pattern: a group may not be repeated" in told
    assert ".fleet/detection/codex.yaml:1:40" in run("doctor").stdout


async def unmatched(shop: Shop, *versions: str) -> None:
    paths = FleetPaths.of(shop.repository)
    paths.create()
    store = Store.open(paths.database, host="here", blobs=paths.blobs)
    for version in versions:
        await store.record(draft(ScreenUnmatched("run-1", "dev", "codex", version), "run:run-1"))
    store.close()


def test_screens_that_no_rule_knew_are_counted_by_version(run: Run, shop: Shop) -> None:
    asyncio.run(unmatched(shop, "0.169.0", "0.170.0", "0.170.0"))
    known = json.loads(run("vendor", "show", "codex", "--json").stdout)["detection"]["unmatched"]
    assert known == [{"version": "0.169.0", "screens": 1}, {"version": "0.170.0", "screens": 2}]
    assert "0.170.0: 2 screen(s) that no rule knew" in run("vendor", "show", "codex").stdout
    assert "codex: 3 screens that no rule knew" in run("doctor").stdout


def test_one_that_is_not_configured(run: Run) -> None:
    done = run("vendor", "show", "nope")
    assert done.returncode == 2
    assert "vendors: claude-code" in done.stderr
