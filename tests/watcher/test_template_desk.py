"""Templates over the operator's socket: looked at, tried out, made into agents that the configuration then has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.bus.protocol import MAX_FRAME
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.events import OperatorActed
from fleet_tui.domain.states import TicketState
from fleet_tui.settings.load import load_settings
from fleet_tui.watcher.runs import environment
from tests.watcher.watcher_support import Fleet, agent

WANTED: dict[str, Any] = {
    "agent": "sam",
    "template": "engineering/developer",
    "fills": {"test_command": "make test"},
}


async def do(fleet: Fleet, op: str, **args: Any) -> dict[str, Any]:
    return await fleet.person.answer("kim", op, args)


def repository(fleet: Fleet) -> Path:
    return fleet.ctx.paths.repository


def own_files(fleet: Fleet) -> set[str]:
    return {str(path.relative_to(repository(fleet))) for path in (repository(fleet) / ".fleet").rglob("*.*")}


async def test_the_list_is_short_enough_for_many(fleet: Fleet) -> None:
    answer = await do(fleet, "templates")
    rows = answer["templates"]
    assert {"engineering/developer", "quality/qa-engineer", "product/triage"} <= {row["id"] for row in rows}
    assert answer["problems"] == []
    assert len(json.dumps(answer)) / len(rows) * 200 < MAX_FRAME, "200 templates fit into one answer"
    found = await do(fleet, "templates", words="misuse secrets")
    assert [row["id"] for row in found["templates"]] == ["review/security-reviewer"]


async def test_one_template_with_what_a_form_begins_with(fleet: Fleet) -> None:
    await fleet.ticket("Cron drift")
    await fleet.settle()
    found = await do(fleet, "template", template="developer", ticket=1)
    assert found["form"]["name"] == "cron-drift"
    assert found["form"]["vendor"] == "shell"
    assert found["form"]["budget"] == "4h a day"
    assert found["form"]["takes_tickets"]
    assert [fill["name"] for fill in found["form"]["fills"]] == ["test_command", "lint_command", "language"]
    assert "{{test_command}}" in found["prompt"]
    with pytest.raises(UsageError, match="no such template"):
        await do(fleet, "template", template="developper")


async def test_a_preview_says_everything_and_writes_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_SECRET_OF_MINE", "hunter2")
    before, seq = own_files(fleet), fleet.ctx.reader.last_seq()
    await fleet.reconfigure(vendors={"shell": {"env": {"API_KEY": "hunter2"}}})
    seq = fleet.ctx.reader.last_seq()
    shown = await do(fleet, "preview_agent", **WANTED)
    assert own_files(fleet) == before
    assert fleet.ctx.reader.last_seq() == seq
    assert shown["files"][0]["path"] == ".fleet/agents/sam.yaml"
    assert shown["launch"] == "sh -c true"
    assert {"FLEET_TOKEN", "PATH"} <= set(shown["environment"])
    assert "hunter2" not in json.dumps(shown)
    assert shown["publishes"] == ["note", "claim", "handoff", "artifact", "blocker", "pr_created"]
    assert (shown["budget"], shown["isolation"]) == ("4h a day", "L0")
    assert [part["origin"] for part in shown["parts"]][-2] == ".fleet/prompts/sam.md (template engineering/developer)"
    assert "make test" in shown["parts"][-2]["text"]
    assert all(check["ok"] for check in shown["checks"])


async def test_create_writes_records_and_changes_nothing_that_is_there(fleet: Fleet) -> None:
    config = repository(fleet) / ".fleet" / "config.yaml"
    text, before = config.read_text(), own_files(fleet)
    shown = await do(fleet, "preview_agent", **WANTED)
    answer = await do(fleet, "create_agent", **WANTED, seen=shown["sha"])
    assert "sam is made" in answer["message"]
    assert config.read_text() == text
    assert own_files(fleet) - before == {".fleet/agents/sam.yaml", ".fleet/prompts/sam.md"}
    loaded = load_settings(repository(fleet))
    assert loaded.problems == ()
    assert loaded.require().agent("sam").template == "engineering/developer"
    (event,) = fleet.events(OperatorActed.kind)
    assert event.actor == "operator:kim"
    assert event.payload["act"] == "create_agent"
    assert event.payload["data"]["template"] == "engineering/developer"


async def test_what_was_shown_is_what_is_made(fleet: Fleet) -> None:
    shown = await do(fleet, "preview_agent", **WANTED)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await do(fleet, "create_agent", **{**WANTED, "fills": {"test_command": "make other"}}, seen=shown["sha"])
    assert not (repository(fleet) / ".fleet" / "agents").exists()


REFUSED: tuple[tuple[dict[str, Any], type[FleetError], str], ...] = (
    ({"agent": "dev"}, Conflict, "the name is taken"),
    ({"agent": "../x"}, UsageError, "not a usable name"),
    ({"agent": "x\nrole: qa"}, UsageError, "not a usable name"),
    ({"agent": "operator"}, UsageError, "a reserved name"),
    ({"agent": ""}, UsageError, "agent missing"),
    ({"vendor": "nobody"}, UsageError, "there is no vendor `nobody`"),
    ({"budget": "much"}, UsageError, "budget not understood"),
    ({"fills": {}}, UsageError, "something must be filled in"),
    ({"fills": [1]}, UsageError, "arguments not understood"),
    ({"ticket": 99}, UsageError, "no such ticket"),
    ({"ticket": "one"}, UsageError, "no such ticket"),
    ({"template": "review/tech-lead", "ticket": 1}, UsageError, "takes no tickets"),
    ({"subscribes": ["ticket_redy"]}, UsageError, "did you mean `ticket_ready`"),
)


async def test_what_cannot_be_is_refused_and_nothing_is_written(fleet: Fleet) -> None:
    before, seq = own_files(fleet), fleet.ctx.reader.last_seq()
    for change, error, says in REFUSED:
        for op in ("preview_agent", "create_agent"):
            with pytest.raises(error) as refused:
                await do(fleet, op, **{**WANTED, **change})
            assert says in f"{refused.value.title}: {refused.value.message} {refused.value.hint}"
    assert own_files(fleet) == before
    assert fleet.ctx.reader.last_seq() == seq


async def test_a_configuration_with_errors_is_mended_first(fleet: Fleet) -> None:
    (repository(fleet) / ".fleet" / "config.yaml").write_text("version: 1\nagnets: []\n")
    with pytest.raises(FleetError, match="the configuration has errors"):
        await do(fleet, "create_agent", **WANTED)
    assert not (repository(fleet) / ".fleet" / "agents").exists()


async def test_a_ticket_is_kept_for_it_and_made_ready(fleet: Fleet) -> None:
    await fleet.ticket("Cron drift", ready=False)
    await fleet.settle()
    shown = await do(fleet, "preview_agent", **WANTED, ticket=1)
    assert shown["ticket"] == {"number": 1, "title": "Cron drift", "state": "draft"}
    assert [check["text"] for check in shown["checks"] if not check["ok"]] == [
        "ticket #1 is a draft: nobody takes it until it is ready"
    ]
    await do(fleet, "create_agent", **WANTED, ticket=1, make_ready=True)
    await fleet.use(load_settings(repository(fleet)).require())
    await fleet.settle()
    assert (await fleet.queued()).agent == "sam", "dev is free too, and before it by name"
    with pytest.raises(Conflict, match="under way already"):
        await do(fleet, "preview_agent", **{**WANTED, "agent": "kim"}, ticket=1)


async def test_a_ticket_is_kept_for_one_only(fleet: Fleet) -> None:
    await fleet.ticket("Cron drift", ready=False)
    await fleet.settle()
    await do(fleet, "create_agent", **WANTED, ticket=1)
    await fleet.use(load_settings(repository(fleet)).require())
    assert fleet.of_ticket().state is TicketState.DRAFT, "only where it is asked for"
    with pytest.raises(Conflict, match="kept for sam"):
        await do(fleet, "preview_agent", **{**WANTED, "agent": "kim"}, ticket=1)


async def test_the_names_shown_are_those_that_runs_have(fleet: Fleet) -> None:
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    settings = fleet.ctx.settings.agent("dev")
    for home in (None, Path("/home/dev")):
        real = environment.agent_environment(run, settings, Path("/r"), Path("/w"), "t", {"X": "y"}, home)
        assert environment.names_for(settings, {"X": "y"}, has_home=home is not None) == tuple(sorted(real))


async def test_who_keeps_a_ticket_and_takes_no_work_is_told(make_fleet: Any) -> None:
    fleet = await make_fleet([agent("dev", "developer", tickets=[1]), agent("sam", "developer")])
    await do(fleet, "pause", agent="dev")
    await fleet.ticket("Kept")
    await fleet.settle()
    assert fleet.occupying() == []
    (alarm,) = fleet.alarms("ticket-stuck")
    assert "kept for dev, who takes no work now" in alarm.title
    await do(fleet, "resume", agent="dev")
    await fleet.settle()
    assert (await fleet.queued()).agent == "dev"
    assert fleet.alarms("ticket-stuck") == []
