"""What the models derive: families of roles, subscriptions, budgets, commands; and that they cannot be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from pydantic import ValidationError

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.events import PAYLOADS
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.settings.load import parse_gates
from fleet_tui.settings.repositories import GateSettings
from fleet_tui.settings.schema import PUBLISHABLE, Settings

if TYPE_CHECKING:
    from tests.settings.conftest import Repository


@pytest.mark.parametrize(
    ("role", "family"),
    [
        ("developer", "author"),
        ("backend-developer", "author"),
        ("data-engineer", "author"),
        ("docs-writer", "author"),
        ("backend-dev", "author"),
        ("tech-lead", "reviewer"),
        ("QA-Engineer", "reviewer"),
        ("qa-lead", "reviewer"),
        ("pr-reviewer", "reviewer"),
        ("security-engineer", "reviewer"),
        ("release-manager", "release"),
        ("release-engineer", "release"),
        ("product-owner", "triage"),
        ("PM", "triage"),
        ("ticket-triage", "triage"),
        ("sre-watcher", "observer"),
        ("CEO", "observer"),
        ("developer-relations", "observer"),
    ],
)
def test_shipped_families(repository: Repository, role: str, family: str) -> None:
    assert repository.load().require().family(role).name == family


def test_no_shipped_family_both_writes_and_judges(repository: Repository) -> None:
    for name, role in repository.load().require().roles.items():
        kinds = set(role.publishes)
        assert len(kinds & {"pr_created", "pr_approved", "release_decided"}) <= 1, name
        assert kinds <= PUBLISHABLE <= set(PAYLOADS)
        assert set(role.subscribes_to) <= set(PAYLOADS)


def test_an_exact_name_beats_a_glob(repository: Repository) -> None:
    loaded = repository.load("roles:\n  author: {match: [qa-scripter]}\n")
    assert loaded.require().family("qa-scripter").name == "author"


def test_an_unknown_role_may_only_remark_and_is_reported(repository: Repository) -> None:
    loaded = repository.load("agents:\n  - {name: dev, role: wizard}\n")
    family = loaded.require().family("wizard")
    assert (family.name, family.matched, set(family.publishes)) == ("observer", False, {"note", "blocker"})
    assert [(w.severity, w.line, w.column) for w in loaded.problems] == [("warning", 2, 23)]
    assert "wizard" in loaded.problems[0].message


def test_a_fleet_without_roles_gives_nobody_any_right() -> None:
    assert Settings().family("developer").publishes == ()


def test_a_family_that_writes_and_approves_is_reported(repository: Repository) -> None:
    loaded = repository.load("roles:\n  solo: {match: [solo], publishes: [pr_created, pr_approved]}\n")
    assert ["both write and approve" in warning.message for warning in loaded.warnings] == [True]


def test_subscriptions_are_the_agents_own_or_the_roles(repository: Repository) -> None:
    settings = repository.load(
        "agents:\n"
        "  - {name: dev, role: developer}\n"
        "  - {name: dev2, role: developer, subscribes_to: ticket_ready}\n"
        "  - {name: rev, role: tech-lead, subscribes_to: []}\n"
    ).require()
    assert [agent.subscriptions(settings) for agent in settings.agents] == [
        ("ticket_ready", "pr_changes_requested"),
        ("ticket_ready",),
        (),
    ]


def test_an_unknown_event_far_from_any_known_is_a_warning(repository: Repository) -> None:
    text = "agents:\n  - {name: dev, role: developer, subscribes_to: [qa_passed]}\n"
    assert "`qa_passed`" in repository.load(text).warnings[0].message
    assert repository.load(text + "events: [qa_passed]\n").problems == ()


def test_a_kind_of_ones_own_may_be_published(repository: Repository) -> None:
    loaded = repository.load("events: [qa_passed]\nroles: {reviewer: {publishes: [note, qa_passed]}}\n")
    assert loaded.require().family("qa").publishes == ("note", "qa_passed")


@pytest.mark.parametrize(
    ("given", "seconds"), [("budget_minutes: 2", 120), ("budget_seconds: 90", 90), ("enabled: true", None)]
)
def test_budgets_are_seconds(repository: Repository, given: str, seconds: int | None) -> None:
    settings = repository.load(f"agents:\n  - name: dev\n    role: developer\n    {given}\n").require()
    assert settings.agent("dev").budget_s == seconds


def test_commands() -> None:
    line = GateSettings(name="a", run="make test && echo ok")
    words = GateSettings.model_validate({"name": "a", "run": ["make", "-C", "a b"]})
    assert line.argv == ("sh", "-c", "make test && echo ok")
    assert words.argv == ("make", "-C", "a b")
    assert (line.command, words.command) == ("make test && echo ok", "make -C 'a b'")


def test_schedules(repository: Repository) -> None:
    settings = repository.load(
        "agents:\n  - {name: dev, role: pm, schedule: '0 9 * * 1-5'}\n  - {name: rev, role: pm, schedule: ''}\n"
    ).require()
    assert [agent.schedule for agent in settings.agents] == ["0 9 * * 1-5", None]


def test_vendor_and_model_are_the_agents_own_or_the_roles(repository: Repository) -> None:
    roles = {"author": {"vendor": "codex", "model": "gpt-5"}, "reviewer": {"model": "claude-opus-5"}}
    agents = [
        {"name": "plain", "role": "developer"},
        {"name": "other", "role": "developer", "vendor": "gemini"},
        {"name": "same", "role": "developer", "vendor": "codex", "model": "gpt-6"},
        {"name": "reader", "role": "reviewer"},
        {"name": "watch", "role": "observer"},
    ]
    for agent in agents:
        repository.prompt(agent["name"])
    settings = repository.load(yaml.safe_dump({"agents": agents, "roles": roles})).require()
    assert [(one.name, one.vendor, one.model) for one in settings.agents] == [
        ("plain", "codex", "gpt-5"),
        ("other", "gemini", None),
        ("same", "codex", "gpt-6"),
        ("reader", "claude-code", "claude-opus-5"),
        ("watch", "claude-code", None),
    ]
    (error,) = repository.load("roles: {author: {vendor: codx}}").errors
    assert (error.key, error.message, error.hint) == (
        "roles.author.vendor",
        "roles.author.vendor: there is no vendor `codx`",
        "did you mean `codex`?",
    )


def test_looking_up_what_is_not_there(repository: Repository) -> None:
    settings = repository.load().require()
    with pytest.raises(FleetError, match="dev, rev"):
        settings.agent("nobody")
    with pytest.raises(FleetError, match="claude-code"):
        settings.vendor("nobody")


def test_settings_cannot_be_changed(repository: Repository) -> None:
    settings = repository.load().require()
    with pytest.raises(ValidationError):
        settings.limits.max_running = 100  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.agents[0].role = "release-manager"  # type: ignore[misc]


def test_every_shipped_vendor_can_be_given_to_an_agent(repository: Repository) -> None:
    settings = repository.load().require()
    assert {"claude-code", "codex", "gemini", "opencode", "aider", "scripted"} <= set(settings.vendors)
    for name, vendor in settings.vendors.items():
        if vendor.kind == "command":
            assert vendor.prompt != "argv" or "{prompt}" in vendor.argv, name
            assert vendor.prompt != "file" or "{prompt_file}" in vendor.argv, name
            # The option before it goes along when an agent has no model.
            assert vendor.argv[vendor.argv.index("{model}") - 1] == "--model", name


def test_the_gates_of_a_commit() -> None:
    gates = parse_gates("gates:\n  - {name: test, run: make test}\nagents: 7\nunheard_of: 1\n", "config at 3f9c1e2")
    assert [(gate.name, gate.command, gate.time_limit_s) for gate in gates] == [("test", "make test", 600)]
    assert parse_gates("version: 1\n", "x") == ()
    assert parse_gates("", "x") == ()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("gates:\n  - {name: test}\n", "2:5"),
        ("gates: [{name: a, run: b}, {name: a, run: c}]\n", "1:35"),
        ("gates: {name: a}\n", "1:8"),
        ("gates: [\n", "1:8"),
        ("gates: []\ngates: [{name: a, run: b}]\n", "2:1"),
        ("gates: &g []\n", "1:8"),
        ("- 1\n", "1:1"),
    ],
)
def test_faulty_gates_of_a_commit_are_refused(text: str, place: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse_gates(text, "config at 3f9c1e2")
    assert f"config at 3f9c1e2:{place}: " in str(caught.value)


@pytest.mark.parametrize("name", ["-u0", "Ann", "a b", "a;id", "0day", "x" * 33])
def test_the_user_of_agents_is_a_plain_login_name(name: str) -> None:
    with pytest.raises(ValidationError):
        IsolationSettings(user=name)
    assert IsolationSettings(user="fleet-agent").user == "fleet-agent"


def test_a_quorum_that_nobody_can_meet_is_said(repository: Repository) -> None:
    rule = "approval:\n  rules: [{name: two, quorum: 2}]\n"
    (warning,) = repository.load(rule).warnings
    assert "2 persons must approve, and there is the fleet's owner alone" in warning.message
    key = "ssh-ed25519 " + "A" * 68
    assert repository.load(f"{rule}  signers: [{{name: lou, key: {key}}}]\n").warnings == ()
