"""`fleet template` and `fleet agent create|get` without a watcher: they read and write the files themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import _in_words, fleet
from fleet_tui.domain.errors import FleetError
from tests.cli.conftest import Shop, Terminal


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in this process: starting one for each would be most of the time."""
    monkeypatch.chdir(shop.repository)

    def command(*words: str) -> Done:
        result = CliRunner().invoke(fleet, words)
        if isinstance(result.exception, FleetError):
            return Done(result.exception.exit_code, result.stdout, _in_words(result.exception))
        return Done(result.exit_code, result.stdout, result.stderr)

    return command


def test_list_search_and_show(run: Run) -> None:
    rows = json.loads(run("template", "list", "--category", "review", "--json").stdout)["templates"]
    assert {row["category"] for row in rows} == {"review"}
    assert {"review/security-reviewer", "review/tech-lead"} <= {row["id"] for row in rows}
    found = run("template", "search", "flake").stdout
    assert "\nquality/flaky-test-hunter " in found
    assert "engineering/developer" not in found
    assert run("template", "search", "go").stdout.splitlines()[1].startswith("engineering/go-developer")
    shown = run("template", "show", "triage").stdout
    assert "it never:\n  - marks a ticket ready: a person does" in shown
    assert "ready            What a ticket needs here" in shown
    assert run("template", "show", "triage", "--prompt").stdout.startswith("# Triage\n")
    wrong = run("template", "show", "triaje")
    assert (wrong.returncode, "did you mean `triage`?" in wrong.stderr) == (2, True)


def test_they_are_counted_by_category(run: Run) -> None:
    found = json.loads(run("template", "list", "--json").stdout)
    by_category = found["categories"]
    assert sum(by_category.values()) == len(found["templates"])
    assert by_category["engineering"] == sum(row["category"] == "engineering" for row in found["templates"])
    last = run("template", "list").stdout.splitlines()[-1]
    told = ", ".join(f"{name} {number}" for name, number in by_category.items())
    assert last == f"{len(found['templates'])} templates: {told}"
    assert run("template", "search", "qa-engineer", "undo").stdout.splitlines()[-1].startswith("no template")


def test_a_broken_template_is_told_and_the_others_are_listed(shop: Shop, run: Run) -> None:
    place = shop.repository / ".fleet" / "templates" / "house"
    place.mkdir(parents=True)
    (place / "painter.yaml").write_text("title: \x1b[2J\n")
    (place / "painter.md").write_text("Paint.\n")
    done = run("template", "list")
    assert "engineering/developer" in done.stdout
    assert "cannot be used: .fleet/templates/house/painter.yaml:1" in done.stderr
    assert "\x1b" not in done.stderr


def test_dry_run_then_create_then_get(shop: Shop, run: Run) -> None:
    words = ("agent", "create", "sam", "--template", "developer", "--set", "test_command=make test")
    before = (shop.repository / ".fleet" / "config.yaml").read_bytes()
    dry = run(*words, "--model", "m-1", "--dry-run").stdout
    assert "nothing has been written or started" in dry
    assert "would write .fleet/agents/sam.yaml and .fleet/prompts/sam.md" in dry
    assert "launch line: claude --setting-sources user" in dry
    assert "may publish: note, claim, handoff, artifact, blocker, pr_created (developer: author)" in dry
    assert "── agent: .fleet/prompts/sam.md (template engineering/developer) (~" in dry
    assert not (shop.repository / ".fleet" / "agents").exists()
    made = run(*words)
    assert made.stdout == "sam is made; no watcher runs: `fleet up` starts the fleet with it\n"
    assert (shop.repository / ".fleet" / "config.yaml").read_bytes() == before
    got = json.loads(run("agent", "get", "sam", "--json").stdout)
    assert (got["role"], got["template"], got["origin"]) == (
        "developer",
        "engineering/developer",
        ".fleet/agents/sam.yaml:2",
    )
    read = run("agent", "get", "sam").stdout
    assert f"subscribes_to    {', '.join(got['subscribes_to'])}\n" in read
    assert len(got["subscribes_to"]) > 1
    again = run(*words)
    assert (again.returncode, "the name is taken" in again.stderr) == (1, True)


def test_what_must_be_said_is_an_error_where_nobody_is_and_asked_where_somebody_is(
    shop: Shop, run: Run, terminal: Terminal
) -> None:
    alone = run("agent", "create", "sam", "--template", "developer")
    assert alone.returncode == 2
    assert "something must be filled in: test_command: The command that runs the tests" in alone.stderr
    asked = terminal("agent", "create", "sam", "--template", "developer", keys="make test\n")
    assert "The command that runs the tests (test_command)" in asked
    assert "sam is made" in asked
    assert "`make test`" in (shop.repository / ".fleet" / "prompts" / "sam.md").read_text()


def test_spawn_takes_a_free_name_and_the_options_of_create(shop: Shop, run: Run) -> None:
    words = ("template", "spawn", "qa-engineer", "--set", "run_command=make run", "--set", "test_command=make test")
    assert run(*words).stdout.startswith("qa-engineer is made")
    assert run(*words, "--budget", "2h a day").stdout.startswith("qa-engineer-2 is made")
    assert 'ceiling: "2h"' in (shop.repository / ".fleet" / "agents" / "qa-engineer-2.yaml").read_text()
    dry = run("template", "spawn", "developer", "sam", "--set", "test_command=make test", "--dry-run").stdout
    assert "would write .fleet/agents/sam.yaml" in dry


def test_new_copies_a_template_that_can_be_used_at_once(shop: Shop, run: Run) -> None:
    told = run("template", "new", "house/payments", "--from", "backend-developer").stdout
    assert "next: change them, then: fleet template show house/payments" in told
    shown = json.loads(run("template", "show", "house/payments", "--json").stdout)
    assert shown["source"] == ".fleet/templates/house/payments.yaml"
    assert shown["prompt"] == json.loads(run("template", "show", "backend-developer", "--json").stdout)["prompt"]
    assert run("template", "new", "engineering/developer", "--mine").returncode == 0
    assert json.loads(run("template", "show", "engineering/developer", "--json").stdout)["source"].startswith("/")
    assert "there is such a template already" in run("template", "new", "house/payments").stderr
    for wrong in ("payments", "../x/y", "House/x"):
        assert (run("template", "new", wrong).returncode, (shop.repository / "x").exists()) == (2, False)


def test_an_agent_is_edited_without_a_watcher_too(shop: Shop, run: Run) -> None:
    run("agent", "create", "sam", "--template", "developer", "--set", "test_command=make test")
    text = shop.repository / "new.md"
    text.write_text("Do it.\n")
    done = run("agent", "edit", "sam", "--prompt", "--file", str(text))
    assert "no watcher runs: the next one records it" in done.stdout
    assert (shop.repository / ".fleet" / "prompts" / "sam.md").read_text() == "Do it.\n"
    assert "nothing to change" in run("agent", "edit", "sam", "--prompt", "--file", str(text)).stderr


def test_an_agent_is_edited_in_the_persons_editor(
    shop: Shop, run: Run, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("agent", "create", "sam", "--template", "developer", "--set", "test_command=make test")
    monkeypatch.setenv("VISUAL", "sed -i 's/make test/make check/'")
    assert "written" in terminal("agent", "edit", "sam", "--prompt")
    assert "`make check`" in (shop.repository / ".fleet" / "prompts" / "sam.md").read_text()
    monkeypatch.setenv("VISUAL", "true")
    assert "nothing to change" in terminal("agent", "edit", "sam")
