"""The agent of docs/agents.md works as it stands there, and its tables tell what the code does."""

from __future__ import annotations

import re

import pytest
import yaml

from fleet_tui.domain.states import RunState, TicketState
from fleet_tui.settings.load import shipped_documents
from fleet_tui.vendors.command import PROMPTS
from fleet_tui.vendors.prompting import ARGUMENT_LIMIT
from fleet_tui.watcher.runs.ending import LINES
from tests.e2e.e2e_support import ROOT, Place

PAGE = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The first example in this language: the whole program, and its settings."""
    found, *_parts_of_others = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert isinstance(found, str)
    return found


@pytest.mark.slow
def test_the_example_asks_works_is_sent_back_and_lands(place: Place) -> None:
    assert 15 <= len(block("sh").splitlines()) <= 30
    program = place.root / "bin" / "my-agent"
    program.parent.mkdir()
    program.write_text(block("sh"))
    program.chmod(0o755)
    place.env["PATH"] = f"{program.parent}:{place.env['PATH']}"
    settings = yaml.safe_load(block("yaml")) | {"approval": {"hold_s": 0}}
    place.commit({".fleet/config.yaml": yaml.safe_dump(settings), ".fleet/.gitignore": "/tickets/\n"}, "Add a fleet")
    assert f"mine: {program}" in place.run("doctor").out
    place.fleet("watcher", "start")
    place.ticket("Remember the milk", body="Two bottles.")
    place.until_ticket(1, TicketState.BLOCKED)
    place.fleet("question", "answer", "#1", "Kim's")
    place.until(lambda: place.events("pr_changes_requested"), "the reviewer finds the TODO")
    place.approve(1)
    place.until_ticket(1, TicketState.SHIPPED)
    note = place.repository / "notes" / "1.md"
    place.until(note.exists, "it lands")
    assert note.read_text() == "#1 Remember the milk\n\nTwo bottles.\nOwner: asked\n"
    (asked,) = place.events("question_answered")
    assert asked.payload["text"] == "Kim's"
    assert [run.round for run in reversed(place.reader.runs(RunState.FINISHED, agent="dev"))] == [1, 2]
    assert place.events("run_crashed") == []
    assert "dev: pr_changes_requested, ticket #1, round 2; told in " in place.fleet("agent", "logs", "dev")
    place.fleet("verify", "--deep")


def test_every_variable_of_an_agent_is_explained() -> None:
    source = (ROOT / "fleet_tui" / "watcher" / "runs" / "environment.py").read_text(encoding="utf-8")
    given = set(re.findall(r'"(FLEET_[A-Z_]+)"', source)) | {"FLEET_PROMPT_FILE"}
    assert set(re.findall(r"`(FLEET_[A-Z_]+)`", PAGE)) == given


def test_figures_and_names_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| the (?:text|path)", PAGE, re.MULTILINE)
    assert tuple(rows) == PROMPTS
    text = " ".join(PAGE.split())
    assert f"Over {ARGUMENT_LIMIT:,} bytes".replace(",", " ") in text
    assert f"the last {LINES} lines" in text
    limits = next(d.value["limits"] for d in shipped_documents() if "limits" in d.value)
    assert limits["restart_backoff_s"] == [1, 5, 30]
    assert (limits["restart_attempts"], limits["denials_to_quarantine"]) == (3, 3)


@pytest.mark.parametrize("page", ["README.md", "docs/agents.md"])
def test_links_lead_to_pages(page: str) -> None:
    path = ROOT / page
    for link in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", path.read_text(encoding="utf-8")):
        assert link.startswith("https://") or (path.parent / link).exists(), link
