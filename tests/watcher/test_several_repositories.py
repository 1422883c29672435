"""One fleet with two repositories: a ticket is worked on, judged and landed in its own, and one holds up no other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.states import EffectState, PullRequestState, RunState, TicketState
from fleet_tui.readmodel.fanout import plan
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.system import report
from fleet_tui.vendors.base import Launch
from fleet_tui.watcher.confinement import isolation
from fleet_tui.watcher.desks import system_desk
from fleet_tui.watcher.passes import dispatch, merges
from fleet_tui.watcher.repos.repositories import UNUSABLE
from fleet_tui.watcher.runs import prompt, reading, starting
from fleet_tui.watcher.verify import verify_fleet
from tests.watcher.conftest import MakeFleet
from tests.watcher.several_support import CHECKED, TEAM, api, to_landing
from tests.watcher.watcher_support import Fleet, agent, commit, git

__all__ = ["api"]


class Killed(BaseException):
    """Stands for the end of the process at this point."""


@pytest.fixture
async def fleet(make_fleet: MakeFleet, api: Path) -> Fleet:
    made = await make_fleet(TEAM, repos={"api": CHECKED})
    await made.settle()
    return made


@pytest.mark.slow
async def test_each_lands_where_its_ticket_is_of(fleet: Fleet, api: Path) -> None:
    shop, theirs = fleet.ctx.paths.repository, git(fleet.ctx.paths.repository, "rev-parse", "main")
    await fleet.ticket("Serve twice", repo="api")
    await fleet.ticket("Say two")
    await fleet.settle()
    pr = await to_landing(fleet, 1, {"server.py": "print('serve twice')\n"})
    await fleet.settle()
    assert fleet.of_ticket(1).state is TicketState.SHIPPED
    assert (fleet.pr(pr).target, fleet.of_ticket(1).repo) == ("trunk", "api")
    assert (api / "server.py").read_text() == "print('serve twice')\n"
    assert git(shop, "rev-parse", "main") == theirs
    assert [gate.name for gate in fleet.ctx.reader.gates(pr=pr)] == ["there"]
    other = await to_landing(fleet, 2, {"app.py": "print('two')\n"})
    await fleet.settle()
    assert (shop / "app.py").read_text() == "print('two')\n"
    assert list(fleet.ctx.reader.gates(pr=other)) == []
    (row,) = fleet.ctx.reader.repositories()
    assert (row.name, row.target, row.published_sha) == ("api", "trunk", git(api, "rev-parse", "trunk"))
    assert fleet.ctx.reader.fleet().published_sha == git(shop, "rev-parse", "main")
    assert [told for told in await verify_fleet(fleet.ctx.paths, deep=True) if told.startswith("P5")] == []


@pytest.mark.slow
async def test_one_that_is_gone_holds_up_its_own_tickets_alone(fleet: Fleet, api: Path) -> None:
    for title, repo in (("Serve twice", "api"), ("Say two", "")):
        await fleet.ticket(title, repo=repo)
    await fleet.settle()
    await to_landing(fleet, 1, {"server.py": "print('serve twice')\n"})
    away = api.rename(api.with_name("away"))
    await fleet.ticket("Serve thrice", repo="api")
    pr = await to_landing(fleet, 2, {"app.py": "print('two')\n"})
    await fleet.settle()
    assert fleet.pr(pr).state is PullRequestState.MERGED
    assert fleet.of_ticket(1).state is TicketState.IN_REVIEW
    assert fleet.of_ticket(3).state is TicketState.READY
    (alarm,) = fleet.alarms()
    assert (alarm.rule, alarm.about) == (UNUSABLE, "repo:api")
    away.rename(api)
    await fleet.settle()
    assert fleet.of_ticket(1).state is TicketState.SHIPPED
    assert fleet.of_ticket(3).state is TicketState.IN_PROGRESS
    assert (api / "server.py").read_text() == "print('serve twice')\n"
    assert fleet.alarms() == []


@pytest.mark.slow
async def test_a_damaged_control_repository_is_one_repositorys_matter(fleet: Fleet) -> None:
    await fleet.ticket("Serve twice", repo="api")
    await fleet.ticket("Say two")
    await fleet.settle()
    shutil.rmtree(fleet.ctx.paths.control_of("api") / "refs")
    pr = await to_landing(fleet, 2, {"app.py": "print('two')\n"})
    await fleet.settle()
    assert fleet.pr(pr).state is PullRequestState.MERGED
    assert [(alarm.rule, alarm.about) for alarm in fleet.alarms()] == [(UNUSABLE, "repo:api")]


async def test_a_run_that_meets_a_missing_repository_waits(fleet: Fleet, api: Path) -> None:
    """It went away since it was looked at last: nothing of that is the agent's fault."""
    await fleet.ticket("Serve twice", repo="api")
    await fleet.settle()
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED)
    away = api.rename(api.with_name("away"))
    await starting.start(fleet.ctx, run)
    assert fleet.run(run.id).state is RunState.QUEUED
    assert fleet.of_ticket(1).state is TicketState.IN_PROGRESS
    assert [alarm.rule for alarm in fleet.alarms()] == [UNUSABLE]
    away.rename(api)
    await fleet.settle()
    assert fleet.ctx.usable(run)


