"""Teams over the operator's socket: made whole or not at all, changed, removed, put back, and each time recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.events import AgentsRevised, OperatorActed
from fleet_tui.settings.load import load_settings
from fleet_tui.watcher.acts import team_history
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent

WANTED: dict[str, Any] = {
    "team": "web",
    "from": "back=backend-developer:2,security-reviewer",
    "agents": ["lee"],
    "fills": {"test_command": "make test"},
}
MEMBERS = ["lee", "back-1", "back-2", "security-reviewer"]


async def do(fleet: Fleet, op: str, **args: Any) -> dict[str, Any]:
    answer = await fleet.person.answer("kim", op, args)
    if op not in ("preview_team", "stop"):
        await fleet.use(load_settings(repository(fleet)).require())
    return answer


def repository(fleet: Fleet) -> Path:
    return fleet.ctx.paths.repository


def files(fleet: Fleet) -> set[str]:
    return {str(path.relative_to(repository(fleet))) for path in (repository(fleet) / ".fleet").rglob("*.*")}


def known(fleet: Fleet) -> list[tuple[int, str, str, tuple[str, ...] | None]]:
    return [(r.number, r.act, r.actor, r.agents) for r in team_history.history(fleet.ctx.reader, "web")]


async def test_a_preview_says_who_what_and_how_much_and_writes_nothing(fleet: Fleet) -> None:
    before = files(fleet)
    shown = await do(fleet, "preview_team", **WANTED)
    assert shown["members"] == MEMBERS
    assert [(row["name"], row["role"], row["vendor"]) for row in shown["agents"]] == [
        ("back-1", "backend-developer", "shell"),
        ("back-2", "backend-developer", "shell"),
        ("security-reviewer", "security-reviewer", "shell"),
    ]
    assert shown["at_most"] == "11h00 a day"
    assert ".fleet/teams/web.yaml" in shown["files"]
    assert files(fleet) == before
    asks = (await do(fleet, "preview_team", **{**WANTED, "fills": {}}))["asks"]
    assert list(asks) == ["test_command"]


async def test_it_is_made_with_its_agents_and_in_force(fleet: Fleet) -> None:
    shown = await do(fleet, "preview_team", **WANTED)
    await do(fleet, "create_team", **WANTED, seen=shown["sha"])
    assert set(shown["files"]) <= files(fleet)
    assert fleet.ctx.settings.team("web").agents == tuple(MEMBERS)
    assert "make test" in (repository(fleet) / ".fleet" / "prompts" / "back-1.md").read_text()
    (created,) = fleet.events(AgentsRevised.kind)
    assert (created.actor, created.payload["act"]) == ("operator:kim", "created")
    assert [row["agent"] for row in created.payload["revisions"]] == ["back-1", "back-2", "security-reviewer"]
    assert known(fleet) == [(1, "created", "operator:kim", tuple(MEMBERS))]
    acted = fleet.events(OperatorActed.kind)[-1].payload
    assert (acted["act"], acted["data"]["team"], acted["data"]["made"]) == ("create_team", "web", MEMBERS[1:])


REFUSED: tuple[tuple[dict[str, Any], type[FleetError], str], ...] = (
    ({"team": "../x"}, UsageError, "there cannot be such a team"),
    ({"from": "dev=backend-developer"}, Conflict, "there is an agent dev"),
    ({"from": "x=backend-developer,x=qa-engineer"}, Conflict, "there is an agent x"),
    ({"from": "backend-developper"}, UsageError, "no such template"),
    ({"from": "backend-developer:0"}, UsageError, "--from not understood"),
    ({"agents": ["nobody"]}, UsageError, "no such agent"),
    ({"from": "", "agents": []}, UsageError, "nobody is in it"),
    ({"fills": {"test_command": "x", "odd": "y"}}, UsageError, "no template of these has odd"),
    ({"fills": {}}, UsageError, "something must be filled in"),
    ({"seen": "0" * 64}, Conflict, "changed meanwhile"),
    ({"vendor": "nobody"}, UsageError, "there is no vendor `nobody`"),
    ({"preset": "webservice", "from": ""}, UsageError, "did you mean `web-service`?"),
)


async def test_what_cannot_be_is_refused_whole(fleet: Fleet) -> None:
    before, events = files(fleet), fleet.ctx.reader.last_seq()
    for changes, kind, says in REFUSED:
        with pytest.raises(kind) as refused:
            await do(fleet, "create_team", **{**WANTED, **changes})
        assert says in str(refused.value)
        assert (files(fleet), fleet.ctx.reader.last_seq()) == (before, events), changes


async def test_a_file_in_the_way_keeps_all_of_it_from_being_written(fleet: Fleet) -> None:
    prompts = repository(fleet) / ".fleet" / "prompts"
    prompts.mkdir(exist_ok=True)
    (prompts / "security-reviewer.md").write_text("Mine.\n")
    before = files(fleet)
    with pytest.raises(Conflict, match=r"security-reviewer\.md"):
        await do(fleet, "create_team", **WANTED)
    assert files(fleet) == before


async def test_a_preset_is_a_team_already(fleet: Fleet) -> None:
    shown = await do(fleet, "preview_team", team="shop", preset="minimal", developers=2)
    assert shown["members"] == ["shop-dev-1", "shop-dev-2", "shop-reviewer", "shop-release"]
    await do(fleet, "create_team", team="shop", preset="minimal", developers=2, seen=shown["sha"])
    assert fleet.ctx.settings.teams_of("shop-dev-2") == ("shop",)


async def test_members_come_and_go_and_every_state_can_be_put_back(fleet: Fleet) -> None:
    await do(fleet, "create_team", team="web", agents=["dev"])
    with pytest.raises(Conflict, match="the name is taken"):
        await do(fleet, "create_team", team="web", agents=["lee"])
    await do(fleet, "change_team", team="web", agents=["dev", "lee"], seen=["dev"])
    with pytest.raises(Conflict, match="changed meanwhile"):
        await do(fleet, "change_team", team="web", agents=[], seen=["dev"])
    with pytest.raises(Conflict, match="nothing to change"):
        await do(fleet, "change_team", team="web", agents=["dev", "lee"])
    with pytest.raises(Conflict, match="changed meanwhile"):
        await do(fleet, "remove_team", team="web", seen=["dev"])
    await do(fleet, "remove_team", team="web", seen=["dev", "lee"])
    assert fleet.ctx.settings.teams == ()
    with pytest.raises(UsageError, match="no such team"):
        await do(fleet, "remove_team", team="web")
    await do(fleet, "rollback_team", team="web")
    assert fleet.ctx.settings.team("web").agents == ("dev", "lee")
    await do(fleet, "rollback_team", team="web", revision=1)
    (repository(fleet) / ".fleet" / "teams" / "web.yaml").write_text("agents: [lee]\n")
    await team_history.look(fleet.ctx, load_settings(repository(fleet)).require())
    assert known(fleet) == [
        (1, "created", "operator:kim", ("dev",)),
        (2, "edited", "operator:kim", ("dev", "lee")),
        (3, "removed", "operator:kim", None),
        (4, "rolled back", "operator:kim", ("dev", "lee")),
        (5, "rolled back", "operator:kim", ("dev",)),
        (6, "changed", "watcher", ("lee",)),
    ]
    with pytest.raises(UsageError, match="no such revision"):
        await do(fleet, "rollback_team", team="web", revision=3)


async def test_a_team_of_the_configuration_is_a_person_s_to_edit(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer")], teams=[{"name": "web", "agents": ["dev"]}])
    await team_history.look(fleet.ctx, fleet.ctx.settings)
    assert known(fleet) == [(1, "found", "watcher", ("dev",))]
    for op in ("change_team", "remove_team"):
        with pytest.raises(UsageError, match=r"stands in \.fleet/config\.yaml"):
            await do(fleet, op, team="web", agents=[])
