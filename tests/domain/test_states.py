"""The sets of states cover what they claim to."""

from __future__ import annotations

from fleet_tui.domain.states import ENDED_RUNS, LIVE_RUNS, OPEN_PULL_REQUESTS, PullRequestState, RunState


def test_a_run_is_queued_live_or_ended() -> None:
    assert LIVE_RUNS | ENDED_RUNS | {RunState.QUEUED} == set(RunState)
    assert not LIVE_RUNS & ENDED_RUNS
    assert RunState.QUEUED not in LIVE_RUNS | ENDED_RUNS


def test_merged_and_closed_pull_requests_are_not_open() -> None:
    assert set(PullRequestState) - OPEN_PULL_REQUESTS == {PullRequestState.MERGED, PullRequestState.CLOSED}


def test_values_are_what_the_log_stores() -> None:
    assert RunState("quarantined") is RunState.QUARANTINED
    assert f"{RunState.RUNNING}" == "running"
