"""Explanations, the JSON Schema, and the generated page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.settings.explain import explain, render_markdown, render_schema_json
from fleet_tui.settings.messages import known_keys
from fleet_tui.settings.reference import json_schema
from fleet_tui.settings.schema import Settings

if TYPE_CHECKING:
    from tests.settings.conftest import Repository

ROOT = Path(__file__).parents[2]

TEXT = """\
gates:
  - name: test
    run: [make, test]
agents:
  - name: dev
    role: developer
    subscriptions: [ticket_ready]
approval:
  when: sensitive
"""


@pytest.mark.parametrize(
    ("key", "value", "origin", "kind", "default"),
    [
        ("gates.0.run", ["make", "test"], ".fleet/config.yaml:3", "text or list of text", None),
        ("gates.test.run", ["make", "test"], ".fleet/config.yaml:3", "text or list of text", None),
        ("gates.test.run.1", "test", ".fleet/config.yaml:3", "text", None),
        ("gates.test.time_limit_s", 600, "built in", "number from 1 to 86400", 600),
        ("agents.dev.subscribes_to", ["ticket_ready"], ".fleet/config.yaml:7", "text or list of text", None),
        ("agents.dev.vendor", "claude-code", "built in", "text", "claude-code"),
        ("approval.when", "sensitive", ".fleet/config.yaml:9", "`always` or `sensitive`", "always"),
        ("reviews.required", "all", "shipped", "`all` or number from 0 to 50", "all"),
        ("limits.restart_backoff_s", [1, 5, 30], "shipped", "list of numbers from 0 to 86400", [1, 5, 30]),
        ("vendors.scripted.prompt", "paste", "shipped", "`argv` or `stdin` or `file` or `paste`", "paste"),
        ("roles.triage.subscribes_to.0", "ticket_created", "shipped", "text", None),
        ("merge", {"method": "merge", "parallel_gates": 1}, "shipped", "map", {"method": "merge", "parallel_gates": 1}),
        ("limits.max_running", 3, "environment FLEET__limits__max_running", "number from 1 to 1000", 8),
    ],
)
def test_keys(repository: Repository, key: str, value: Any, origin: str, kind: str, default: Any) -> None:
    found = explain(repository.load(TEXT, {"FLEET__limits__max_running": "3"}), key)
    assert (found.value, found.origin, found.type, found.default) == (value, origin, kind, default)
    json.dumps(found.as_dict())


def test_every_key_of_the_schema_says_what_it_means(repository: Repository) -> None:
    for name, model in (("fleet", json_schema()), *json_schema()["$defs"].items()):
        for key, schema in model["properties"].items():
            assert schema.get("description") or "$ref" in schema, f"{name}.{key}"
        assert model["description"]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("aproval.when", "`approval`"),
        ("approval.whn", "`when`"),
        ("agents.dave.role", "dev"),
        ("agents.9", "dev"),
        ("approval.when.deeper", "stop"),
        ("", "agents"),
        ("agents.99999999999999999999", "dev"),
        ("vendors.ider", "`aider`"),
    ],
)
def test_keys_that_are_not_there(repository: Repository, key: str, hint: str) -> None:
    with pytest.raises(FleetError) as caught:
        explain(repository.load(TEXT), key)
    assert caught.value.title == "no such key"
    assert hint in caught.value.hint


def test_a_broken_configuration_explains_nothing(repository: Repository) -> None:
    with pytest.raises(FleetError, match=r"limits\.max_running"):
        explain(repository.load("limits: {max_running: x}\n"), "approval.when")


def test_the_json_schema_names_every_key() -> None:
    schema = json.loads(render_schema_json())
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_known_keys_follow_lists_maps_and_options() -> None:
    assert "time_limit_s" in known_keys(("gates", 3))
    assert "argv" in known_keys(("vendors", "mine"))
    assert "hold_s" in known_keys(("approval",))
    assert known_keys(("target_branch",)) == ()
    assert known_keys(("agents", 0, "env")) == ()


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == render_markdown(), "run: make docs"


def test_the_example_on_the_page_is_valid(repository: Repository) -> None:
    for name in ("backend", "lead", "release"):
        repository.prompt(name)
    example = render_markdown().split("```yaml\n")[1].split("```")[0]
    loaded = repository.load(example)
    assert loaded.problems == ()
    assert [gate.name for gate in loaded.require().gates] == ["build", "test"]
