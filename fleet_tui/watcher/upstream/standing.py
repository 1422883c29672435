"""How a pull request stands on the forge, in the terms of the rules about releases."""

from __future__ import annotations

from fleet_tui.forge.gh_values import Pull
from fleet_tui.forge.trust import Trust
from fleet_tui.governance.release import Remote, Verdict


def remote_of(seen: Pull, trust: Trust) -> Remote:
    """What counts of a pull request on GitHub: of people, the word of those who are trusted.

    On a public repository anybody can give a review or begin a conversation, and would hold up everything.
    """
    rule = seen.protection
    everybody = rule is not None and rule.conversations
    verdicts = [one for one in seen.reviews if trust.is_trusted(one)]
    threads = [one for one in seen.threads if not one.resolved and (everybody or trust.is_trusted(one))]
    return Remote(
        forge="github",
        state=seen.state,
        draft=seen.draft,
        head_sha=seen.head_sha,
        target=seen.target,
        mergeable=seen.mergeable,
        merge_state=seen.merge_state,
        checks=_worst(seen),
        required=frozenset(check.name for check in seen.checks if check.required) | set(rule.checks if rule else ()),
        verdicts=tuple(Verdict(review.author, review.state, review.head_sha) for review in verdicts),
        approvals=rule.approvals if rule else 0,
        conversations=tuple(thread.path for thread in threads),
        complete=seen.complete,
    )


def _worst(seen: Pull) -> dict[str, str]:
    """The state by name: where several checks have one name, the worst of them counts."""
    rank = {"passed": 0, "pending": 1, "failed": 2}
    found: dict[str, str] = {}
    for check in seen.checks:
        found[check.name] = max(check.state.value, found.get(check.name, "passed"), key=rank.__getitem__)
    return found
