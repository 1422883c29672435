"""``fleet agent explain``, ``logs`` and ``evidence``: from a quarantine to what was kept of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from tests.cli.conftest import Shop

REF = "refs/fleet/backup/ticket-1-0123456789ab"
BASE = "b" * 40


@pytest.fixture
def contained(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """``dev`` was contained in its second run, which still lives; its first one ended well."""
    dev = {"name": "dev", "role": "developer", "vendor": "shell", "enabled": True}
    shop.add(ev.draft(ev.ConfigLoaded("sha", "p1", [dev], []), "fleet"))
    for run in ("r1", "r2"):
        queued = ev.RunQueued(run, "dev", "developer", "shell", None, "ticket_ready", 1)
        started = ev.RunStarted(run, run, "f" * 32, "/w", "fleet/1", BASE, "L0", 1, "d" * 64)
        shop.add(ev.draft(queued, f"run:{run}"), ev.draft(started, f"run:{run}"))
        if run == "r1":
            shop.add(ev.draft(ev.RunFinished(run, "finished", 0, None, 1000), f"run:{run}"))
    shop.add(
        ev.draft(ev.AgentQuarantined("dev", "a key", "risk", 2), "agent:dev"),
        ev.draft(ev.EvidenceKept("r2", "dev", "quarantine-r2-x", 7, "s" * 64, REF), "run:r2"),
    )
    folder = shop.paths.evidence / "quarantine-r2-x"
    folder.mkdir(parents=True)
    (folder / "diff.patch").write_text("== A conf.py\n")
    shop.paths.run_output("r1").write_text("harmless\n")
    monkeypatch.chdir(shop.repository)
    return shop


def run(*words: str) -> Result:
    return CliRunner().invoke(fleet, words)


def test_the_evidence_is_found_from_the_agent(contained: Shop) -> None:
    explained = run("agent", "explain", "dev").output
    assert "evidence of r2: fleet agent evidence dev" in explained
    told = run("agent", "evidence", "dev").output
    assert str(contained.paths.evidence / "quarantine-r2-x") in told
    assert "diff.patch" in told
    assert f"git --git-dir {contained.paths.control} diff {BASE[:12]} {REF}" in told
    facts = json.loads(run("agent", "evidence", "dev", "--json").output)
    assert (facts["run"], facts["backup_ref"]) == ("r2", REF)
    assert json.loads(run("agent", "explain", "dev", "--json").output)["evidence"] == facts


def test_the_last_ended_run_is_not_taken_for_the_contained_one(contained: Shop) -> None:
    shown = run("agent", "logs", "dev").output
    assert "r2 is held and has not ended" in shown
    assert "fleet agent evidence dev" in shown


def test_removed_evidence_and_no_evidence_are_said(contained: Shop) -> None:
    (contained.paths.evidence / "quarantine-r2-x" / "diff.patch").unlink()
    (contained.paths.evidence / "quarantine-r2-x").rmdir()
    assert "removed since" in run("agent", "evidence", "dev").output
    with pytest.raises(Conflict):
        CliRunner().invoke(fleet, ("agent", "evidence", "dev", "--run", "r1"), catch_exceptions=False)


@pytest.mark.parametrize("typed", ["0.00", ".00", "$x"])
def test_an_amount_that_the_shell_took_apart_is_told_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.chdir(shop.repository)
    done = CliRunner().invoke(fleet, ["budget", "extend", "fleet", typed])
    assert isinstance(done.exception, UsageError)
    assert "single quotes" in done.exception.hint
    assert str(done.exception).count("not an amount") <= 1


def test_stopping_with_agents_fails_when_nobody_can_end_them(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.repository)
    assert CliRunner().invoke(fleet, ["watcher", "stop", "--with-agents"]).exit_code == 0
    shop.paths.run_dir("run-1").mkdir(parents=True)
    monkeypatch.setattr("fleet_tui.watcher.spawn.runner_alive", lambda run_dir: run_dir.name == "run-1")
    done = CliRunner().invoke(fleet, ["watcher", "stop", "--with-agents"])
    assert isinstance(done.exception, FleetError)
    assert "run-1" in done.exception.message


def test_a_copy_of_the_database_is_verified_by_itself(shop: Shop, tmp_path: Path) -> None:
    shop.add(ev.draft(ev.FleetHalted("look", []), "fleet"))
    shop.store.close()
    copy = tmp_path / "copy.db"
    shutil.copy(shop.paths.database, copy)
    shutil.copy(shop.paths.database.with_name("anchors.log"), tmp_path / "anchors.log")
    done = CliRunner().invoke(fleet, ["audit", "verify", "--db", str(copy)])
    assert done.exit_code == 0, done.output
    with closing(sqlite3.connect(copy)) as db:
        db.execute("DELETE FROM event WHERE seq = 1")
        db.commit()
    done = CliRunner().invoke(fleet, ["audit", "verify", "--db", str(copy)])
    assert done.exit_code == 1
    assert "WRONG event 1: has a body but no event" in done.output


def test_agents_as_json_say_how_full_their_contexts_are(contained: Shop) -> None:
    (before,) = json.loads(run("agents", "--json").output)
    assert before["context"] is None, "what nobody said is unknown"
    contained.add(ev.draft(ev.ContextFilled("r2", "dev", 124_000, 200_000, "statusline"), "run:r2"))
    (row,) = json.loads(run("agents", "--json").output)
    known = {"used_tokens": 124_000, "window_tokens": 200_000, "percent": 62, "source": "statusline"}
    assert row["context"] == known
    contained.add(ev.draft(ev.ContextFilled("r2", "dev", 500, None, "chat"), "run:r2"))
    (row,) = json.loads(run("agents", "--json").output)
    assert row["context"] == {"used_tokens": 500, "window_tokens": None, "percent": None, "source": "chat"}


def test_who_has_no_ended_run_is_sent_where_there_is_something_to_see(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.repository)
    agents = [{"name": name, "role": "developer", "vendor": "shell", "enabled": True} for name in ("dev", "pat")]
    shop.add(ev.draft(ev.ConfigLoaded("sha", "p1", agents, []), "fleet"))
    queued = ev.RunQueued("r1", "dev", "developer", "shell", None, "ticket_ready", 1)
    started = ev.RunStarted("r1", "r1", "f" * 32, "/w", "fleet/1", BASE, "L0", 1, "d" * 64)
    shop.add(ev.draft(queued, "run:r1"), ev.draft(started, "run:r1"))
    hints = [
        error.hint for name in ("dev", "pat") if isinstance(error := run("agent", "logs", name).exception, Conflict)
    ]
    assert hints == ["fleet agent output dev", "fleet agent explain pat"]
