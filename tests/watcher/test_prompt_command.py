"""`fleet prompt`: what is shown of a run is what the run is sent; differences by layer."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet as command
from fleet_tui.domain.errors import UsageError
from fleet_tui.watcher.runs import prompt
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

MARK = re.compile(r"[0-9a-f]{12}(?=>>>|$|; it describes)|(?<=<<<)[0-9a-f]{12}", re.MULTILINE)


def said(fleet: Fleet, *words: str) -> str:
    result = CliRunner().invoke(command, ["--repo", str(fleet.ctx.paths.repository), "prompt", *words])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def shown(fleet: Fleet, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(fleet, *words, "--json"))
    return found


async def test_what_is_shown_is_what_is_sent(fleet: Fleet) -> None:
    await fleet.ticket(body="Print two.\n\nReally.")
    await fleet.settle()
    foretold = said(fleet, "show", "dev", "--ticket", "1", "--text")
    run = await fleet.queued("dev")
    sent = prompt.build(fleet.ctx, run, fleet.ctx.settings.agent("dev"))
    assert MARK.sub("M", foretold) == MARK.sub("M", sent)
    pull_request = await fleet.handed_over(run)
    await fleet.end(run)
    would_be = said(fleet, "show", "lee", "--ticket", "1", "--text")
    await fleet.settle()
    reviewer = await fleet.queued("lee")
    sent = prompt.build(fleet.ctx, reviewer, fleet.ctx.settings.agent("lee"))
    assert f"head {pull_request.head_sha}" in would_be
    assert MARK.sub("M", would_be) == MARK.sub("M", sent)


async def test_each_layer_with_its_origin_and_size(fleet: Fleet) -> None:
    found = shown(fleet, "show", "dev")
    assert [layer["layer"] for layer in found["layers"]] == ["handbook", "role", "conventions", "playbooks", "agent"]
    own = found["layers"][-1]
    assert own == {"layer": "agent", "origin": "agents: dev: prompt", "tokens": 3, "text": "You are dev."}
    assert found["tokens"] == sum(layer["tokens"] for layer in found["layers"])
    assert found["tokens_estimated"] is True
    told = said(fleet, "show", "dev")
    assert "── role: shipped layers/roles/author.md (~" in told
    assert told.splitlines()[-1].endswith("(estimated): what every run is sent; --ticket N shows the rest")


async def test_differences_by_layer(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer"), agent("sam", "developer"), agent("lee", "tech-lead")])
    await fleet.ticket()
    await fleet.settle()
    changes = shown(fleet, "diff", "sam", "dev")["layers"]
    assert [(change["layer"], change["lines"]) for change in changes] == [
        ("agent", ["@@ -1 +1 @@", "-You are dev.", "+You are sam."])
    ]
    assert {change["layer"] for change in shown(fleet, "diff", "lee", "dev")["layers"]} == {
        "role",
        "playbooks",
        "agent",
    }
    added = shown(fleet, "diff", "dev", "--ticket", "1")["layers"]
    assert [(change["layer"], change["from"]) for change in added] == [("assignment", None), ("ticket", None)]
    same = {change["layer"] for change in shown(fleet, "diff", "sam", "dev", "--ticket", "1")["layers"]}
    assert same == {"agent", "assignment"}, "the ticket is the same, though its marks are others"
    assert said(fleet, "diff", "dev", "dev") == "dev and dev are told the same\n"


async def test_what_cannot_be_compared_says_what_to_do(fleet: Fleet) -> None:
    for words, says in ((["diff", "dev"], "compared with what?"), (["show", "dev", "--ticket", "9"], "no such ticket")):
        with pytest.raises(UsageError, match=re.escape(says)) as wrong:
            said(fleet, *words)
        assert wrong.value.hint
