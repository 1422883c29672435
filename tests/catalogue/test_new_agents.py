"""An agent made from a template: what is filled in, what is written, and that nothing is written over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.catalogue.agent import NewAgent, Wanted, compose, defaults, free_name, usual_vendor
from fleet_tui.catalogue.amount import budget_in_words, read_budget
from fleet_tui.catalogue.conventions import Found, conventions
from fleet_tui.catalogue.marks import fill, marks, odd_braces
from fleet_tui.catalogue.read import read_catalogue
from fleet_tui.catalogue.write import write_agent
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.settings.budgets import OwnBudget
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.schema import Settings

KNOWN = {"test": Found("make check", "gate test")}


def made(repository: Path, settings: Settings, **said: Any) -> NewAgent:
    entry = read_catalogue(repository, settings).get(str(said.pop("template", "developer")))
    return compose(entry, Wanted("sam", **said), settings, KNOWN)


# -- marks and budgets -------------------------------------------------------------------------------------------------


def test_marks_are_filled_once_and_by_one_line() -> None:
    prompt = "a {{one}} {{ two }} {{one}}"
    assert marks(prompt) == ("one", "two")
    assert fill(prompt, {"one": "{{two}}", "two": "x\n# Orders\x1b[2J"}) == "a {{two}} x # Orders {{two}}"
    assert odd_braces("{{a}} {{ B }} rest") == "{{ B }} rest"
    assert odd_braces("{a} {{a}}") == ""


@pytest.mark.parametrize(
    ("text", "unit", "ceiling", "window"),
    [
        ("2h a day", "seconds", 7200, "day"),
        ("$6.00 a week", "money", 6_000_000, "week"),
        ("90m", "seconds", 5400, "total"),
        ("500k/Day", "tokens", 500_000, "day"),
        ("20 turns per week", "turns", 20, "week"),
    ],
)
def test_budgets_in_words(text: str, unit: str, ceiling: int, window: str) -> None:
    budget = read_budget(text)
    assert budget is not None
    assert (budget.unit, budget.ceiling, budget.window) == (unit, ceiling, window)


@pytest.mark.parametrize("text", ["5", "a day", "0h", "much", "2h a year", "2h a day; rm"])
def test_what_is_no_budget_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="budget not understood"):
        read_budget(text)


@given(
    unit=st.sampled_from(["seconds", "tokens", "money", "turns"]),
    ceiling=st.integers(1, 10**12),
    window=st.sampled_from(["total", "week", "day"]),
)
def test_a_budget_in_words_says_it_exactly(unit: str, ceiling: int, window: str) -> None:
    budget = OwnBudget(unit=unit, ceiling=ceiling, window=window)
    assert read_budget(budget_in_words(budget)) == budget


def test_no_budget() -> None:
    assert read_budget("none") is None
    assert budget_in_words(None) == "none"


# -- what is known -----------------------------------------------------------------------------------------------------


def test_the_configuration_goes_before_what_files_look_like(repository: Path, settings: Settings) -> None:
    (repository / "Makefile").write_text("test:\n\ttrue\nbuild:\n\ttrue\n")
    (repository / "pyproject.toml").write_text("[tool.ruff]\n[tool.pytest.ini_options]\n")
    (repository / "docs").mkdir()
    known = conventions(repository, settings)
    assert known["test"] == ("make check", "gate test")
    assert known["build"] == ("make build", "Makefile")
    assert known["language"].value == "Python"
    assert known["docs"].value == "docs/"
    assert known["dependencies"].value == "pyproject.toml"
    assert known["lint"].value.endswith("-m ruff check .")


@pytest.mark.parametrize(
    ("files", "language", "dependencies"),
    [
        (("pubspec.yaml",), "Dart", "pubspec.yaml"),
        (("build.sbt",), "Scala", "build.sbt"),
        (("global.json", "Directory.Packages.props"), "C#", "Directory.Packages.props"),
        (("package.json", "composer.json"), "PHP", "package.json, composer.json"),
        (("Gemfile", "package.json", "bin/rails"), "Ruby", "package.json, Gemfile"),
        (("Gemfile", "package.json"), "JavaScript", "package.json, Gemfile"),
    ],
)
def test_languages_are_known_by_their_files(
    repository: Path, settings: Settings, files: tuple[str, ...], language: str, dependencies: str
) -> None:
    for file in files:
        (repository / file).parent.mkdir(exist_ok=True)
        (repository / file).write_text("{}\n")
    known = conventions(repository, settings)
    assert (known["language"].value, known["dependencies"].value) == (language, dependencies)


def test_looking_starts_no_program(repository: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    python = repository / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\ntouch {repository}/started\n")
    python.chmod(0o755)
    assert conventions(repository, Settings())["test"].value.startswith(str(python))
    assert not (repository / "started").exists()


# -- composing ---------------------------------------------------------------------------------------------------------


def test_defaults_are_filled_in_and_told_where_from(repository: Path, settings: Settings) -> None:
    entry = read_catalogue(repository, settings).get("developer")
    assert defaults(entry.template, KNOWN)["test_command"] == ("make check", "gate test")
    agent = made(repository, settings)
    assert "`make check`" in agent.prompt
    assert "{{" not in agent.prompt
    assert "## What this role never does\n\n- reviews, approves or merges" in agent.prompt
    assert 'vendor: "codex"' in agent.text
    assert '  - {unit: seconds, ceiling: "4h", window: day}' in agent.text


def test_what_nothing_fills_must_be_said(repository: Path, settings: Settings) -> None:
    entry = read_catalogue(repository, settings).get("developer")
    with pytest.raises(UsageError, match="The command that runs the tests"):
        compose(entry, Wanted("sam"), settings, {})
    agent = compose(entry, Wanted("sam", fills={"test_command": "make t"}), settings, {})
    assert "`make t`" in agent.prompt
    with pytest.raises(UsageError, match="has no colour"):
        compose(entry, Wanted("sam", fills={"colour": "red"}), settings, KNOWN)


def test_what_is_said_counts(repository: Path, settings: Settings) -> None:
    agent = made(
        repository,
        settings,
        vendor="gemini",
        model='x" y',
        budget="$6.00 a week",
        tickets=(4,),
        subscribes=("note",),
    )
    place = repository / ".fleet" / "agents"
    place.mkdir()
    (place / "sam.yaml").write_text(agent.text + "prompt: Do it.\n")
    sam = load_settings(repository, environ={}).require().agent("sam")
    assert (sam.vendor, sam.model, sam.tickets, sam.subscribes_to) == ("gemini", 'x" y', (4,), ("note",))
    assert budget_in_words(sam.budgets[0]) == "$6.00 a week"


def test_names_and_vendors(settings: Settings) -> None:
    assert free_name("Cron drift!", ["dev"]) == "cron-drift"
    assert free_name("dev", ["dev", "dev-2"]) == "dev-3"
    assert free_name("ä", []) == "work"
    assert usual_vendor(settings, "developer") == "codex"
    assert usual_vendor(Settings(), "developer") == "claude-code"


# -- writing -----------------------------------------------------------------------------------------------------------

AGENT = NewAgent("sam", "a/b", "role: developer\n", "Do it.\n")


def files(repository: Path) -> dict[str, str]:
    found = (path for path in (repository / ".fleet").rglob("*") if path.is_file())
    return {str(path.relative_to(repository)): path.read_text() for path in found}


def test_two_new_files_and_nothing_else_changes(repository: Path) -> None:
    before = files(repository)
    write_agent(repository, AGENT)
    new = {".fleet/agents/sam.yaml": "role: developer\n", ".fleet/prompts/sam.md": "Do it.\n"}
    assert files(repository) == before | new


def test_what_is_there_is_never_written_over(repository: Path) -> None:
    write_agent(repository, AGENT)
    (repository / ".fleet/prompts/kim.md").write_text("mine")
    before = files(repository)
    with pytest.raises(Conflict, match=r"agents/sam\.yaml"):
        write_agent(repository, NewAgent("sam", "a/b", "role: qa\n", "Other.\n"))
    with pytest.raises(Conflict, match=r"prompts/kim\.md"):
        write_agent(repository, NewAgent("kim", "a/b", "role: qa\n", "Other.\n"))
    assert files(repository) == before


def test_a_prompt_left_behind_by_a_crash_is_taken_up(repository: Path) -> None:
    write_agent(repository, AGENT)
    (repository / ".fleet/agents/sam.yaml").unlink()
    write_agent(repository, AGENT)
    assert (repository / ".fleet/agents/sam.yaml").exists()


def test_when_the_second_file_cannot_be_written_the_first_goes(repository: Path) -> None:
    (repository / ".fleet" / "agents").write_text("in the way")
    before = files(repository)
    with pytest.raises(FleetError, match="cannot be written"):
        write_agent(repository, AGENT)
    assert files(repository) == before


def test_a_directory_that_leads_out_of_the_repository_is_refused(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository / ".fleet" / "agents").symlink_to(outside)
    with pytest.raises(Conflict, match="outside"):
        write_agent(repository, AGENT)
    assert list(outside.iterdir()) == []
    assert not (repository / ".fleet/prompts/sam.md").exists()
