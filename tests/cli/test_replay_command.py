"""``fleet replay`` on what ``fleet audit export`` wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import draft
from tests.cli.conftest import Shop


def test_without_a_terminal_the_end_of_the_recording_is_told(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = ev.TicketBlocked(3, "the spec is missing")
    created = ev.TicketCreated(3, "One", "", "0" * 64, [], [], 3)
    shop.add(draft(created, "ticket:3"), draft(blocked, "ticket:3"))
    monkeypatch.chdir(shop.repository)
    recording = tmp_path / "events.jsonl"
    recording.write_text(CliRunner().invoke(fleet, ["audit", "export"]).output)
    monkeypatch.chdir(tmp_path)  # no repository and no fleet is needed
    for log in (recording, shop.paths.database):
        done = CliRunner().invoke(fleet, ["replay", str(log)])
        assert done.exit_code == 0, done.output
        assert "BLOCKED ticket #3: the spec is missing" in done.output


def test_what_is_no_recording_is_refused_in_a_sentence(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("hello")
    done = CliRunner().invoke(fleet, ["replay", str(tmp_path / "x.txt")])
    assert isinstance(done.exception, FleetError)
    assert done.exception.title == "this is no recording"