@pytest.mark.slow
async def test_both_land_in_one_pass(fleet: Fleet) -> None:
    await fleet.ticket("Serve twice", repo="api")
    await fleet.ticket("Say two")
    await fleet.settle()
    for number, files in ((1, {"server.py": "print('twice')\n"}), (2, {"app.py": "print('two')\n"})):
        await to_landing(fleet, number, files)
    await merges.land(fleet.ctx)
    assert [fleet.pr(number).state for number in (1, 2)] == [PullRequestState.MERGED] * 2


@pytest.mark.slow
async def test_a_diverged_one_stops_its_own_landings_alone(fleet: Fleet, api: Path) -> None:
    for title, repo in (("Serve twice", "api"), ("Say two", "")):
        await fleet.ticket(title, repo=repo)
    await fleet.settle()
    mine = await to_landing(fleet, 1, {"server.py": "print('twice')\n"})
    git(api, "commit", "--quiet", "--amend", "-m", "another history")
    other = await to_landing(fleet, 2, {"app.py": "print('two')\n"})
    await fleet.settle()
    assert [(alarm.rule, alarm.about) for alarm in fleet.alarms("target-diverged")] == [("target-diverged", "repo:api")]
    assert fleet.pr(mine).state is PullRequestState.GATED
    assert fleet.pr(other).state is PullRequestState.MERGED


@pytest.mark.slow
@pytest.mark.parametrize("landed", [False, True])
async def test_a_landing_that_was_cut_off_is_finished_in_its_repository(
    fleet: Fleet, api: Path, monkeypatch: pytest.MonkeyPatch, landed: bool
) -> None:
    await fleet.ticket("Serve twice", repo="api")
    await fleet.settle()
    pr = await to_landing(fleet, 1, {"server.py": "print('twice')\n"})
    control = fleet.ctx.others["api"].control
    land = control.land

    async def dying(new: str, old: str) -> bool:
        monkeypatch.setattr(control, "land", land)
        if landed:
            assert await land(new, old)
        raise Killed

    monkeypatch.setattr(control, "land", dying)
    with pytest.raises(Killed):
        await merges.land(fleet.ctx)
    assert len(fleet.ctx.reader.effects(EffectState.ATTEMPTING, name="merge")) == 1
    await fleet.settle()
    assert fleet.pr(pr).state is PullRequestState.MERGED
    assert (api / "server.py").read_text() == "print('twice')\n"
    assert [told for told in await verify_fleet(fleet.ctx.paths, deep=True) if told.startswith("P5")] == []


async def test_a_person_commits_to_it(fleet: Fleet, api: Path) -> None:
    sha = commit(api, {"more.py": "pass\n"})
    await fleet.settle()
    moved = [event for event in fleet.events("target_moved") if event.payload["repo"] == "api"]
    assert (moved[-1].payload["new_sha"], moved[-1].subject) == (sha, "repo:api")
    assert await fleet.ctx.others["api"].base() == sha


async def test_a_ticket_of_an_unknown_one_is_told(fleet: Fleet) -> None:
    await fleet.ticket("Where?", repo="no\x1b[31mwhere")
    await fleet.ticket("Say two")
    await fleet.settle()
    assert fleet.ctx.reader.ticket(1) is None
    assert fleet.of_ticket(2).state is TicketState.IN_PROGRESS
    (alarm,) = fleet.alarms("ticket-file")
    assert "no repository `no" in alarm.title
    assert "\x1b" not in alarm.title


