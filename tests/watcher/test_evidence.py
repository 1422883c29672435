"""The evidence of a containment: the work as it lies in the workspace, handed over or not."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.watcher import evidence
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git

TEAM = [agent("dev", "developer"), agent("lee", "tech-lead")]


async def kept(fleet: Fleet, run_id: str) -> tuple[str, str]:
    """The diff in the bundle, and the ref that holds the work."""
    await evidence.keep(fleet.ctx, fleet.run(run_id), 1)
    event = fleet.events("evidence_kept")[-1].payload
    return (fleet.ctx.paths.evidence / event["folder"] / "diff.patch").read_text(), event["backup_ref"]


async def test_what_was_never_pushed_is_in_the_diff_committed_or_not(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    tree = Path(run.workspace)
    commit(tree, {"conf.py": "KEY = 'AKIA'\n"})
    (tree / "draft.txt").write_text("half done\n")
    diff, ref = await kept(fleet, run.id)
    assert "+KEY = 'AKIA'" in diff
    assert "+half done" in diff
    assert "AKIA" in git(fleet.ctx.paths.control, "diff", run.base_sha, ref)


async def test_what_was_handed_over_and_changed_since_is_there_as_it_is_now(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    run = await fleet.queued("dev")
    await fleet.handed_over(run, {"app.py": "print('two')\n"})
    (Path(run.workspace) / "app.py").write_text("print('three')\n")
    diff, _ref = await kept(fleet, run.id)
    assert "print('three')" in diff
    assert "print('two')" not in diff


async def test_a_run_without_a_workspace_has_no_work(make_fleet: MakeFleet) -> None:
    fleet = await make_fleet(TEAM)
    await fleet.ticket()
    await fleet.settle()
    await fleet.author()
    await fleet.settle()
    reviewer = await fleet.queued("lee")
    diff, ref = await kept(fleet, reviewer.id)
    assert ref is None
    assert "== M app.py" in diff, "what it was looking at"
