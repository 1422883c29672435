"""The query that sees a whole pull request, and what its answer means. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fleet_tui.forge.gh_values import Check, CheckState, Protection, Pull, Review, Thread

QUERY = """
query FleetPullRequest(
  $owner: String!, $name: String!, $number: Int!, $reviews: String, $threads: String, $checks: String
) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      number title body state isDraft author { login } isCrossRepository
      headRefName headRefOid baseRefName baseRefOid
      mergeable mergeStateStatus mergeCommit { oid }
      labels(first: 100) { nodes { name } }
      reviews(first: 100, after: $reviews, states: [APPROVED, CHANGES_REQUESTED, DISMISSED]) {
        nodes { id author { login } authorAssociation state submittedAt commit { oid } }
        pageInfo { hasNextPage endCursor }
      }
      reviewThreads(first: 100, after: $threads) {
        nodes {
          isResolved isOutdated path
          comments(first: 1) { nodes { id author { login } authorAssociation } }
        }
        pageInfo { hasNextPage endCursor }
      }
      commits(last: 1) { nodes { commit { oid statusCheckRollup { contexts(first: 100, after: $checks) {
        nodes {
          __typename
          ... on CheckRun {
            name status conclusion detailsUrl databaseId isRequired(pullRequestNumber: $number)
            checkSuite { app { slug } }
          }
          ... on StatusContext { context state targetUrl isRequired(pullRequestNumber: $number) }
        }
        pageInfo { hasNextPage endCursor }
      } } } } }
      baseRef { branchProtectionRule {
        requiresApprovingReviews requiredApprovingReviewCount requiresStatusChecks requiredStatusCheckContexts
        requiresStrictStatusChecks requiresConversationResolution
      } }
    }
  }
}
"""

WORDS = """
query FleetWords($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on PullRequestReview { id body }
    ... on PullRequestReviewComment { id body }
  }
}
"""
"""What people wrote, by the ids of reviews and of conversations: asked for only where it counts, since anybody can
write as much as they like."""

OPTIONAL = frozenset({"branchProtectionRule", "statusCheckRollup"})
"""What a token with few rights may not see. Of a rule that is hidden GitHub's own summary still tells."""
_PASSED = frozenset({"SUCCESS", "NEUTRAL", "SKIPPED"})
_PENDING = frozenset({"", "PENDING", "EXPECTED"})


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the pull request. ``ends`` are the variables that ask for what comes after it; ``goes_on``: there is
    something."""

    pull: Pull
    ends: Mapping[str, str]
    goes_on: bool


def page_of(told: Mapping[str, Any], hidden: Collection[str] = ()) -> Page:
    """The pull request in the answer of :data:`QUERY`; ``hidden`` are the fields that could not be seen.

    Raises:
        KeyError, TypeError, ValueError, IndexError: the answer has another form.
    """
    rollup, up_to_date = _rollup(told)
    lists = {"reviews": told["reviews"] or _NOTHING, "threads": told["reviewThreads"] or _NOTHING, "checks": rollup}
    ends = {name: found["pageInfo"] for name, found in lists.items()}
    complete = up_to_date and "statusCheckRollup" not in hidden
    return Page(
        _pull(told, lists, complete=complete),
        # Of a list that is at its end there is nothing after its last page.
        {name: str(end["endCursor"]) for name, end in ends.items() if end.get("endCursor")},
        any(end.get("hasNextPage") for end in ends.values()),
    )


def joined(before: Pull, after: Pull) -> Pull:
    """Both pages of one pull request, at the moment of the second one; only what is on its page is in either."""
    return replace(
        after,
        checks=before.checks + after.checks,
        reviews=before.reviews + after.reviews,
        threads=before.threads + after.threads,
        # A push came in between: what was seen before it is of another commit.
        complete=before.complete and after.complete and before.head_sha == after.head_sha,
    )


def _pull(told: Mapping[str, Any], lists: Mapping[str, Mapping[str, Any]], *, complete: bool) -> Pull:
    return Pull(
        number=int(told["number"]),
        title=str(told["title"]),
        body=str(told["body"] or ""),
        author=_login(told["author"]),
        state=str(told["state"]),
        draft=bool(told["isDraft"]),
        branch=str(told["headRefName"]),
        head_sha=str(told["headRefOid"]),
        target=str(told["baseRefName"]),
        base_sha=str(told["baseRefOid"]),
        foreign=bool(told["isCrossRepository"]),
        mergeable=str(told["mergeable"]),
        merge_state=str(told["mergeStateStatus"]),
        merge_sha=str((told["mergeCommit"] or {}).get("oid", "")),
        labels=tuple(str(one["name"]) for one in (told["labels"] or _NOTHING)["nodes"]),
        checks=tuple(map(_check, lists["checks"]["nodes"])),
        reviews=tuple(map(_review, lists["reviews"]["nodes"])),
        threads=tuple(map(_thread, lists["threads"]["nodes"])),
        protection=_protection((told["baseRef"] or {}).get("branchProtectionRule")),
        complete=complete,
    )


_NOTHING: Mapping[str, Any] = {"nodes": (), "pageInfo": {}}


def _rollup(told: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Checks and statuses of the head, and whether they are of the head already."""
    newest = told["commits"]["nodes"][-1:]
    if not newest or newest[0]["commit"]["oid"] != told["headRefOid"]:
        return _NOTHING, False  # GitHub has not caught up with a push yet
    rollup = newest[0]["commit"]["statusCheckRollup"]
    found: Mapping[str, Any] = rollup["contexts"] if rollup is not None else _NOTHING
    return found, True


