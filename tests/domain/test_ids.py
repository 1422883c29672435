"""Generated names are safe wherever they are used, unique and in order of time."""

from __future__ import annotations

import shutil
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_tui.domain.ids import branch_for, is_safe_id, new_id, slugify

PREFIXES = ("run", "approval", "evt")


@given(st.sampled_from(PREFIXES), st.integers(0, 2**62))
def test_new_ids_are_safe_and_of_one_length(prefix: str, now_ns: int) -> None:
    made = new_id(prefix, now_ns=now_ns)
    assert is_safe_id(made)
    assert made.startswith(f"{prefix}-")
    assert len(made) == len(new_id(prefix))


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_ids_sort_by_time(first_ns: int, second_ns: int) -> None:
    early, late = sorted((first_ns, second_ns))
    time_of = slice(0, len("run-") + 9)
    assert new_id("run", now_ns=early)[time_of] <= new_id("run", now_ns=late)[time_of]


def test_ids_of_one_instant_differ() -> None:
    assert len({new_id("run", now_ns=1) for _ in range(20_000)}) == 20_000


@given(st.text(max_size=80))
def test_a_safe_id_has_nothing_that_a_shell_tmux_or_path_would_read(text: str) -> None:
    if is_safe_id(text):
        assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert not text.startswith("-")
        assert len(text) <= 63


def test_what_is_not_a_safe_id() -> None:
    for text in ("", "-x", "a\n", "a b", "#(reboot)", "../x", "A", "a.b", "a:b", "ä", "x" * 64, "a\x00"):
        assert not is_safe_id(text), text


@given(st.text(max_size=200), st.integers(4, 60))
def test_slugs_are_safe_and_stable(text: str, limit: int) -> None:
    slug = slugify(text, limit)
    assert is_safe_id(slug)
    assert not slug.endswith("-")
    assert slugify(slug, limit) == slug
    assert len(slug) <= limit


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10**6), st.text(max_size=100))
def test_git_accepts_every_branch_name(ticket: int, title: str) -> None:
    git = shutil.which("git")
    assert git
    branch = branch_for(ticket, title)
    assert (
        subprocess.run([git, "check-ref-format", "--branch", branch], capture_output=True, check=False).returncode == 0
    )
    assert branch.startswith(f"agent/{ticket}-")
