"""From a diff to evidence. Looking for credentials takes a while, so this is called in a thread."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fleet_tui.git.values import FileDiff
from fleet_tui.governance.risk.changes import Change, changed_files, new_dependencies, weakened_tests
from fleet_tui.governance.risk.evidence import Evidence
from fleet_tui.settings.risk import Risk
from fleet_tui.watcher.risk.secrets import found_secrets

_HIDDEN = re.compile(r"<U\+[0-9A-F]{4,6}>")
"""As diffs show hidden characters. Text of two bytes a character, or with a NUL or a blank of no width in it, is read
without them."""


def evidence_of(diffs: Iterable[FileDiff], rules: Risk, scope: tuple[str, ...]) -> Evidence:
    """What the diff shows; an empty ``scope`` means that none was declared."""
    all_diffs = list(diffs)
    changes = changes_of(all_diffs)
    secrets, unsearched = found_secrets(changes)
    cut = {diff.change.path for diff in all_diffs if diff.truncated and diff.change.status != "D"}
    return Evidence(
        changed_files(changes),
        weakened=weakened_tests(changes, rules),
        secrets=secrets,
        dependencies=new_dependencies(changes),
        unread=tuple(sorted(cut | set(unsearched))),
        scope=scope or None,
    )


def changes_of(diffs: Iterable[FileDiff]) -> list[Change]:
    """What was added and deleted, file by file."""
    return [_change(diff) for diff in diffs]


def _change(diff: FileDiff) -> Change:
    change = diff.change
    lines = [line for hunk in diff.hunks for line in hunk.lines]
    return Change(
        change.path,
        tuple((line.new or 0, _HIDDEN.sub("", line.text)) for line in lines if line.kind == "+"),
        tuple(line.text for line in lines if line.kind == "-"),
        change.old_path,
        deleted=change.status == "D",
        opaque=change.binary or diff.truncated,
        counts=(change.added, change.deleted),
    )
