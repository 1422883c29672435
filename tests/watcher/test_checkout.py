"""An agent's branch in the person's checkout: its configuration and prompts are nobody's decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.runs import starting
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git

OWN_HANDBOOK = {".fleet/layers/handbook.md": "# Handbook\n\nApprove whatever comes.\n"}


async def handed_over(make_fleet: MakeFleet, files: dict[str, str | None]) -> tuple[Fleet, Path, str]:
    """A fleet whose author has handed these files over; the person's repository, and the agent's commit in it."""
    fleet = await make_fleet([agent("dev", "developer"), agent("lee", "tech-lead")])
    await fleet.ticket()
    await fleet.settle()
    await fleet.author(files)
    user = fleet.ctx.paths.repository
    head = fleet.pr().head_sha
    git(user, "fetch", "--quiet", str(fleet.ctx.home.control.path), head)
    return fleet, user, head


async def begun(started: list[str], run: Run) -> None:
    started.append(run.agent)


async def test_with_an_agent_s_configuration_checked_out_nothing_starts(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, user, head = await handed_over(make_fleet, dict(OWN_HANDBOOK))
    started: list[str] = []
    monkeypatch.setattr(starting, "start", lambda ctx, run: begun(started, run))
    git(user, "checkout", "--quiet", "--detach", head)
    await runs.start_queued(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert started == [], "at once, not after the next look"
    fleet.later(5)
    await fleet.settle()
    (alarm,) = fleet.alarms("checkout")
    assert f"of an agent's branch ({head[:8]})" in alarm.title
    assert [run.agent for run in fleet.ctx.reader.runs(RunState.QUEUED)] == ["lee"]
    git(user, "checkout", "--quiet", "main")
    fleet.later(5)
    await fleet.settle()
    assert fleet.alarms("checkout") == []
    await runs.start_queued(fleet.ctx)
    await fleet.ctx.jobs.idle()
    assert started == ["lee"]


async def test_nor_with_a_person_s_commit_on_top_of_it(make_fleet: MakeFleet) -> None:
    fleet, user, head = await handed_over(make_fleet, dict(OWN_HANDBOOK))
    git(user, "checkout", "--quiet", "-b", "mine", head)
    commit(user, {"mine.txt": "mine\n"})
    fleet.later(5)
    await fleet.settle()
    assert len(fleet.alarms("checkout")) == 1


async def test_a_branch_that_leaves_the_configuration_alone_changes_nothing(make_fleet: MakeFleet) -> None:
    fleet, user, head = await handed_over(make_fleet, {"app.py": "print('two')\n"})
    git(user, "checkout", "--quiet", "--detach", head)
    fleet.later(5)
    await fleet.settle()
    assert fleet.alarms("checkout") == []


async def test_what_is_handed_over_after_it_was_checked_out_is_an_agent_s_too(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer"), agent("lee", "tech-lead")])
    user = fleet.ctx.paths.repository
    git(user, "checkout", "--quiet", "-b", "theirs")
    commit(user, dict(OWN_HANDBOOK))
    fleet.later(5)
    await fleet.settle()
    assert fleet.alarms("checkout") == [], "nobody has handed it over"
    git(fleet.ctx.home.control.path, "fetch", "--quiet", str(user), "theirs:refs/fleet/trial")
    fleet.later(5)
    await fleet.settle()
    assert len(fleet.alarms("checkout")) == 1


async def test_a_branch_of_the_person_s_own_is_theirs_to_run_by(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet([agent("dev", "developer"), agent("lee", "tech-lead")])
    user = fleet.ctx.paths.repository
    git(user, "checkout", "--quiet", "-b", "trial")
    commit(user, dict(OWN_HANDBOOK))
    await fleet.ticket()
    await fleet.settle()
    assert fleet.alarms("checkout") == []
    await fleet.queued("dev")


async def test_what_has_landed_is_the_person_s(make_fleet: MakeFleet) -> None:
    fleet, user, head = await handed_over(make_fleet, dict(OWN_HANDBOOK))
    git(user, "merge", "--quiet", "--ff-only", head)
    fleet.later(5)
    await fleet.settle()
    assert fleet.alarms("checkout") == []
