"""Credentials in the single commits of a branch: whoever is given it is given what a later commit takes back, too."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fleet_tui.git.history import History
from fleet_tui.git.values import Commit
from fleet_tui.governance.risk.changes import Change
from fleet_tui.governance.risk.evidence import Evidence, FoundSecret
from fleet_tui.watcher.risk.diffs import changes_of
from fleet_tui.watcher.risk.secrets import found_secrets

MOST_COMMITS = 200
"""Of a longer branch the oldest are not searched, and that counts as what could not be read."""


async def with_every_commit(repository: History, base: str, head: str, seen: Evidence) -> Evidence:
    """``seen``, which is of the whole difference, with what single commits and their messages hold besides."""
    commits = await repository.commits(base, head, MOST_COMMITS + 1)
    is_whole = len(commits) == 1 and len(commits[0].parents) == 1
    known = {secret.digest for secret in seen.secrets}
    secrets, unread = list(seen.secrets), set(seen.unread)
    for commit in commits[:MOST_COMMITS]:
        found, unsearched = await asyncio.to_thread(_of_message, commit)
        if not is_whole:
            brought, unsearched_too = await _of_changes(repository, base, commit)
            found, unsearched = [*found, *brought], unsearched | unsearched_too
        secrets += [replace(one, path=f"{one.path} in {commit.id[:8]}") for one in found if one.digest not in known]
        known |= {secret.digest for secret in found}
        unread |= unsearched
    if len(commits) > MOST_COMMITS:
        unread.add(f"more than {MOST_COMMITS} commits")
    return replace(seen, secrets=tuple(secrets), unread=tuple(sorted(unread)))


def _of_message(commit: Commit) -> tuple[list[FoundSecret], set[str]]:
    found, unread = found_secrets([Change("the message", tuple(enumerate(commit.message.splitlines(), start=1)))])
    return list(found), set(unread)


async def _of_changes(repository: History, base: str, commit: Commit) -> tuple[list[FoundSecret], set[str]]:
    """What ``commit`` brought itself: of a merge, what none of its parents has; without a parent, all that is in it."""
    looks = [await _since(repository, parent, commit) for parent in commit.parents or (base,)]
    own = set.intersection(*({secret.digest for secret in secrets} for secrets, _ in looks))
    return [secret for secret in looks[0][0] if secret.digest in own], set.intersection(
        *(unread for _, unread in looks)
    )


async def _since(repository: History, parent: str, commit: Commit) -> tuple[tuple[FoundSecret, ...], set[str]]:
    diffs = await repository.whole_diff(parent, commit.id)
    cut = {diff.change.path for diff in diffs if diff.truncated and diff.change.status != "D"}
    found, unsearched = await asyncio.to_thread(found_secrets, changes_of(diffs))
    return found, cut | set(unsearched)