async def test_a_ticket_moves_only_before_work_on_it_began(fleet: Fleet) -> None:
    await fleet.ticket("Serve twice", ready=False)
    await fleet.settle()
    (file,) = fleet.ctx.paths.tickets.glob("0001-*")
    text = file.read_text()
    file.write_text(text.replace("priority: 3\n", "priority: 3\nrepo: api\n"))
    await fleet.settle()
    assert fleet.of_ticket(1).repo == "api"
    await fleet.ctx.forge.set_labels(1, add=["ready"])
    await fleet.settle()
    file.write_text(file.read_text().replace("repo: api\n", "repo: home\n"))
    await fleet.settle()
    assert fleet.of_ticket(1).repo == "api"
    (alarm,) = fleet.alarms("ticket-file")
    assert "began in api" in alarm.title


async def test_agents_work_and_review_where_they_are_bound_to(make_fleet: MakeFleet, api: Path) -> None:
    team = [
        agent("dev", "developer", repos=["home"]),
        agent("server", "developer", repos=["api"]),
        agent("lee", "tech-lead", repos=["home"]),
        agent("lia", "tech-lead", repos=["api"]),
    ]
    fleet = await make_fleet(team, repos={"api": {"path": str(api)}})
    await fleet.settle()
    await fleet.ticket("Serve twice", repo="api")
    await fleet.settle()
    run, _pull_request = await fleet.author({"server.py": "print('twice')\n"}, "server")
    await fleet.settle()
    assert [run.agent for run in fleet.ctx.reader.runs(RunState.QUEUED)] == ["lia"]
    assert run.base_sha == git(api, "rev-parse", "trunk")
    await fleet.reconfigure(agents=[{**team[0], "prompt_file": None}, team[2]])
    await fleet.ticket("Serve thrice", repo="api")
    await fleet.settle()
    (alarm,) = fleet.alarms("ticket-stuck")
    assert "nobody who takes tickets works in api" in alarm.title


async def test_a_schedule_starts_its_agent_where_it_works(make_fleet: MakeFleet, api: Path) -> None:
    fleet = await make_fleet(
        [agent("nightly", "developer", repos=["api"], schedule="* * * * *")], repos={"api": {"path": str(api)}}
    )
    await fleet.settle()
    fleet.later(120)
    await dispatch.schedule(fleet.ctx)
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert fleet.ctx.repository_of(run).name == "api"


async def test_one_that_was_taken_out_of_the_configuration_starts_nothing(fleet: Fleet) -> None:
    await fleet.ticket("Serve twice", repo="api")
    await fleet.settle()
    settings = fleet.ctx.settings
    await fleet.use(settings.model_copy(update={"repos": {}}))
    assert not fleet.ctx.is_usable("api"), "its gates would be others than those that it was given"
    await fleet.use(settings)
    assert fleet.ctx.is_usable("api")
    fleet.ctx.others.clear()
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED)
    assert not fleet.ctx.usable(run)
    with pytest.raises(FleetError, match="not in `repos`"):
        fleet.ctx.repository_of(run)
    await fleet.settle()
    assert "new in `repos`" in fleet.alarms("ticket-file")[0].title


async def test_its_checkout_is_hidden_from_agents(fleet: Fleet, api: Path) -> None:
    paths = fleet.ctx.paths.__class__(
        fleet.ctx.paths.repository, fleet.ctx.paths.fleet, fleet.ctx.paths.state, fleet.ctx.paths.runtime, (api,)
    )
    directories, _files = isolation.hidden(paths, fleet.ctx.settings.isolation)
    assert api in directories


async def test_parts_of_a_ticket_are_of_their_repositories(fleet: Fleet) -> None:
    await fleet.ticket("Pages", "- [ ] api: return them\n- [ ] show them\n", ready=False)
    await fleet.settle()
    answer = await fleet.person.answer("kim", "plan", {"ticket": 1})
    shown = plan(json.loads(json.dumps(answer)))  # as the room has it, and gives it back
    assert [(part.repo, part.title) for part in shown.parts] == [("api", "return them"), ("home", "show them")]
    wanted = {"ticket": 1, "body_sha": shown.body_sha, "parts": shown.given()}
    wrong = {**wanted, "parts": [{"title": "Return", "repo": "nowhere"}, {"title": "Show"}]}
    with pytest.raises(FleetError, match="no repository nowhere"):
        await fleet.person.answer("kim", "split", wrong)
    await fleet.person.answer("kim", "split", wanted)
    await fleet.settle()
    assert [(fleet.of_ticket(n).repo, fleet.of_ticket(n).depends_on) for n in (2, 3)] == [("api", ()), ("", (2,))]
    assert "repo:" not in next(fleet.ctx.paths.tickets.glob("0003-*")).read_text()


