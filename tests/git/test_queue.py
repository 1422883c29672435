"""The merge queue: groups of three in flight; what lands is what was gated."""

from __future__ import annotations

import asyncio

import pytest

from fleet_tui.git.control import ControlRepository
from fleet_tui.git.queue import (
    Candidate,
    Conflicted,
    Landed,
    MergePlan,
    Mismatch,
    Moved,
    Nothing,
    land_checked,
    next_up,
    plan,
)
from fleet_tui.git.workspace import Workspaces

from .conftest import WHEN_NS, Repo


async def _candidate(
    control: ControlRepository, workspaces: Workspaces, number: int, files: dict[str, str | bytes | None], method: str
) -> Candidate:
    """An agent's pushed work on ticket ``number``, branched off the target as it is now."""
    paths = await workspaces.create(number, f"agent/{number}-work", await control.target_sha())
    agent = Repo(paths.path)
    agent.commit(files, f"work {number}")
    agent.git("push", "--quiet")
    head = await control.fetch_head(paths.gate, paths.branch, f"pr-{number}")
    assert head is not None
    return Candidate(number, head, f"Merge #{number}", WHEN_NS + number * 10**9, method)


async def _planned(control: ControlRepository, candidate: Candidate) -> MergePlan:
    ready = await plan(control, candidate)
    assert isinstance(ready, MergePlan)
    return ready


@pytest.mark.parametrize("method", ["merge", "squash"])
async def test_three_in_flight(control: ControlRepository, workspaces: Workspaces, method: str) -> None:
    """All three are planned on one base. Each that lands makes the others stale; planned again, nothing is reverted."""
    start = await control.target_sha()
    files: list[dict[str, str | bytes | None]] = [
        {"a.txt": "ONE\ntwo\nthree\n", "first": "1\n"},
        {"a.txt": "one\ntwo\nTHREE\n", "second": "2\n"},
        {"third": "3\n", "src/b.py": "x = 3\n"},
    ]
    waiting = [await _candidate(control, workspaces, number, change, method) for number, change in enumerate(files, 1)]
    plans = [await _planned(control, candidate) for candidate in waiting]
    assert {ready.base for ready in plans} == {start}

    assert await land_checked(control, plans[0]) == Landed(plans[0].commit)
    for candidate, stale in zip(waiting[1:], plans[1:], strict=True):
        assert await land_checked(control, stale) == Moved(await control.target_sha())
        fresh = await _planned(control, candidate)
        assert await land_checked(control, fresh) == Landed(fresh.commit)
        assert await control.tree_of(await control.target_sha()) == fresh.tree

    target = await control.target_sha()
    contents = {
        name: await control.read_file(target, name) for name in ("a.txt", "first", "second", "third", "src/b.py")
    }
    assert contents == {
        "a.txt": "ONE\ntwo\nTHREE\n", "first": "1\n", "second": "2\n", "third": "3\n", "src/b.py": "x = 3\n",
    }  # fmt: skip


async def test_three_in_flight_with_a_conflict_in_the_middle(
    control: ControlRepository, workspaces: Workspaces
) -> None:
    first = await _candidate(control, workspaces, 1, {"a.txt": "first\n"}, "merge")
    second = await _candidate(control, workspaces, 2, {"a.txt": "second\n", "also": "2\n"}, "squash")
    third = await _candidate(control, workspaces, 3, {"third": "3\n"}, "squash")
    one = await _planned(control, first)
    assert isinstance(await _planned(control, second), MergePlan), "no conflict before the first has landed"
    await land_checked(control, one)
    target = await control.target_sha()
    assert await plan(control, second) == Conflicted(2, second.head, target, ("a.txt",))
    three = await _planned(control, third)
    assert await land_checked(control, three) == Landed(three.commit)
    target = await control.target_sha()
    assert await control.tree_of(target) == three.tree
    assert await control.read_file(target, "also") is None
    assert await control.read_file(target, "a.txt") == "first\n"


async def test_landing_twice_is_landing_once(control: ControlRepository, workspaces: Workspaces) -> None:
    """A crash after the swap and before the record: the step is repeated, even when others have landed on top."""
    first = await _candidate(control, workspaces, 1, {"1": "1"}, "squash")
    second = await _candidate(control, workspaces, 2, {"2": "2"}, "squash")
    one = await _planned(control, first)
    assert await _planned(control, first) == one, "a crash before the swap: the same plan again"
    await land_checked(control, one)
    assert await land_checked(control, one) == Landed(one.commit, again=True)
    two = await _planned(control, second)
    await land_checked(control, two)
    assert await land_checked(control, one) == Landed(one.commit, again=True)
    assert await control.target_sha() == two.commit


async def test_two_land_at_once(control: ControlRepository, workspaces: Workspaces) -> None:
    candidates = [await _candidate(control, workspaces, number, {f"f{number}": "x"}, "merge") for number in (1, 2, 3)]
    plans = [await _planned(control, candidate) for candidate in candidates]
    results = await asyncio.gather(*(land_checked(control, ready) for ready in plans))
    assert sorted(type(result).__name__ for result in results) == ["Landed", "Moved", "Moved"]


async def test_the_user_moves_the_target_between_gate_and_landing(
    control: ControlRepository, workspaces: Workspaces, user: Repo
) -> None:
    ready = await _planned(control, await _candidate(control, workspaces, 1, {"1": "1"}, "merge"))
    theirs = user.commit({"user": "u"})
    await control.sync_target()
    assert await land_checked(control, ready) == Moved(theirs)
    assert await control.target_sha() == theirs


async def test_another_tree_than_the_gated_one_never_lands(control: ControlRepository, workspaces: Workspaces) -> None:
    first = await _planned(control, await _candidate(control, workspaces, 1, {"1": "1"}, "merge"))
    second = await _planned(control, await _candidate(control, workspaces, 2, {"2": "2"}, "merge"))
    swapped = MergePlan(first.pr, first.head, first.base, second.commit, first.tree)
    assert await land_checked(control, swapped) == Mismatch(first.tree, second.tree, landed=False)
    assert await control.target_sha() == first.base


async def test_a_mismatch_that_is_in_already_is_told(control: ControlRepository, workspaces: Workspaces) -> None:
    first = await _planned(control, await _candidate(control, workspaces, 1, {"1": "1"}, "merge"))
    await land_checked(control, first)
    forged = MergePlan(first.pr, first.head, first.base, first.commit, await control.tree_of(first.base))
    assert await land_checked(control, forged) == Mismatch(forged.tree, first.tree, landed=True)


async def test_nothing_to_land(control: ControlRepository, user: Repo) -> None:
    old = user.sha()
    new = user.commit({"x": "x"})
    await control.sync_target()
    assert await plan(control, Candidate(1, old, "m", WHEN_NS)) == Nothing(1, old, new)


def test_next_up_takes_the_first_that_still_stands() -> None:
    stale, fresh, later = (MergePlan(pr, "h", base, "c", "t") for pr, base in ((1, "old"), (2, "now"), (3, "now")))
    gated = {1: stale, 2: fresh, 3: later}
    assert next_up([1, 2, 3], gated, "now") == fresh
    assert next_up([3, 2, 1], gated, "now") == later
    assert next_up([4, 1], gated, "now") is None
    assert next_up([], {}, "now") is None
