"""The layers over one another, and where each value says it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from fleet_tui import paths
from fleet_tui.settings.load import load_settings, policy_version
from fleet_tui.settings.schema import Settings
from fleet_tui.settings.section import Section

if TYPE_CHECKING:
    from tests.settings.conftest import Repository


def test_later_layers_win_and_say_so(repository: Repository) -> None:
    repository.user.write_text("limits:\n  max_running: 2\n  restart_attempts: 5\nui: {theme: light}\n")
    loaded = repository.load(
        "limits:\n  max_running: 3\nlabels:\n  ready: go\n",
        {"FLEET__ui__theme": "mono", "FLEET__merge__method": "squash"},
    )
    settings = loaded.require()
    assert (settings.limits.max_running, settings.limits.restart_attempts) == (3, 5)
    assert (settings.ui.theme, settings.merge.method, settings.labels.ready) == ("mono", "squash", "go")
    assert {
        key: str(loaded.origins[key]) for key in ("limits.max_running", "ui.theme", "labels.ready", "labels.shipped")
    } == {
        "limits.max_running": ".fleet/config.yaml:2",
        "ui.theme": "environment FLEET__ui__theme",
        "labels.ready": ".fleet/config.yaml:4",
        "labels.shipped": "shipped",
    }
    assert str(loaded.origins["limits.restart_attempts"]) == f"{repository.user}:3"


def test_lists_replace(repository: Repository) -> None:
    repository.user.write_text("gates:\n  - {name: mine, run: a}\n  - {name: other, run: b}\n")
    loaded = repository.load("gates:\n  - {name: theirs, run: c}\napproval: {sensitive_paths: [billing/**]}\n")
    settings = loaded.require()
    assert [gate.name for gate in settings.gates] == ["theirs"]
    assert settings.approval.sensitive_paths == ("billing/**",)
    assert not any(key.startswith("gates.1") for key in loaded.origins)
    assert str(loaded.origins["gates.0.name"]) == ".fleet/config.yaml:2"


def test_vendors_and_roles_merge_over_the_shipped_ones(repository: Repository) -> None:
    loaded = repository.load("vendors:\n  aider: {env: {A: b}}\nroles:\n  author: {match: [smith]}\n")
    aider = loaded.require().vendor("aider")
    assert aider.env == {"A": "b"}
    assert aider.argv[0] == "aider"
    assert loaded.require().family("smith").publishes == loaded.require().family("Smith").publishes != ()
    assert loaded.require().family("backend-developer").matched is False


def test_loading_leaves_the_shipped_layer_alone(repository: Repository) -> None:
    first = repository.load()
    repository.load("roles:\n  author: {publishes: [note]}\nlabels: {ready: go}\n")
    repository.load(None, {"FLEET__roles__author__publishes": "[blocker]"})
    assert repository.load("version: 1\n").require().labels.ready == "ready"
    assert "pr_created" in repository.load("version: 1\n").require().roles["author"].publishes
    assert repository.load("version: 1\nagents: []\n").sha == repository.load("version: 1\n").sha != first.sha


@pytest.mark.parametrize(("value", "expected"), [("4", 4), (" 12 ", 12)])
def test_the_environment_is_yaml(repository: Repository, value: str, expected: int) -> None:
    assert repository.load(None, {"FLEET__limits__max_running": value}).require().limits.max_running == expected


def test_a_list_from_the_environment(repository: Repository) -> None:
    loaded = repository.load(None, {"FLEET__limits__restart_backoff_s": "[2, 4]"})
    assert loaded.require().limits.restart_backoff_s == (2, 4)
    assert str(loaded.origins["limits.restart_backoff_s.1"]) == "environment FLEET__limits__restart_backoff_s"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FLEET__limits__max_running", "many", "limits.max_running: expected a whole number, got text"),
        ("FLEET__limits__max_runing", "3", "unknown key `max_runing` in `limits`"),
        ("FLEET__limits__max_running", "[1", "never closed"),
        ("FLEET__limits__max_running", "&a 1", "anchor `&a` is not allowed"),
        ("FLEET__limits__", "1", "names no key"),
        ("FLEET__agents__0__model", "x", "agents: expected a list, got a map"),
        ("FLEET__labels__ready", "no", "labels.ready: expected text, got false"),
    ],
)
def test_errors_in_the_environment_name_the_variable(
    repository: Repository, name: str, value: str, message: str
) -> None:
    errors = repository.load(None, {name: value}).errors
    assert len(errors) == 1
    assert str(errors[0]).startswith(f"environment {name}: ")
    assert message in errors[0].message


def test_other_variables_are_none_of_its_business(repository: Repository) -> None:
    loaded = repository.load(None, {"FLEET_STATE_HOME": "/x", "FLEET_RUN": "y", "HOME": "/root"})
    assert loaded.problems == ()


def test_defaults_without_any_file_are_the_shipped_ones(repository: Repository) -> None:
    repository.config.unlink()
    loaded = load_settings(repository.root, user_file=repository.user, environ={}, project_required=False).require()
    bare = Settings()
    bare_values, values = bare.model_dump(), loaded.model_dump()
    for either in (bare_values, values):
        for section in ("roles", "vendors", "guard", "risk", "alarms"):
            del either[section]
        del either["approval"]["sensitive_paths"], either["approval"]["acts"]
        del either["reviews"]["lenses"], either["reviews"]["bands"]
        del either["isolation"]["read_only"], either["isolation"]["hidden"]
    assert values == bare_values


def test_the_defaults_file_says_every_default() -> None:
    shipped = yaml.safe_load((paths.shipped_config() / "defaults.yaml").read_text())
    sections = {
        name: set(type(section).model_fields)
        for name, section in Settings()
        if isinstance(section, Section)
        and name not in {"product", "guard", "risk", "fanout"}  # the last three have files of their own
    }
    sections["reviews"] -= {"lenses", "bands"}  # these have a file of their own, too
    assert {name: set(shipped[name]) for name in sections} == sections


@pytest.mark.parametrize(
    ("text", "decides"),
    [
        ("gates: [{name: a, run: b}]", True),
        ("approval: {when: sensitive}", True),
        ("reviews: {required: 0}", True),
        ("merge: {method: squash}", True),
        ("roles: {observer: {publishes: [note]}}", True),
        ("limits: {max_running: 3}", False),
        ("ui: {theme: mono}", False),
        ("product: {name: x}", False),
    ],
)
def test_what_makes_a_new_policy_version(repository: Repository, text: str, decides: bool) -> None:
    before, after = repository.load("version: 1\n"), repository.load(text)
    assert before.sha != after.sha
    versions = {policy_version(before.require()), policy_version(after.require())}
    assert len(versions) == (2 if decides else 1)
    assert all(version.startswith("v-") and len(version) == 14 for version in versions)
