"""What ships: every template is usable, and says enough to change what an agent does."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.catalogue.agent import Wanted, compose
from fleet_tui.catalogue.conventions import conventions
from fleet_tui.catalogue.read import read_catalogue
from fleet_tui.catalogue.template import Entry
from fleet_tui.paths import shipped_config
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.schema import Settings

SETTINGS = load_settings(Path("/nowhere"), project_required=False, environ={}, user_file=Path("/nowhere")).require()
CATALOGUE = read_catalogue(Path("/nowhere"), SETTINGS)


def test_all_of_them_are_usable() -> None:
    assert CATALOGUE.problems == ()
    assert len(CATALOGUE.entries) == len(list((shipped_config() / "templates").rglob("*.yaml")))
    assert len(CATALOGUE.entries) == len(list((shipped_config() / "templates").rglob("*.md")))


def test_there_is_one_for_every_part_of_the_loop() -> None:
    families = {SETTINGS.family(entry.template.role).name for entry in CATALOGUE.entries}
    assert {"author", "reviewer", "release", "triage"} <= families


def test_what_starts_them_is_what_they_can_answer() -> None:
    """Who takes a ticket can hand over a pull request for it; who can give a verdict is asked for one."""
    answers = {"ticket_ready": "pr_created", "pr_changes_requested": "pr_created", "pr_needs_review": "pr_approved"}
    for entry in CATALOGUE.entries:
        started, may = entry.template.subscriptions, entry.template.capabilities
        assert all(answers[kind] in may for kind in started if kind in answers), entry.id
        assert ("pr_approved" in may) == ("pr_needs_review" in started), entry.id


def test_every_lens_has_its_reviewer_and_the_role_alone_leads_to_it() -> None:
    """Somebody who writes only the role into an agent's file gets the lens of the template."""
    reviews, looked_through = SETTINGS.reviews, set()
    for entry in CATALOGUE.entries:
        if SETTINGS.family(entry.template.role).name == "reviewer":
            by_role = reviews.lens_of(entry.template.role)
            assert entry.template.lens in (None, by_role), entry.id
            looked_through.add(by_role)
    assert looked_through == set(reviews.lenses)


@pytest.mark.parametrize("entry", CATALOGUE.entries, ids=lambda entry: entry.id)
def test_an_agent_can_be_made_of_each(entry: Entry, repository: Path, settings: Settings) -> None:
    agent = compose(entry, Wanted("sam"), settings, conventions(repository, settings))
    loaded = load_settings(repository, environ={}, drafts={"sam": agent.text + "prompt: Do it.\n"})
    row = loaded.require().agent("sam")
    assert loaded.problems == ()
    assert row.subscriptions(settings) == entry.template.subscriptions
    assert 800 < len(agent.prompt) < 8000
    verdicts = [kind for kind in entry.template.capabilities if kind in ("pr_approved", "release_decided")]
    assert all(kind in entry.prompt for kind in verdicts), "what it decides is said in its own words"
