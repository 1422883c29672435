"""What a watcher that was started again still knows, and does not do twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet_tui.domain.errors import Refused
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import Isolation, RunState
from fleet_tui.git.homes import gate_beside
from fleet_tui.governance.isolation import Level
from fleet_tui.tmux.records import ExitRecord, write_exit
from fleet_tui.watcher import refusals
from fleet_tui.watcher.confinement.outlets import log_of
from fleet_tui.watcher.passes import runs
from fleet_tui.watcher.risk.behaviour import behaviour
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent, commit, git

ZERO = "0" * 40


async def started_again(fleet: Fleet) -> Fleet:
    """The same fleet with another watcher: only what is on disk is left."""
    await fleet.close()
    again = await Fleet.open(fleet.ctx.paths.repository)
    fleet.ctx = again.ctx  # closed with the test
    return again


async def at_work(make_fleet: MakeFleet) -> tuple[Fleet, Run]:
    fleet = await make_fleet([agent("dev", "developer"), agent("lee", "tech-lead")])
    fleet.ctx.level = Level(Isolation.L1, "for this test")
    await fleet.ticket()
    await fleet.settle()
    return fleet, await fleet.queued("dev")


def push_elsewhere(run: Run, name: str) -> None:
    git(Path(run.workspace), "push", "--quiet", "origin", f"HEAD:refs/heads/{name}", check=False)


def told(fleet: Fleet) -> list[str]:
    return [event.payload["reason"] for event in fleet.events("policy_denied")]


async def test_refused_pushes_are_told_once_over_a_restart(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    push_elsewhere(run, "one")
    await refusals.refused_pushes(fleet.ctx)
    fleet = await started_again(fleet)
    await refusals.refused_pushes(fleet.ctx)
    assert told(fleet) == ["push to refs/heads/one: only its own branch"]
    push_elsewhere(run, "two")
    await refusals.refused_pushes(fleet.ctx)
    assert told(fleet)[1:] == ["push to refs/heads/two: only its own branch"]
    assert fleet.agent().denials == 2


async def test_a_watcher_that_died_between_telling_and_noting_tells_nothing_twice(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    push_elsewhere(run, "one")
    await refusals.refused_pushes(fleet.ctx)
    (place,) = (fleet.ctx.paths.state / "refusals").iterdir()
    place.unlink()
    fleet = await started_again(fleet)
    await refusals.refused_pushes(fleet.ctx)
    assert len(told(fleet)) == 1


async def test_the_hundred_and_first_refusal_counts_and_a_flood_is_summed_up(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    log = gate_beside(Path(run.workspace)) / "refused.log"
    log.write_text("".join(f"{ZERO} {ZERO} refs/heads/n{number}\n" for number in range(refusals.MOST_AT_ONCE)))
    await refusals.refused_pushes(fleet.ctx)
    push_elsewhere(run, "later")
    await refusals.refused_pushes(fleet.ctx)
    assert told(fleet)[refusals.MOST_AT_ONCE :] == ["push to refs/heads/later: only its own branch"]
    with log.open("a") as file:
        file.writelines(f"{ZERO} {ZERO} refs/heads/m{number}\n" for number in range(5_000))
    await refusals.refused_pushes(fleet.ctx)
    await refusals.refused_pushes(fleet.ctx)
    assert len(told(fleet)) == 2 * refusals.MOST_AT_ONCE + 2
    assert told(fleet)[-1] == "4900 more refused pushes"


async def test_an_emptied_log_hides_nothing_that_comes_after(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    log = gate_beside(Path(run.workspace)) / "refused.log"
    for name in ("one", "two"):
        push_elsewhere(run, name)
        await refusals.refused_pushes(fleet.ctx)
        log.write_text("")
        await refusals.refused_pushes(fleet.ctx)
    assert told(fleet) == [f"push to refs/heads/{name}: only its own branch" for name in ("one", "two")]


def refuse_host(fleet: Fleet, run: Run, target: str, times: int = 1) -> None:
    """What the proxy of ``run`` writes."""
    with log_of(fleet.ctx.paths.run_dir(run.id)).open("a") as log:
        log.write(json.dumps({"target": target, "reason": "it is not in isolation.network", "times": times}) + "\n")


async def test_refused_hosts_are_told_once_over_a_restart_and_are_no_offence(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    for number in range(5):
        refuse_host(fleet, run, f"h{number}.example:443")
    await refusals.refused_pushes(fleet.ctx)
    fleet = await started_again(fleet)
    await refusals.refused_pushes(fleet.ctx)
    refuse_host(fleet, run, "h1.example:443", 10)
    with log_of(fleet.ctx.paths.run_dir(run.id)).open("a") as log:
        log.write("{}\n[1]\n{half a line")
    await refusals.refused_pushes(fleet.ctx)
    await refusals.refused_pushes(fleet.ctx)
    events = fleet.events("policy_denied")
    assert [event.payload["act"] for event in events] == [
        *(f"connect h{number}.example:443" for number in range(5)), "connect h1.example:443",
    ]  # fmt: skip
    assert told(fleet)[-1] == "it is not in isolation.network (10 times)"
    assert {(event.actor, event.payload["run"]) for event in events} == {(f"agent:dev/{run.id}", run.id)}
    assert fleet.agent().denials == 0
    assert behaviour(fleet.ctx, [run], None).denied == ()


async def test_a_host_refused_just_before_the_end_is_told(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    refuse_host(fleet, run, "example.com:443")
    await ended(fleet, run, 1)
    (event,) = fleet.events("policy_denied")
    assert (event.payload["run"], event.payload["act"]) == (run.id, "connect example.com:443")


async def ended(fleet: Fleet, run: Run, code: int) -> Run:
    write_exit(fleet.ctx.paths.run_dir(run.id), ExitRecord(code, None, 1000, "exited", 1))
    (fleet.ctx.paths.run_dir(run.id) / "runner.json").touch()
    await runs.observe(fleet.ctx)
    await fleet.ctx.jobs.idle()
    return fleet.run(run.id)


async def test_a_push_just_before_the_end_is_held_against_the_run_that_made_it(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    push_elsewhere(run, "parting-shot")
    assert (await ended(fleet, run, 1)).state is RunState.CRASHED
    (event,) = fleet.events("policy_denied")
    assert event.payload["run"] == run.id


@pytest.mark.parametrize("restart", [False, True])
async def test_why_a_hand_over_was_refused_is_told_at_the_end_also_after_a_restart(
    make_fleet: MakeFleet, restart: bool
) -> None:
    fleet, run = await at_work(make_fleet)
    for _ in range(3):
        with pytest.raises(Refused, match="nothing to review"):
            await fleet.publish(run, "pr_created")
    (event,) = fleet.events("hand_over_refused")  # said once, however often it asks
    assert (event.subject, event.actor) == (f"run:{run.id}", f"agent:dev/{run.id}")
    if restart:
        fleet = await started_again(fleet)
    over = await ended(fleet, run, 3)
    assert over.state is RunState.CRASHED
    assert "nothing to review: branch agent/1-say-two has no commits" in over.state_reason


async def test_an_accepted_hand_over_is_no_refusal(make_fleet: MakeFleet) -> None:
    fleet, run = await at_work(make_fleet)
    with pytest.raises(Refused):
        await fleet.publish(run, "pr_created")
    commit(Path(run.workspace), {"app.py": "print(2)\n"})
    await fleet.publish(run, "pr_created")
    assert (await ended(fleet, run, 0)).state is RunState.FINISHED
