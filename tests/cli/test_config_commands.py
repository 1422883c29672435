"""``fleet config`` as a program: what it prints and how it exits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.main import fleet
from fleet_tui.domain.errors import FleetError, UsageError

GOOD = "agents:\n  - {name: dev, role: developer}\ngates:\n  - {name: test, run: make test}\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".fleet" / "prompts").mkdir(parents=True)
    (tmp_path / ".fleet" / "prompts" / "dev.md").touch()
    (tmp_path / ".fleet" / "config.yaml").write_text(GOOD)
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-user-config"))
    return tmp_path


@pytest.fixture
def run() -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(fleet, ["config", *words])


def test_validate_a_good_one_from_below(root: Path, run: Callable[..., Result]) -> None:
    done = run("validate")
    assert done.exit_code == 0
    assert "ok: 1 agent, 1 gate, policy v-" in done.output
    assert "read: .fleet/config.yaml" in done.output


def test_validate_a_bad_one(root: Path, run: Callable[..., Result]) -> None:
    (root / ".fleet" / "config.yaml").write_text(GOOD + "limits:\n  max_running: six\npipelines: []\n")
    done = run("validate")
    assert done.exit_code == 1
    assert ".fleet/config.yaml:6:16: limits.max_running: expected a whole number, got text" in done.output
    assert "> 6 |   max_running: six\n    |                ^^^ limits.max_running" in done.output
    assert "1 error(s), 1 warning(s)" in done.output


def test_validate_as_json(root: Path, run: Callable[..., Result]) -> None:
    report = json.loads(run("validate", "--json").output)
    assert (report["ok"], report["problems"], report["files"]) == (True, [], [".fleet/config.yaml"])
    (root / ".fleet" / "config.yaml").write_text("versoin: 1\n")
    done = run("validate", "--json")
    assert done.exit_code == 1
    assert json.loads(done.output)["problems"] == [
        {
            "severity": "error",
            "file": ".fleet/config.yaml",
            "line": 1,
            "column": 1,
            "text": "versoin",
            "message": "unknown key `versoin`",
            "hint": "did you mean `version`?",
            "key": "versoin",
        }
    ]


def test_the_repository_can_be_named(root: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert run("validate", "--repo", str(root)).exit_code == 0
    outside = run("validate")
    assert isinstance(outside.exception, UsageError)
    assert outside.exception.exit_code == 2


def test_explain(root: Path, run: Callable[..., Result]) -> None:
    assert run("explain", "gates.test.run").output == (
        'gates.0.run = "make test"\n'
        "  from     .fleet/config.yaml:4\n"
        "  meaning  A line for `sh -c`, or a list of arguments.\n"
        "  type     text or list of text\n"
    )
    assert json.loads(run("explain", "reviews.required", "--json").output)["origin"] == "shipped"


def test_explain_what_is_not_there(root: Path, run: Callable[..., Result]) -> None:
    error = run("explain", "gates.tset").exception
    assert isinstance(error, FleetError)
    assert (error.exit_code, error.hint) == (2, "did you mean `test`?")
    assert run("explain").exit_code == 2


def test_the_schema_is_json_and_needs_no_repository(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert "agents" in json.loads(run("schema").output)["properties"]


@pytest.mark.parametrize("words", [(), ("validate",), ("explain",), ("schema",)])
def test_every_command_shows_an_example(run: Callable[..., Result], words: tuple[str, ...]) -> None:
    assert "Example" in run(*words, "--help").output


def test_capabilities_are_a_table_of_families_and_acts(root: Path, run: Callable[..., Result]) -> None:
    shown = run("explain", "capabilities")
    assert shown.exit_code == 0
    (verdict,) = [line for line in shown.output.splitlines() if line.startswith("pr_approved")]
    assert verdict.split()[:6] == ["pr_approved", "+", ".", ".", ".", "."]
    assert "not of its own work" in verdict
    assert "merge                   nobody" in shown.output
    found = json.loads(run("explain", "capabilities", "--json").output)
    families = {row["family"]: row["acts"] for row in found["families"]}
    assert families["author"]["pr_created"].startswith("yes")
    assert families["author"]["pr_approved"] == families["release"]["merge"] == "no"
    assert set(found["no_role"]) >= {"approve", "merge", "release from quarantine"}
