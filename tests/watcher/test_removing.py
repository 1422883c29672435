"""Agents removed over the operator's socket: with what is theirs, all or nothing, never with work in their hands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, NothingToDo, UsageError
from fleet_tui.domain.events import AgentsRevised, RunQueued, TeamsRevised, TicketBlocked, TicketClaimed
from fleet_tui.domain.states import TicketState
from fleet_tui.readmodel.gist import gist
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.settings.load import load_settings
from fleet_tui.store import deep
from fleet_tui.watcher.acts import revisions, team_history
from tests.watcher.conftest import MakeFleet
from tests.watcher.test_revisions import SAM, files, known, said
from tests.watcher.watcher_support import Fleet, agent


async def do(fleet: Fleet, op: str, **args: Any) -> dict[str, Any]:
    answer = await fleet.person.answer("kim", op, args)
    await fleet.use(load_settings(fleet.ctx.paths.repository).require())
    return answer


async def preview(fleet: Fleet, *names: str) -> list[dict[str, Any]]:
    return list((await do(fleet, "preview_removal", agents=list(names)))["agents"])


def tree(fleet: Fleet) -> dict[str, bytes]:
    root = fleet.ctx.paths.repository / ".fleet"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.*") if path.is_file()}


@pytest.fixture
async def sam(fleet: Fleet) -> Fleet:
    """A fleet with an agent made from a template, by kim."""
    await do(fleet, "create_agent", **SAM)
    return fleet


async def test_it_goes_with_its_prompt_and_comes_back_as_it_was(sam: Fleet) -> None:
    before = tree(sam)
    (shown,) = await preview(sam, "sam")
    assert shown["files"] == [".fleet/agents/sam.yaml", ".fleet/prompts/sam.md"]
    assert tree(sam) == before
    answer = await do(sam, "remove_agent", agent="sam", seen=shown["seen"])
    assert answer["message"] == (
        "sam is removed (.fleet/agents/sam.yaml, .fleet/prompts/sam.md); `fleet agent rollback sam` brings it back"
    )
    assert not any(path.exists() for path in files(sam))
    assert not sam.agent("sam").configured
    assert "sam" not in [tile.name for tile in read_snapshot(sam.ctx.reader, sam.clock_ns).tiles]
    assert known(sam)[-1] == (2, "removed", "operator:kim", None)
    told = sam.events(AgentsRevised.kind)[-1]
    assert (told.subject, gist(told)) == ("agent:sam", "removed: revision of sam 2 (it is no more)")
    with pytest.raises(NothingToDo, match="removed already"):
        await do(sam, "remove_agent", agent="sam")
    await do(sam, "rollback_agent", agent="sam")
    assert tree(sam) == before
    assert sam.agent("sam").configured
    assert known(sam)[-1] == (3, "rolled back", "operator:kim", 1)
    with pytest.raises(UsageError, match="sam was no more at revision 2"):
        await do(sam, "rollback_agent", agent="sam", revision=2)
    assert deep.check(sam.ctx.paths.database, sam.ctx.paths.blobs) == []


async def test_the_passes_give_it_nothing_from_then_on(sam: Fleet) -> None:
    await sam.person.answer("kim", "remove_agent", {"agent": "sam"})
    assert "sam" not in [one.name for one in sam.ctx.settings.agents], "before anything was loaded anew"


async def test_what_was_written_by_hand_before_comes_back_too(sam: Fleet) -> None:
    files(sam)[1].write_text("By hand.\n")
    await do(sam, "remove_agent", agent="sam")
    assert [act for _, act, _, _ in known(sam)] == ["created", "changed", "removed"]
    await do(sam, "rollback_agent", agent="sam")
    assert files(sam)[1].read_text() == "By hand.\n"


async def test_who_is_removed_by_hand_is_recorded_and_can_be_put_back(sam: Fleet) -> None:
    before = tree(sam)
    for path in files(sam):
        path.unlink()
    await sam.use(load_settings(sam.ctx.paths.repository).require())
    for _ in range(2):
        await revisions.look(sam.ctx, sam.ctx.settings)
    assert known(sam)[1:] == [(2, "changed", "watcher", None)]
    shown = said(sam, "agent", "rollback", "sam", "--dry-run").stdout
    assert "from now (+) back to revision 1 (-):" in shown
    assert "-role: developer" in shown.splitlines()
    assert "no watcher runs" in said(sam, "agent", "rollback", "sam", "--yes").stdout
    assert tree(sam) == before


async def test_what_is_in_the_way_of_coming_back_is_not_written_over(sam: Fleet) -> None:
    await do(sam, "remove_agent", agent="sam")
    prompt = files(sam)[1]
    prompt.write_text("Mine now.\n")
    with pytest.raises(Conflict, match=r"prompts/sam\.md"):
        await do(sam, "rollback_agent", agent="sam")
    assert prompt.read_text() == "Mine now.\n"
    assert not files(sam)[0].exists()
    await do(sam, "rollback_agent", agent="sam", shared=True)
    assert prompt.read_text() != "Mine now.\n"


async def test_a_prompt_of_others_too_stays(sam: Fleet) -> None:
    file = sam.ctx.paths.repository / ".fleet" / "agents" / "ada.yaml"
    file.write_text("role: developer\nvendor: shell\nprompt_file: .fleet/prompts/sam.md\n")
    await sam.use(load_settings(sam.ctx.paths.repository).require())
    (shown,) = await preview(sam, "sam")
    assert (shown["files"], shown["notes"]) == (
        [".fleet/agents/sam.yaml"],
        [".fleet/prompts/sam.md stays, the prompt of ada too"],
    )
    await do(sam, "remove_agent", agent="ada")
    assert files(sam)[1].exists(), "another's, whoever uses it"
    assert await preview(sam, "sam") != [shown]
    await do(sam, "rollback_agent", agent="ada")
    await do(sam, "remove_agent", agent="sam")
    assert files(sam)[1].exists()
    files(sam)[1].write_text("Other.\n")
    with pytest.raises(Conflict, match="is the prompt of ada too"):
        await do(sam, "rollback_agent", agent="sam")


async def test_it_is_taken_out_of_its_teams_which_is_a_revision_of_them(sam: Fleet) -> None:
    await do(sam, "create_team", team="web", agents=["dev", "sam"])
    await do(sam, "create_team", team="solo", agents=["sam"])
    answer = await do(sam, "remove_agent", agent="sam")
    assert "taken out of the teams solo, web" in answer["message"]
    assert (sam.ctx.settings.team("web").agents, sam.ctx.settings.team("solo").agents) == (("dev",), ())
    (newest,) = team_history.history(sam.ctx.reader, "web")[-1:]
    assert (newest.act, newest.actor, newest.agents) == ("edited", "operator:kim", ("dev",))
    assert sam.events(TeamsRevised.kind)[-1].seq > sam.events(AgentsRevised.kind)[-1].seq
    back = await do(sam, "rollback_agent", agent="sam")
    assert all(f"fleet team add {team} sam" in back["message"] for team in ("solo", "web"))


async def test_several_are_looked_at_as_they_would_go(sam: Fleet) -> None:
    repository = sam.ctx.paths.repository
    await do(sam, "create_team", team="web", agents=["dev", "sam"])
    for name, more in (("ada", "reports_to: sam\n"), ("bo", "reports_to: ada\n")):
        text = f"role: developer\nvendor: shell\nprompt: Do it.\n{more}"
        (repository / ".fleet" / "agents" / f"{name}.yaml").write_text(text)
    await sam.use(load_settings(repository).require())
    before = {name: text for name, text in tree(sam).items() if "teams" not in name}
    (refused,) = await preview(sam, "sam")
    assert "there is no agent `sam`" in refused["refused"]["message"]
    shown = await preview(sam, "sam", "bo", "ada", "dev", "nobody")
    assert [(row["agent"], row.get("refused", {}).get("title")) for row in shown] == [
        ("bo", None),
        ("ada", None),
        ("sam", None),
        ("dev", "not to be removed here"),
        ("nobody", "no such agent"),
    ]
    for row in shown[:3]:
        await do(sam, "remove_agent", agent=row["agent"], seen=row["seen"])
    assert [one.name for one in sam.ctx.settings.agents] == ["dev", "lee"]
    with pytest.raises(UsageError, match="there is no agent `ada`"):
        await do(sam, "rollback_agent", agent="bo")
    for name in ("sam", "ada", "bo"):
        await do(sam, "rollback_agent", agent=name)
    assert {name: text for name, text in tree(sam).items() if "teams" not in name} == before


async def working(fleet: Fleet) -> None:
    queued = RunQueued("run-1", "sam", "developer", "shell", None, "ticket_ready")
    await fleet.say(queued, "agent:sam")


async def contained(fleet: Fleet) -> None:
    await do(fleet, "quarantine", agent="sam", reason="odd")


async def holding(fleet: Fleet) -> None:
    number = await fleet.ticket(ready=False)
    await fleet.settle()
    await fleet.say(TicketClaimed(number, "sam", "run-0"), f"ticket:{number}")
    await fleet.say(TicketBlocked(number, "stopped", None), f"ticket:{number}")


async def with_a_secret(fleet: Fleet) -> None:
    file, _ = files(fleet)
    file.write_text(file.read_text() + "env: {API_KEY: hunter2}\n")
    await fleet.use(load_settings(fleet.ctx.paths.repository).require())


REFUSED: tuple[tuple[Callable[[Fleet], Awaitable[None]], type[FleetError], str, str], ...] = (
    (working, Conflict, "a run of sam waits to begin", "fleet agent stop sam"),
    (contained, Conflict, "in quarantine: sam: odd", "fleet agent release sam"),
    (holding, Conflict, "sam has ticket #1, which is blocked", "fleet ticket ready 1"),
    (with_a_secret, UsageError, "may hold secrets", "remove the file"),
)


@pytest.mark.parametrize(("begin", "kind", "says", "hint"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
async def test_it_is_refused_with_what_to_do(
    sam: Fleet, begin: Callable[[Fleet], Awaitable[None]], kind: type[FleetError], says: str, hint: str
) -> None:
    await begin(sam)
    before, history = tree(sam), known(sam)
    with pytest.raises(kind, match=says) as refused:
        await do(sam, "remove_agent", agent="sam")
    assert hint in refused.value.hint
    assert (await preview(sam, "sam"))[0]["refused"]["hint"] == refused.value.hint
    assert (tree(sam), known(sam)) == (before, history)


async def test_a_blocked_ticket_is_given_to_another_by_what_the_refusal_says(sam: Fleet) -> None:
    await holding(sam)
    await do(sam, "pause", agent="sam")
    await do(sam, "unblock", ticket=1)
    await do(sam, "remove_agent", agent="sam")
    assert sam.of_ticket().state is not TicketState.BLOCKED


async def test_an_open_pull_request_keeps_its_author(sam: Fleet) -> None:
    await do(sam, "pause", agent="dev")
    await sam.ticket()
    await sam.settle()
    _, pull_request = await sam.author(name="sam")
    with pytest.raises(Conflict, match=f"PR {pull_request.number} of sam is needs_review") as refused:
        await do(sam, "remove_agent", agent="sam")
    assert refused.value.hint.endswith(f"fleet pr show {pull_request.number}")


async def test_what_stands_in_the_configuration_is_a_person_s_to_edit(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer")], teams=[{"name": "web", "agents": ["dev"]}])
    lines = (fleet.ctx.paths.repository / ".fleet" / "config.yaml").read_text().splitlines()
    with pytest.raises(UsageError) as refused:
        await do(fleet, "remove_agent", agent="dev")
    assert f".fleet/config.yaml:{lines.index('- name: dev') + 1}" in str(refused.value)
    await do(fleet, "create_agent", **SAM)
    config = fleet.ctx.paths.repository / ".fleet" / "config.yaml"
    config.write_text(config.read_text().replace("  agents:\n  - dev\n", "  agents:\n  - dev\n  - sam\n"))
    await fleet.use(load_settings(fleet.ctx.paths.repository).require())
    line = config.read_text().splitlines().index("  - sam") + 1
    with pytest.raises(Conflict, match=rf"team web, which stands in \.fleet/config\.yaml:{line}") as other:
        await do(fleet, "remove_agent", agent="sam")
    assert other.value.hint == "take it out there, then again"


async def test_the_last_reviewer_that_is_required_stays(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer")], reviews={"required": "all"})
    await do(fleet, "create_agent", **{**SAM, "agent": "rev", "template": "correctness-reviewer", "fills": {}})
    config = fleet.ctx.paths.repository / ".fleet" / "config.yaml"
    config.write_text(config.read_text().replace("required: all", "required: 1"))
    await fleet.use(load_settings(fleet.ctx.paths.repository).require())
    with pytest.raises(Conflict, match="no enabled agent may review") as refused:
        await do(fleet, "remove_agent", agent="rev")
    assert refused.value.hint == "add a reviewer, or require fewer"


async def test_it_goes_whole_or_not_at_all(sam: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await do(sam, "create_team", team="web", agents=["dev", "sam"])
    before, history = tree(sam), known(sam)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await do(sam, "remove_agent", agent="sam", seen="0" * 64)
    unlink = Path.unlink

    def stuck(path: Path, missing_ok: bool = False) -> None:
        if path.name == "sam.md":
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", stuck)
    with pytest.raises(FleetError, match="Permission denied") as refused:
        await do(sam, "remove_agent", agent="sam")
    assert refused.value.hint == "nothing was changed"
    assert (tree(sam), known(sam)) == (before, history)
