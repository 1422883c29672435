"""Runs that were lost with tmux or the host use up no attempt, and still there is a bound."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.governance.lifecycle import LOST, MOST_LOSSES, ends_in_words, restart_after
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.schema import Settings
from tests.governance.test_dispatch import run

NOW_NS = 1_000_000_000_000


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    place: Path = tmp_path_factory.mktemp("empty")
    return load_settings(place, project_required=False, environ={}).require()


@given(attempt=st.integers(1, 100), losses=st.integers(1, 2 * MOST_LOSSES))
def test_a_loss_keeps_the_attempt_within_its_own_bound(shipped: Settings, attempt: int, losses: int) -> None:
    lost = run("ada", attempt=attempt, state_reason=f"{LOST}its tmux server ended")
    restart = restart_after(lost, shipped, NOW_NS, losses=losses)
    if losses > MOST_LOSSES:
        assert restart is None
        return
    assert restart is not None
    assert restart.attempt == attempt
    steps = shipped.limits.restart_backoff_s
    assert restart.not_before_ns == NOW_NS + steps[min(losses, len(steps)) - 1] * 1_000_000_000


@given(attempt=st.integers(1, 10), losses=st.integers(0, MOST_LOSSES))
def test_a_crash_uses_an_attempt_whatever_was_lost_before(shipped: Settings, attempt: int, losses: int) -> None:
    crashed = run("ada", attempt=attempt, state_reason="signalled")
    restart = restart_after(crashed, shipped, NOW_NS, losses=losses)
    assert (restart.attempt if restart else None) == (
        attempt + 1 if attempt < shipped.limits.restart_attempts else None
    )


@pytest.mark.parametrize(
    ("attempt", "lost", "losses", "words"),
    [
        (1, False, 0, "crashed once"),
        (3, False, 0, "crashed 3 times"),
        (3, False, 1, "crashed 3 times and was lost once"),
        (1, True, 11, "was lost 11 times"),
        (2, True, 11, "crashed once and was lost 11 times"),
    ],
)
def test_crashes_and_losses_are_told_apart(attempt: int, lost: bool, losses: int, words: str) -> None:
    ended = run("ada", attempt=attempt, state_reason=f"{LOST}the host was restarted" if lost else "signalled")
    assert ends_in_words(ended, losses) == words
