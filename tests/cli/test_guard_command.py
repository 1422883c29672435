"""``fleet guard``: the rules as a person reads and tries them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet
from fleet_tui.domain.errors import FleetError


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".fleet").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-user-config"))
    return tmp_path


def test_check_says_which_rule_and_exits_with_it() -> None:
    denied = CliRunner().invoke(fleet, ["guard", "check", "git -C . push origin main"])
    assert denied.exit_code == 1
    assert denied.output.startswith("deny by rule own-branch-only: ")
    allowed = CliRunner().invoke(fleet, ["guard", "check", "git push", "--json"])
    assert (allowed.exit_code, json.loads(allowed.output)["verdict"]) == (0, "allow")


def test_rules_of_the_project_come_first(root: Path) -> None:
    mine = "guard: {extra: [{id: mine, then: deny, reason: not here, programs: [make]}], disabled: [terminals]}\n"
    (root / ".fleet" / "config.yaml").write_text(mine)
    listed = json.loads(CliRunner().invoke(fleet, ["guard", "rules", "--json"]).output)
    assert listed[0] == {"id": "mine", "then": "deny", "reason": "not here", "programs": ["make"]}
    assert "terminals" not in {rule["id"] for rule in listed}
    assert "deny by rule mine: not here" in CliRunner().invoke(fleet, ["guard", "check", "make all"]).output
    assert "mine" in CliRunner().invoke(fleet, ["guard", "rules"]).output


def test_an_unknown_role_is_an_error_and_no_permission(root: Path) -> None:
    refused = CliRunner().invoke(fleet, ["guard", "check", "--role", "nosuch", "ls"])
    assert isinstance(refused.exception, FleetError)
    assert "nosuch" in refused.exception.message
    assert CliRunner().invoke(fleet, ["guard", "check", "--role", "backend-developer", "ls"]).exit_code == 0
    (root / ".fleet" / "config.yaml").write_text("agents: [{name: a, role: nosuch, prompt: Work.}]\n")
    assert CliRunner().invoke(fleet, ["guard", "check", "--role", "nosuch", "ls"]).exit_code == 0


def test_the_table_is_headed_with_the_keys_of_a_rule() -> None:
    assert CliRunner().invoke(fleet, ["guard", "rules"]).output.split()[:4] == ["ID", "THEN", "OFFENCE", "REASON"]
