"""Configurations of existing fleets are read as they stand; what has no counterpart is a warning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fleet_tui.settings.load import Loaded

if TYPE_CHECKING:
    from tests.settings.conftest import Repository

FLEETS = Path(__file__).parent / "field_fleets"


def load(repository: Repository, name: str) -> Loaded:
    for agent in ("backend-dev", "tech-lead", "qa", "release-manager", "cto", "docs", "sre"):
        repository.prompt(agent)
    return repository.load((FLEETS / f"{name}.yaml").read_text())


def test_a_chain_from_ticket_to_merge(repository: Repository) -> None:
    loaded = load(repository, "web_shop")
    settings = loaded.require()
    assert [(w.line, w.column, w.text) for w in loaded.problems] == [
        (18, 15, "../web-shop-backend-dev"),
        (26, 5, "subscription_gate"),
        (38, 34, "qa_passed"),
        (39, 5, "ci_required"),
    ]
    assert all(problem.severity == "warning" for problem in loaded.problems)
    backend = settings.agent("backend-dev")
    assert (backend.budget_s, backend.max_concurrent, backend.reports_to) == (7200, 2, "tech-lead")
    assert backend.subscriptions(settings) == ("ticket_ready",)
    assert [settings.family(agent.role).name for agent in settings.agents] == [
        "author",
        "reviewer",
        "reviewer",
        "release",
    ]
    assert settings.agent("release-manager").schedule == "*/30 * * * *"
    assert settings.teams[0].agents == ("backend-dev", "tech-lead", "qa", "release-manager")


def test_older_spellings(repository: Repository) -> None:
    loaded = load(repository, "data_pipeline")
    settings = loaded.require()
    assert [(w.line, w.column, w.message) for w in loaded.problems] == [
        (21, 1, "`pipelines` is not supported yet, ignored")
    ]
    engineer, reviewer = settings.agents
    assert engineer.prompt is not None
    assert engineer.prompt.endswith("Keep every migration reversible.\n")
    assert engineer.budget_s == 7200
    assert engineer.subscribes_to == ("ticket_ready", "pr_changes_requested")
    assert str(loaded.origins["agents.0.subscribes_to.1"]) == ".fleet/config.yaml:12"
    assert reviewer.schedule is None


def test_agent_types(repository: Repository) -> None:
    loaded = load(repository, "org_board")
    settings = loaded.require()
    assert [(agent.role, agent.agent_type) for agent in settings.agents] == [
        ("head-of-engineering", "cto"),
        ("docs-writer", None),
        ("sre-watcher", None),
    ]
    assert str(loaded.origins["agents.1.role"]) == ".fleet/config.yaml:10"
    assert {(w.line, w.text) for w in loaded.problems} == {
        (7, "head-of-engineering"),
        (16, "ci_fail"),
        (17, "genflows"),
    }


@pytest.mark.parametrize("name", ["web_shop", "data_pipeline", "org_board"])
def test_an_error_below_a_renamed_key_is_still_found(repository: Repository, name: str) -> None:
    text = (FLEETS / f"{name}.yaml").read_text()
    broken = text.replace("ticket_ready", "Ticket!").replace("docs-writer\n", "docs writer!\n")
    load(repository, name)
    errors = repository.load(broken).errors
    assert len(errors) == 1
    assert broken.splitlines()[errors[0].line - 1][errors[0].column - 1 :].startswith(("Ticket!", "docs writer!"))
