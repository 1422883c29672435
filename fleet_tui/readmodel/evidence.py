"""Where the evidence of a containment lies: the newest bundle of an agent's, as the log tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.domain.model import Run
from fleet_tui.store.reader import EventFilter, Reader


@dataclass(frozen=True, slots=True)
class Bundle:
    """``folder`` is a name in the evidence directory; ``backup_ref`` holds the work that was begun on ``base_sha``."""

    run: str
    folder: str
    files: int
    kept_ns: int
    backup_ref: str | None
    base_sha: str

    def diff_argv(self, control: str) -> tuple[str, ...] | None:
        """The command that shows the work, in the control repository at ``control``; None when no work was kept."""
        if self.backup_ref is None or not self.base_sha:
            return None
        return ("git", "--git-dir", control, "diff", self.base_sha[:12], self.backup_ref)


def read_bundle(reader: Reader, runs: Sequence[Run]) -> Bundle | None:
    """The newest bundle of one of ``runs``; it may have been removed since."""
    if not runs:
        return None
    subjects = tuple(f"run:{run.id}" for run in runs)
    for event in reader.events(EventFilter(kinds=("evidence_kept",), subjects=subjects), limit=1):
        kept = event.payload
        base = next((run.base_sha for run in runs if run.id == kept["run"]), "")
        return Bundle(kept["run"], kept["folder"], kept["files"], event.at_ns, kept.get("backup_ref"), base)
    return None
