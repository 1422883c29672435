"""How a pull request stands on the forge, in the terms of the rules about releases."""

from __future__ import annotations

from fleet_tui.forge.gh_values import Pull, Review, Thread
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
        required=required_checks(seen),
        verdicts=tuple(Verdict(review.author, review.state, review.head_sha) for review in verdicts),
        approvals=rule.approvals if rule else 0,
        conversations=tuple(thread.path for thread in threads),
        complete=seen.complete,
    )


def required_checks(seen: Pull) -> frozenset[str]:
    """The checks without which nothing may land, whether or not they are there yet."""
    named = seen.protection.checks if seen.protection is not None else ()
    return frozenset(check.name for check in seen.checks if check.required) | frozenset(named)


_DECISIVE = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_MOST_TEXTS = 20
"""Texts that are read of what people ask for in one pull request."""


def last_words(seen: Pull, trust: Trust) -> dict[str, Review]:
    """What each person whose words count said last about the head, as long as it decides something."""
    return {
        one.author: one
        for one in seen.reviews
        if one.state in _DECISIVE and one.head_sha == seen.head_sha and trust.is_trusted(one) and not trust.is_ours(one)
    }


def open_threads(seen: Pull, author: str) -> list[Thread]:
    """The conversations that ``author`` began and that are not resolved."""
    return [one for one in seen.threads if one.author == author and not one.resolved]


def wanted_texts(seen: Pull, trust: Trust) -> list[str]:
    """The ids of what is to be read: what people ask for. Whatever else is written there is nobody's business."""
    asking = [one for one in last_words(seen, trust).values() if one.state == "CHANGES_REQUESTED"]
    ids = [id_ for one in asking for id_ in (one.id, *(thread.id for thread in open_threads(seen, one.author)))]
    return list(dict.fromkeys(ids))[:_MOST_TEXTS]


def _worst(seen: Pull) -> dict[str, str]:
    """The state by name: where several checks have one name, the worst of them counts."""
    rank = {"passed": 0, "pending": 1, "failed": 2}
    found: dict[str, str] = {}
    for check in seen.checks:
        found[check.name] = max(check.state.value, found.get(check.name, "passed"), key=rank.__getitem__)
    return found
