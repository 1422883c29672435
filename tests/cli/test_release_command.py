"""``fleet release check``: JSON with every reason; exit code 0 or 1."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.bus import operator
from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from tests.cli.conftest import Shop

REASON = {"ground": "checks", "message": "gate test: failed", "where": "fleet"}


@pytest.fixture
def opened(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop.add(
        ev.draft(ev.PullRequestCreated(1, 1, "T", "", "b", "main", "dev", "r", "a" * 40, "b" * 40, 1, 1, 0), "pr:1")
    )
    monkeypatch.chdir(shop.repository)
    return shop


@pytest.mark.parametrize(("reasons", "code"), [([], 0), ([REASON], 1)])
def test_the_answer_is_json_and_the_code_is_the_answer(
    opened: Shop, monkeypatch: pytest.MonkeyPatch, reasons: list[dict[str, str]], code: int
) -> None:
    asked: list[Any] = []

    def answer(socket: Any, op: str, args: dict[str, Any], limit: float, **_: Any) -> dict[str, Any]:
        asked.append((op, args))
        return {"pr": 1, "ready": not reasons, "reasons": reasons}

    monkeypatch.setattr(operator, "call", answer)
    done = CliRunner().invoke(fleet, ["release", "check", "PR1"])
    assert done.exit_code == code
    assert json.loads(done.output)["reasons"] == reasons
    assert asked == [("release_check", {"pr": 1})]


def test_without_a_watcher_it_is_no(opened: Shop) -> None:
    done = CliRunner().invoke(fleet, ["release", "check", "1"])
    told = json.loads(done.output)
    assert (done.exit_code, told["ready"], told["reasons"][0]["ground"]) == (1, False, "unknown")
