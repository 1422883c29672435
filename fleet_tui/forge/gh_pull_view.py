"""The query that sees a whole pull request, and what its answer means. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fleet_tui.forge.gh_values import Check, CheckState, Protection, Pull, Review, Thread

QUERY = """
query FleetPullRequest($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      number title body state isDraft author { login } isCrossRepository
      headRefName headRefOid baseRefName baseRefOid
      mergeable mergeStateStatus mergeCommit { oid }
      labels(first: 100) { nodes { name } }
      reviews(last: 100) {
        nodes { author { login } authorAssociation state submittedAt body commit { oid } }
        pageInfo { hasPreviousPage }
      }
      reviewThreads(first: 100) {
        nodes {
          isResolved isOutdated path
          comments(first: 1) { nodes { author { login } authorAssociation body } }
        }
        pageInfo { hasNextPage }
      }
      commits(last: 1) { nodes { commit { oid statusCheckRollup { contexts(first: 100) {
        nodes {
          __typename
          ... on CheckRun {
            name status conclusion detailsUrl databaseId isRequired(pullRequestNumber: $number)
            checkSuite { app { slug } }
          }
          ... on StatusContext { context state targetUrl isRequired(pullRequestNumber: $number) }
        }
        pageInfo { hasNextPage }
      } } } } }
      baseRef { branchProtectionRule {
        requiresApprovingReviews requiredApprovingReviewCount requiresStatusChecks requiredStatusCheckContexts
        requiresStrictStatusChecks requiresConversationResolution
      } }
    }
  }
}
"""

OPTIONAL = frozenset({"branchProtectionRule", "statusCheckRollup"})
"""What a token with few rights may not see. Of a rule that is hidden GitHub's own summary still tells."""
_PASSED = frozenset({"SUCCESS", "NEUTRAL", "SKIPPED"})
_PENDING = frozenset({"", "PENDING", "EXPECTED"})


def pull_of(told: Mapping[str, Any], hidden: Collection[str] = ()) -> Pull:
    """The pull request in the answer of :data:`QUERY`; ``hidden`` are the fields that could not be seen.

    Raises:
        KeyError, TypeError, ValueError, IndexError: the answer has another form.
    """
    contexts, all_checks = _contexts(told)
    reviews, threads = told["reviews"] or _NOTHING, told["reviewThreads"] or _NOTHING
    complete = all_checks and "statusCheckRollup" not in hidden and not reviews["pageInfo"].get("hasPreviousPage")
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
        checks=tuple(map(_check, contexts)),
        reviews=tuple(map(_review, reviews["nodes"])),
        threads=tuple(map(_thread, threads["nodes"])),
        protection=_protection((told["baseRef"] or {}).get("branchProtectionRule")),
        complete=complete and not threads["pageInfo"].get("hasNextPage"),
    )


_NOTHING: Mapping[str, Any] = {"nodes": (), "pageInfo": {}}


def _contexts(told: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
    """Checks and statuses of the head, and whether that is all of them."""
    newest = told["commits"]["nodes"][-1:]
    if not newest or newest[0]["commit"]["oid"] != told["headRefOid"]:
        return [], False  # GitHub has not caught up with a push yet
    rollup = newest[0]["commit"]["statusCheckRollup"]
    if rollup is None:
        return [], True
    return list(rollup["contexts"]["nodes"]), not rollup["contexts"]["pageInfo"]["hasNextPage"]


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
        body=str(told["body"] or ""),
    )


def _thread(told: Mapping[str, Any]) -> Thread:
    first: Mapping[str, Any] = next(iter(told["comments"]["nodes"]), {})
    return Thread(
        path=str(told["path"]),
        resolved=bool(told["isResolved"]),
        outdated=bool(told["isOutdated"]),
        author=_login(first.get("author")),
        association=str(first.get("authorAssociation", "NONE")),
        body=str(first.get("body") or ""),
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


def _login(user: Mapping[str, Any] | None) -> str:
    return str(user["login"]) if user else ""