def _check(told: Mapping[str, Any]) -> Check:
    is_run = told["__typename"] == "CheckRun"
    conclusion = str((told["conclusion"] if is_run else told["state"]) or "")
    pending = told["status"] != "COMPLETED" if is_run else conclusion in _PENDING
    state = CheckState.PENDING if pending else CheckState.PASSED if conclusion in _PASSED else CheckState.FAILED
    # Only what GitHub's own runners ran has a log there.
    by_actions = is_run and ((told["checkSuite"] or {}).get("app") or {}).get("slug") == "github-actions"
    return Check(
        name=str(told["name"] if is_run else told["context"]),
        state=state,
        conclusion=conclusion.lower(),
        required=bool(told["isRequired"]),
        url=str((told["detailsUrl"] if is_run else told["targetUrl"]) or ""),
        job=int(told["databaseId"] or 0) if by_actions else 0,
    )


def _review(told: Mapping[str, Any]) -> Review:
    return Review(
        author=_login(told["author"]),
        association=str(told["authorAssociation"]),
        state=str(told["state"]),
        head_sha=str((told["commit"] or {}).get("oid", "")),
        submitted=str(told["submittedAt"] or ""),
        id=str(told["id"]),
    )


def _thread(told: Mapping[str, Any]) -> Thread:
    first: Mapping[str, Any] = next(iter(told["comments"]["nodes"]), {})
    return Thread(
        path=str(told["path"]),
        resolved=bool(told["isResolved"]),
        outdated=bool(told["isOutdated"]),
        author=_login(first.get("author")),
        association=str(first.get("authorAssociation", "NONE")),
        id=str(first.get("id", "")),
    )


def _protection(rule: Mapping[str, Any] | None) -> Protection | None:
    if rule is None:
        return None
    return Protection(
        approvals=int(rule["requiredApprovingReviewCount"] or 0) if rule["requiresApprovingReviews"] else 0,
        checks=tuple(map(str, rule["requiredStatusCheckContexts"] or ())) if rule["requiresStatusChecks"] else (),
        strict=bool(rule["requiresStatusChecks"] and rule["requiresStrictStatusChecks"]),
        conversations=bool(rule["requiresConversationResolution"]),
    )


def rule_of(kind: str, told: Mapping[str, Any]) -> Protection:
    """What a rule of the repository asks for, in the terms of a branch's own.

    Raises:
        KeyError, TypeError, ValueError: it has another form.
    """
    if kind == "required_status_checks":
        names = tuple(str(one["context"]) for one in told["required_status_checks"])
        return Protection(checks=names, strict=bool(told.get("strict_required_status_checks_policy")))
    if kind == "pull_request":
        approvals = int(told.get("required_approving_review_count") or 0)
        return Protection(approvals, conversations=bool(told.get("required_review_thread_resolution")))
    return Protection()


def _login(user: Mapping[str, Any] | None) -> str:
    return str(user["login"]) if user else ""
