"""Release notes as text: what agents wrote does nothing in them, also where there is too much of it."""

from __future__ import annotations

import re

from fleet_tui.watcher.merging import release_notes
from fleet_tui.watcher.merging.releases import Contents, Landed


def test_notes_that_are_too_long_end_with_a_whole_line() -> None:
    pulls = tuple(
        Landed(pr, pr, f"{'x' * (100 + pr)} @everybody closes #7", "dev", (), (), (), "a" * 40, 0) for pr in range(200)
    )
    told = release_notes.text(Contents("main", "a" * 40, "", "", pulls, ()))
    assert len(told.encode()) <= release_notes.MOST_BYTES
    rows = [row for row in told.splitlines() if row.startswith("- `")]
    assert len(rows) > 100
    assert all(re.fullmatch(r"- `[^`]*` \(#\d+, PR \d+\): by `dev`", row) for row in rows), rows[-1]
    assert told.splitlines()[-1] == "(The rest is left out: it is too long.)"
