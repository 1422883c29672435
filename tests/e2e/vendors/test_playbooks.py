"""Playbooks as vendors' own programs are given them: read as skills, unasked, or from the prompt."""

from __future__ import annotations

import pytest

from tests.e2e.e2e_support import Place
from tests.e2e.vendors.trials import CLAUDE_CODE, CODEX, COPILOT, GEMINI, OPENCODE, Trial
from tests.vendors.standins.script import Cast, Reply, Script, Tool
from tests.vendors.standins.server import serving

pytestmark = [pytest.mark.slow, pytest.mark.vendor]
LIMIT_S = 90
PLAYBOOK = """---
description: How zebras are drawn here.
families: [author]
---
Begin with the stripes.
"""
STEPS = "Begin with the stripes."
READS = [
    pytest.param(CLAUDE_CODE, Tool("Skill", {"skill": "fleet-zebras"}), id="claude-code"),
    pytest.param(CODEX, Tool("exec_command", {"cmd": "cat $CODEX_HOME/skills/fleet-zebras/SKILL.md"}), id="codex"),
    pytest.param(GEMINI, Tool("activate_skill", {"name": "fleet-zebras"}), id="gemini"),
    pytest.param(COPILOT, Tool("skill", {"skill": "fleet-zebras"}), id="copilot"),
]


@pytest.mark.parametrize(("trial", "reads"), READS)
def test_its_model_is_told_of_them_and_reads_them_unasked(place: Place, trial: Trial, reads: Tool) -> None:
    cast = Cast([Script("A page", [Reply("I read.", (reads,)), Reply("Read.")])])
    place.commit({".fleet/playbooks/zebras.md": PLAYBOOK}, "A playbook")
    with serving(cast) as url:
        trial.configure(place, url)
        place.fleet("watcher", "start")
        place.ticket("A page")
        place.until(lambda: len(asked(cast)) > 1, "it has read the playbook", LIMIT_S)
    first, second = asked(cast)[:2]
    # In its own list of skills as well, not only where our prompt names them.
    assert first.count("How zebras are drawn here.") > 1
    assert STEPS not in first
    assert STEPS in second
    assert place.events("policy_denied", "blocker") == []


def test_opencode_has_them_in_its_prompt(place: Place) -> None:
    cast = Cast([Script("A page", [Reply("Read.")])])
    place.commit({".fleet/playbooks/zebras.md": PLAYBOOK}, "A playbook")
    with serving(cast) as url:
        OPENCODE.configure(place, url)
        place.fleet("watcher", "start")
        place.ticket("A page")
        place.until(lambda: asked(cast), "it has asked its model", LIMIT_S)
    assert STEPS in asked(cast)[0]


def asked(cast: Cast) -> list[str]:
    """The requests of the conversation itself."""
    return [body for body in cast.asked if "A page" in body and "title generator" not in body]
