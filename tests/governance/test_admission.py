"""How many runs the host bears: one always, and never into what is to stay free."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.governance.admission import Host, refusal
from fleet_tui.settings.limits import Limits

MB = st.integers(0, 100_000)
HOSTS = st.builds(Host, MB, st.none() | st.floats(0, 100))
LIMITS = st.builds(
    Limits,
    memory_reserve_mb=MB,
    memory_run_mb=st.integers(1, 10_000),
    memory_pressure=st.none() | st.integers(1, 100),
)


def started(host: Host, limits: Limits, living: int, most: int = 40) -> int:
    """How many one look at the host admits."""
    coming = 0
    while coming < most and not refusal(host, limits, living=living + coming, coming=coming):
        coming += 1
    return coming


@given(HOSTS, LIMITS, st.integers(0, 20))
def test_what_is_to_stay_free_stays_free(host: Host, limits: Limits, living: int) -> None:
    many = started(host, limits, living)
    if living == 0:
        assert many >= 1, "a small machine does something"
    beyond = many if living else many - 1
    if limits.memory_reserve_mb and beyond:
        assert host.available_mb - many * limits.memory_run_mb >= limits.memory_reserve_mb


@given(HOSTS, LIMITS, st.integers(0, 20), MB)
def test_more_memory_and_less_pressure_never_admit_fewer(host: Host, limits: Limits, living: int, more_mb: int) -> None:
    better = Host(host.available_mb + more_mb, None if host.pressure is None else host.pressure / 2)
    assert started(better, limits, living) >= started(host, limits, living)


@given(HOSTS, LIMITS, HOSTS)
def test_the_same_reason_is_said_in_the_same_words(host: Host, limits: Limits, later: Host) -> None:
    said = {refusal(one, limits, living=1, coming=0) for one in (host, later)} - {""}
    assert len(said) <= 2
    assert all("no memory for one run more" in words or "wait for memory" in words for words in said)


@given(HOSTS)
def test_without_limits_nobody_waits(host: Host) -> None:
    limits = Limits(memory_reserve_mb=0, memory_pressure=None)
    assert started(host, limits, 5) == 40


def test_no_memory_left_and_under_pressure() -> None:
    limits = Limits(memory_reserve_mb=500, memory_run_mb=300, memory_pressure=20)
    assert started(Host(1_700), limits, living=3) == 4
    assert started(Host(799), limits, living=3) == 0
    assert started(Host(799), limits, living=0) == 1
    assert "wait for memory" in refusal(Host(99_000, 20.0), limits, living=1, coming=0)
