"""Rules as files: a person's own are laid over ours; one that cannot be used is told with its place and left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui import paths
from fleet_tui.vendors.rulefiles import read_rules
from fleet_tui.vendors.screens import Screen


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's directory of rules."""
    monkeypatch.setattr(paths, "user_config_file", lambda: tmp_path / "fleet" / "config.yaml")
    directory = tmp_path / "fleet" / "detection"
    directory.mkdir(parents=True)
    return directory


@pytest.mark.parametrize("name", sorted(path.stem for path in (paths.shipped_config() / "detection").glob("*.yaml")))
def test_what_ships_can_be_used(name: str) -> None:
    rules, problems = read_rules(name, name, None)
    assert problems == ()
    assert rules.rules
    assert [rule.priority for rule in rules.rules] == sorted((rule.priority for rule in rules.rules), reverse=True)


def test_a_persons_rules_are_laid_over_ours(own: Path) -> None:
    (own / "codex.yaml").write_text(
        "rules:\n"
        "  spinner: {disabled: true}\n"
        "  interrupt-hint: {pattern: 'brewing tea'}\n"
        "  mine: {priority: 999, region: screen, pattern: 'all is lost', state: dialog, dialog: login}\n"
    )
    rules, problems = read_rules("codex", "codex", None)
    assert problems == ()
    names = [rule.name for rule in rules.rules]
    assert names[0] == "mine"
    assert "spinner" not in names
    seen = rules.classify(Screen("brewing tea\n› \n"))
    assert seen is not None
    assert (seen.state, seen.rule) == ("working", "interrupt-hint")
    assert rules.where["mine"].endswith("codex.yaml:4")
    assert rules.where["update"] == "shipped"


def test_the_projects_count_before_the_persons(own: Path, tmp_path: Path) -> None:
    (own / "tool.yaml").write_text("rules: {a: {priority: 900, pattern: one, state: idle}}\n")
    project = tmp_path / "shop" / ".fleet" / "detection"
    project.mkdir(parents=True)
    (project / "tool.yaml").write_text("rules: {a: {pattern: two}}\n")
    rules, problems = read_rules("tool", "command", tmp_path / "shop")
    assert problems == ()
    assert rules.own
    assert rules.classify(Screen("one")) is None
    seen = rules.classify(Screen("two"))
    assert seen is not None
    assert (seen.rule, seen.state) == ("a", "idle")


@pytest.mark.parametrize(
    ("text", "place", "told", "hint"),
    [
        (
            "rules: {a: {priority: 1, pattern: '(x+)+', state: idle}}",
            ":1:35",
            "rules.a.pattern: a group may not",
            "`?`",
        ),
        ("rules:\n  a: {priority: 1, pattern: x, state: bored}", ":2:", "must be `working`", ""),
        ("rules:\n  a: {priority: 1, pattern: x, state: dialog}", ":2:", "belong together", "dialog: choice"),
        ("rules:\n  a: {priority: 1, patern: x, state: idle}", ":2:", "unknown key `patern`", "did you mean `pattern`"),
        ("rules: {a: {pattern: x, state: idle}}", ":1:", "`priority` is missing", "add `priority"),
        ("rules: [", ":1:", "never closed", "closing"),
        ("just words", ":1:1", "expected a map", "rules:"),
        ("lines: 500", ":1:8", "at most 60", "60"),
    ],
)
def test_a_broken_file_is_told_and_ours_are_used(own: Path, text: str, place: str, told: str, hint: str) -> None:
    shipped, _ = read_rules("codex", "codex", None)
    (own / "codex.yaml").write_text(text)
    rules, problems = read_rules("codex", "codex", None)
    assert [rule.name for rule in rules.rules] == [rule.name for rule in shipped.rules]
    shown = next(str(problem) for problem in problems if told in problem.message)
    assert f"codex.yaml{place}" in shown
    assert hint in shown
    assert "until then the rules without this file are used" in shown


def test_a_broken_file_of_the_project_leaves_the_persons_in_force(own: Path, tmp_path: Path) -> None:
    (own / "codex.yaml").write_text("rules: {mine: {priority: 999, pattern: tea, state: working}}\n")
    project = tmp_path / "shop" / ".fleet" / "detection"
    project.mkdir(parents=True)
    (project / "codex.yaml").symlink_to(own / "codex.yaml")
    rules, problems = read_rules("codex", "codex", tmp_path / "shop")
    assert [problem.file for problem in problems] == [".fleet/detection/codex.yaml"]
    assert "outside the repository" in problems[0].message
    assert rules.rules[0].name == "mine"