async def test_who_reads_all_finds_the_files_of_the_others(make_fleet: MakeFleet, api: Path) -> None:
    team = [agent("dev", "developer", reads="all"), agent("lee", "tech-lead")]
    fleet = await make_fleet(team, repos={"api": CHECKED})
    await fleet.settle()
    await fleet.ticket("Say two")
    await fleet.settle()
    run = await fleet.queued("dev")
    settings, paths = fleet.ctx.settings, fleet.ctx.paths
    await reading.prepare(fleet.ctx, run, settings.agent("dev"))
    await reading.prepare(fleet.ctx, run, settings.agent("lee"))
    (place,) = reading.places(paths, run.id).values()
    assert (place / "server.py").read_text() == "print('serve')\n"
    assert f"api in {place}" in prompt.build(fleet.ctx, run, settings.agent("dev"))
    control = fleet.ctx.repository_of(run).control.path
    view = isolation.view_of(paths, settings.isolation, "dev", run.id, Launch(("sh",)), Path(run.workspace), control)
    assert place in view.readable
    await reading.keep_only(paths, [run.id])
    assert place.is_dir()
    await reading.keep_only(paths, [])
    assert reading.places(paths, run.id) == {}


async def test_what_cannot_be_worked_in_is_not_read(make_fleet: MakeFleet, api: Path) -> None:
    fleet = await make_fleet([agent("dev", "developer", reads="all")], repos={"api": CHECKED})
    await fleet.settle()
    await fleet.ticket("Say two")
    await fleet.settle()
    run = await fleet.queued("dev")
    fleet.ctx.others["api"].trouble = "it is gone"
    await reading.prepare(fleet.ctx, run, fleet.ctx.settings.agent("dev"))
    fleet.ctx.others["api"].trouble = ""
    shutil.rmtree(fleet.ctx.paths.control_of("api") / "objects")
    await reading.prepare(fleet.ctx, run, fleet.ctx.settings.agent("dev"))
    assert reading.places(fleet.ctx.paths, run.id) == {}
    assert "to read and not to change" not in prompt.build(fleet.ctx, run, fleet.ctx.settings.agent("dev"))


async def test_an_agent_whose_work_cannot_begin_in_one_is_free_for_the_others(make_fleet: MakeFleet, api: Path) -> None:
    fleet = await make_fleet([agent("dev", "developer")], repos={"api": CHECKED})
    await fleet.settle()
    await fleet.ticket("Serve twice", repo="api")
    await fleet.settle()
    away = api.rename(api.with_name("away"))
    await fleet.ticket("Say two")
    await fleet.settle()
    queued = fleet.ctx.reader.runs(RunState.QUEUED)
    assert sorted(run.ticket or 0 for run in queued) == [1, 2]
    assert [run.ticket for run in queued if fleet.ctx.usable(run)] == [2]
    away.rename(api)


async def test_the_room_names_the_repository_of_a_ticket(fleet: Fleet) -> None:
    await fleet.ticket("Serve twice", repo="api")
    await fleet.ticket("Say two")
    await fleet.settle()
    await fleet.begin(next(run for run in fleet.ctx.reader.runs(RunState.QUEUED) if run.ticket == 1))
    snapshot = read_snapshot(fleet.ctx.store.reader, fleet.clock_ns)
    assert [tile.ticket_title for tile in snapshot.tiles if tile.ticket == 1] == ["api: Serve twice"]
    parts = report({"git": (await system_desk.describe(fleet.ctx, 1))["git"]}).parts
    (part,) = (part for part in parts if part.name == "repository")
    assert part.text == f"api: {fleet.ctx.others['api'].user.path}, lands on trunk"
    fleet.ctx.others["api"].trouble = "it is gone"
    parts = report({"git": (await system_desk.describe(fleet.ctx, 1))["git"]}).parts
    assert [part.trouble for part in parts if part.name == "repository"] == ["it is gone"]


async def test_what_lands_elsewhere_holds_up_no_release(fleet: Fleet) -> None:
    await fleet.ticket("Say two")
    await fleet.ticket("Serve twice", repo="api")
    await fleet.settle()
    await to_landing(fleet, 1, {"app.py": "print('two')\n"})
    await fleet.settle()
    await to_landing(fleet, 2, {"server.py": "print('serve twice')\n"})  # granted, not landed yet
    told = await fleet.person.answer("kim", "tag_release", {"version": "v1.0", "dry_run": True})
    assert told["reasons"] == []
