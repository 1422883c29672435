# ruff: noqa: A002, A006, N803 - arguments are named as in the schema
"""The stand-in's GraphQL: queries are parsed, validated and answered by graphql-core on a part of GitHub's schema.

An answer holds exactly what the query selects: `gh` refuses fields that it did not ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    execute_sync,
    parse,
    specified_rules,
    validate,
)

from tests.github.state import Check, Comment, Hub, Issue, Label, Pull, Refusal, Repository, Review, Thread

Node = dict[str, Any]
HOME = "https://github.com"


@cache
def schema() -> GraphQLSchema:
    """The schema; made once, since that takes longer than any query."""
    return build_schema((Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8"))


def answer(hub: Hub, query: str, variables: Mapping[str, Any], rate: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the answer to a query."""
    try:
        document = parse(query)
    except GraphQLSyntaxError as error:
        return {"errors": [_error(error)]}
    refused = validate(schema(), document, _RULES)
    if refused:
        return {"errors": [_error(error) for error in refused]}
    result = execute_sync(schema(), document, _root(hub, rate), variable_values=dict(variables))
    answered: dict[str, Any] = {"data": result.data}
    if result.errors:
        answered["errors"] = [_error(error) for error in result.errors]
    return answered


# GitHub lets the `state` of an issue and that of a pull request share a name, which gh relies on.
_RULES = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]


def _error(error: GraphQLError) -> dict[str, Any]:
    told: dict[str, Any] = {"message": error.message}
    if error.path:
        told["path"] = error.path
    if isinstance(error.original_error, Refusal):
        told["type"] = error.original_error.kind
    if error.locations:
        told["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    return told


# -- pieces ----------------------------------------------------------------------------------------------------------


def connection(
    nodes: Iterable[Any], first: int | None = None, last: int | None = None, after: str | None = None
) -> Node:
    everything = list(nodes)
    start = int(after) if after else 0
    end = len(everything) if first is None else min(len(everything), start + first)
    if last is not None:
        start = max(start, end - last)
    page = {
        "hasNextPage": end < len(everything),
        "hasPreviousPage": start > 0,
        "startCursor": str(start),
        "endCursor": str(end),
    }
    return {
        "nodes": everything[start:end],
        "totalCount": len(everything),
        "issueCount": len(everything),
        "pageInfo": page,
    }


def many(nodes: Callable[[], Iterable[Any]]) -> Callable[..., Node]:
    """A field that is a connection; arguments that are no paging are for others to look at."""

    def resolve(
        _info: Any, first: int | None = None, last: int | None = None, after: str | None = None, **_: Any
    ) -> Node:
        return connection(nodes(), first, last, after)

    return resolve


def lazy(make: Callable[[], Any]) -> Callable[[Any], Any]:
    """A field that is worked out only when it is asked for."""
    return lambda _info, **_: make()


def user(login: str) -> Node:
    return {"__typename": "User", "id": f"U_{login}", "login": login, "name": login.title(), "databaseId": len(login)}


def label_node(label: Label) -> Node:
    plain = {"name": label.name, "color": label.color, "description": label.description}
    return {"id": f"LA_{label.id}", **plain, "isDefault": False, "url": f"{HOME}/labels/{label.id}"}


def comment_node(hub: Hub, comment: Comment, url: str) -> Node:
    return {
        "__typename": "IssueComment",
        "id": f"IC_{comment.id}",
        "databaseId": comment.id,
        "author": user(comment.author),
        "authorAssociation": hub.association(comment.author),
        "body": comment.body,
        "createdAt": comment.created,
        "url": f"{url}#issuecomment-{comment.id}",
        "includesCreatedEdit": False,
        "isMinimized": False,
        "viewerDidAuthor": comment.author == hub.viewer,
        "reactionGroups": [],
    }


def item_node(repository: Repository, item: Issue) -> Node:
    return pull_node(repository, item) if isinstance(item, Pull) else issue_node(repository, item)


def issue_node(repository: Repository, issue: Issue) -> Node:
    return _common(repository, issue, f"{HOME}/{repository.full_name}/issues/{issue.number}") | {
        "__typename": "Issue",
        "id": f"I_{repository.id}_{issue.number}",
        "state": issue.state.upper(),
        "stateReason": issue.state_reason.upper() if issue.state_reason else None,
        "isPinned": False,
    }


def _common(repository: Repository, item: Issue, url: str) -> Node:
    hub = repository.hub
    return {
        "number": item.number,
        "title": item.title,
        "body": item.body,
        "url": url,
        "author": user(item.author),
        "authorAssociation": hub.association(item.author),
        "createdAt": item.created,
        "updatedAt": item.updated,
        "closedAt": item.closed,
        "closed": item.state == "closed",
        "locked": False,
        "labels": many(lambda: [label_node(repository.label(name)) for name in item.labels]),
        "assignees": many(lambda: map(user, item.assignees)),
        "comments": many(lambda: [comment_node(hub, comment, url) for comment in item.comments]),
        "milestone": None,
        "reactionGroups": [],
        "projectCards": many(list),
        "projectItems": many(list),
    }


def pull_node(repository: Repository, pull: Pull) -> Node:
    url = f"{HOME}/{repository.full_name}/pull/{pull.number}"
    state = "MERGED" if pull.merged else pull.state.upper()

    def reviews(_info: Any, states: list[str] | None = None, **paging: Any) -> Node:
        found = [review for review in pull.reviews if not states or review.state in states]
        return connection([review_node(repository, review, url) for review in found], **paging)

    return _common(repository, pull, url) | {
        "__typename": "PullRequest",
        "id": f"PR_{repository.id}_{pull.number}",
        "databaseId": pull.number,
        "state": state,
        "isDraft": pull.draft,
        "merged": pull.merged is not None,
        "mergedAt": pull.merged,
        "mergedBy": user(repository.hub.viewer) if pull.merged else None,
        "mergeCommit": commit_node(repository, pull, pull.merge_commit) if pull.merge_commit else None,
        "potentialMergeCommit": None,
        "mergeable": lazy(lambda: repository.mergeable(pull)),
        "mergeStateStatus": lazy(lambda: repository.merge_state(pull)),
        "reviewDecision": lazy(lambda: repository.decision(pull)),
        "headRefName": pull.head,
        "headRefOid": pull.head_sha,
        "baseRefName": pull.base,
        "baseRefOid": lazy(lambda: repository.sha(pull.base)),
        "headRef": lazy(lambda: ref_node(repository, pull.head)),
        "baseRef": lazy(lambda: ref_node(repository, pull.base)),
        "headRepository": lazy(lambda: repository_node(repository)),
        "headRepositoryOwner": {"__typename": "User", **_owner(repository)},
        "isCrossRepository": bool(pull.fork),
        "maintainerCanModify": False,
        "additions": 1,
        "deletions": 0,
        "changedFiles": 1,
        "autoMergeRequest": None,
        "isInMergeQueue": False,
        "isMergeQueueEnabled": False,
        "reviews": reviews,
        "latestReviews": reviews,
        "reviewThreads": many(lambda: [thread_node(repository.hub, thread, url) for thread in pull.threads]),
        "reviewRequests": many(list),
        "commits": many(lambda: [{"id": f"PRC_{pull.number}", "commit": commit_node(repository, pull, pull.head_sha)}]),
        "files": many(list),
        "statusCheckRollup": lazy(lambda: rollup_node(repository, pull)),
    }


def review_node(repository: Repository, review: Review, url: str) -> Node:
    return {
        "__typename": "PullRequestReview",
        "id": f"PRR_{review.id}",
        "author": user(review.author),
        "authorAssociation": repository.hub.association(review.author),
        "body": review.body,
        "state": review.state,
        "submittedAt": review.submitted,
        "includesCreatedEdit": False,
        "url": f"{url}#pullrequestreview-{review.id}",
        "commit": {"id": f"C_{review.commit}", "oid": review.commit},
        "reactionGroups": [],
    }


def thread_node(hub: Hub, thread: Thread, url: str) -> Node:
    said = [thread_comment(hub, thread, comment, url) for comment in thread.comments]
    facts = {"isResolved": thread.resolved, "isOutdated": thread.outdated, "path": thread.path, "line": thread.line}
    return {"id": f"PRRT_{thread.id}", **facts, "comments": many(lambda: said)}


def thread_comment(hub: Hub, thread: Thread, comment: Comment, url: str) -> Node:
    told = {"__typename": "PullRequestReviewComment", "id": f"PRRC_{comment.id}", "path": thread.path}
    return comment_node(hub, comment, url) | told


def ref_node(repository: Repository, branch: str) -> Node | None:
    sha = repository.heads().get(branch)
    if sha is None:
        return None
    rule = repository.protections.get(branch)
    protection = None if rule is None else {
        "id": f"BPR_{branch}",
        "pattern": branch,
        "requiresApprovingReviews": rule.reviews > 0,
        "requiredApprovingReviewCount": rule.reviews or None,
        "requiresStatusChecks": bool(rule.contexts),
        "requiredStatusCheckContexts": list(rule.contexts),
        "requiresStrictStatusChecks": rule.strict,
        "requiresConversationResolution": rule.conversations,
        "dismissesStaleReviews": rule.dismiss_stale,
        "isAdminEnforced": True,
    }  # fmt: skip

    def seen() -> Node | None:
        visible(repository, "branchProtectionRule")
        return protection

    target = commit_node(repository, None, sha)
    return {"id": f"REF_{branch}", "name": branch, "prefix": "refs/heads/", "target": target,
            "branchProtectionRule": lazy(seen)}  # fmt: skip


def commit_node(repository: Repository, pull: Pull | None, sha: str) -> Node:
    def message() -> str:
        return repository.git("log", "-1", "--format=%B", sha)

    when = "2026-05-29T00:00:00Z"
    person = {"name": "hub", "email": "hub@example.org", "date": when, "user": None}
    return {
        "id": f"C_{sha}",
        "oid": sha,
        "message": lazy(message),
        "messageHeadline": lazy(lambda: message().partition("\n")[0]),
        "messageBody": lazy(lambda: message().partition("\n")[2].strip()),
        "committedDate": when,
        "authoredDate": when,
        "author": person,
        "authors": many(lambda: [person]),
        "statusCheckRollup": lazy(lambda: rollup_node(repository, pull) if pull else None),
    }


def rollup_node(repository: Repository, pull: Pull) -> Node | None:
    visible(repository, "statusCheckRollup")
    checks = repository.checks_of(pull.head_sha)
    if not checks:
        return None
    required = repository.protection(pull.base).contexts
    nodes = [check_node(check, check.name in required) for check in checks]
    return {
        "id": f"SCR_{pull.head_sha}",
        "state": rollup_state(checks),
        "contexts": lambda _info, first=None, after=None: connection(nodes, first, None, after)
        | {"checkRunCount": len(nodes), "checkRunCountsByState": [], "statusContextCount": 0,
           "statusContextCountsByState": []},
    }  # fmt: skip


def visible(repository: Repository, name: str) -> None:
    """Whether the token may see the field ``name``."""
    if name in repository.hidden:
        raise Refusal(403, "Resource not accessible by personal access token", "FORBIDDEN")


def rollup_state(checks: list[Check]) -> str:
    results = {check.conclusion for check in checks}
    if results - {None, "success", "neutral", "skipped"}:
        return "FAILURE"
    return "PENDING" if None in results else "SUCCESS"


def check_node(check: Check, required: bool) -> Node:
    shared = {"isRequired": required, "__typename": "StatusContext" if check.context else "CheckRun"}
    if check.context:
        state = (check.conclusion or "pending").upper()
        about = {"description": check.log[:140], "targetUrl": f"https://ci.example.org/{check.id}", "avatarUrl": ""}
        return shared | about | {
            "id": f"SC_{check.id}", "context": check.name, "state": state, "createdAt": check.started,
        }  # fmt: skip
    workflow = {"id": "WFR_1", "databaseId": 1, "event": "pull_request", "url": f"{HOME}/runs/1",
                "workflow": {"id": "W_1", "name": "CI"}}  # fmt: skip
    suite = {
        "id": "CS_1",
        "app": {"id": "A_1", "name": "GitHub Actions", "slug": "github-actions"},
        "workflowRun": workflow,
    }
    return shared | {
        "id": f"CR_{check.id}",
        "databaseId": check.id,
        "name": check.name,
        "status": "COMPLETED" if check.conclusion else "IN_PROGRESS",
        "conclusion": check.conclusion.upper() if check.conclusion else None,
        "startedAt": check.started,
        "completedAt": check.completed,
        "detailsUrl": f"{HOME}/runs/1/job/{check.id}",
        "url": f"{HOME}/runs/{check.id}",
        "title": check.name,
        "summary": "",
        "checkSuite": suite,
    }


def _owner(repository: Repository) -> Node:
    return {"id": f"U_{repository.owner}", "login": repository.owner, "name": repository.owner.title()}


def repository_node(repository: Repository) -> Node:
    def issues() -> list[Issue]:
        return sorted((i for i in repository.items.values() if not isinstance(i, Pull)), key=lambda i: -i.number)

    def some_issues(
        _info: Any,
        first: int | None = None,
        after: str | None = None,
        states: Any = None,
        filterBy: Any = None,
        labels: Any = None,
        **_: Any,
    ) -> Node:
        wanted = {state.lower() for state in (states or (filterBy or {}).get("states") or ["OPEN", "CLOSED"])}
        names = set(labels or (filterBy or {}).get("labels") or ())
        found = [i for i in issues() if i.state in wanted and (not names or names & set(i.labels))]
        return connection([issue_node(repository, issue) for issue in found], first, None, after)

    def some_pulls(
        _info: Any,
        first: int | None = None,
        after: str | None = None,
        states: Any = None,
        headRefName: str | None = None,
        baseRefName: str | None = None,
        **_: Any,
    ) -> Node:
        found = [pull_node(repository, pull) for pull in sorted(repository.pulls(), key=lambda p: -p.number)]
        kept = [
            pull for pull in found
            if (not states or pull["state"] in states)
            and headRefName in (None, pull["headRefName"]) and baseRefName in (None, pull["baseRefName"])
        ]  # fmt: skip
        return connection(kept, first, None, after)

    def labels(
        _info: Any, first: int | None = None, after: str | None = None, query: str | None = None, **_: Any
    ) -> Node:
        found = [label for key, label in sorted(repository.labels.items()) if (query or "").lower() in key]
        return connection(map(label_node, found), first, None, after)

    permission = repository.permission
    return {
        "__typename": "Repository",
        "id": f"R_{repository.id}",
        "name": repository.name,
        "nameWithOwner": repository.full_name,
        "owner": {"__typename": "User", **_owner(repository)},
        "url": f"{HOME}/{repository.full_name}",
        "description": "",
        "isPrivate": False,
        "isFork": False,
        "isArchived": False,
        "isEmpty": False,
        "hasIssuesEnabled": True,
        "hasWikiEnabled": False,
        "parent": None,
        "defaultBranchRef": lazy(lambda: ref_node(repository, repository.default_branch)),
        "viewerPermission": permission,
        "viewerCanPush": permission in ("WRITE", "MAINTAIN", "ADMIN"),
        "mergeCommitAllowed": "MERGE" in repository.methods,
        "rebaseMergeAllowed": "REBASE" in repository.methods,
        "squashMergeAllowed": "SQUASH" in repository.methods,
        "viewerDefaultMergeMethod": "MERGE",
        "autoMergeAllowed": False,
        "deleteBranchOnMerge": False,
        "issue": lambda _info, number: _the_issue(repository, number),
        "pullRequest": lambda _info, number: pull_node(repository, asked(repository.pull(number))),
        "issueOrPullRequest": lambda _info, number: item_node(repository, asked(repository.item(number))),
        "issues": some_issues,
        "pullRequests": some_pulls,
        "label": lambda _info, name: label_node(repository.label(name)) if name.lower() in repository.labels else None,
        "labels": labels,
        "ref": lambda _info, qualifiedName: ref_node(repository, qualifiedName.removeprefix("refs/heads/")),
        "milestones": many(list),
        "projects": many(list),
        "projectsV2": many(list),
        "assignableUsers": many(lambda: map(user, sorted(repository.hub.members))),
    }


def asked(item: Any) -> Any:
    """Each look at a pull request brings GitHub nearer to knowing whether it can be merged."""
    if isinstance(item, Pull) and item.unknown > 0:
        item.unknown -= 1
        return item
    return item


def _the_issue(repository: Repository, number: int) -> Node:
    item = repository.item(number)
    if isinstance(item, Pull):
        raise Refusal(404, f"Could not resolve to an Issue with the number of {number}.", "NOT_FOUND")
    return issue_node(repository, item)


# -- queries ---------------------------------------------------------------------------------------------------------


def _root(hub: Hub, rate: Mapping[str, Any]) -> Node:
    def repository(_info: Any, owner: str, name: str, followRenames: bool = True) -> Node:
        found = hub.find(f"{owner}/{name}") or (hub.moved(f"{owner}/{name}") if followRenames else None)
        if found is None:
            raise Refusal(404, f"Could not resolve to a Repository with the name '{owner}/{name}'.", "NOT_FOUND")
        return repository_node(found)

    def search(_info: Any, query: str, first: int | None = None, after: str | None = None, **_: Any) -> Node:
        return connection(_found(hub, query), first, None, after)

    return {
        "viewer": user(hub.viewer) | {"projectsV2": many(list)},
        "rateLimit": dict(rate),
        "repository": repository,
        "repositoryOwner": lambda _info, login: {"__typename": "User", "id": f"U_{login}", "login": login},
        "node": lambda _info, id: item_node(*_item(hub, id)),
        "nodes": lambda _info, ids: [_said(hub, one) for one in ids],
        "search": search,
        **_mutations(hub),
    }


def _found(hub: Hub, query: str) -> list[Node]:
    """The search as far as `gh issue list --label` and `gh pr list --label` use it; its index has no delay here."""
    terms: dict[str, list[str]] = {}
    for word in query.split():
        key, _, value = word.partition(":")
        terms.setdefault(key, []).append(value.strip('"'))
    repositories = filter(None, (hub.find(name) for name in terms.get("repo", [])))
    kind, states, labels = set(terms.get("type", [])), set(terms.get("state", [])), set(terms.get("label", []))
    found = [(repository, item) for repository in repositories for item in repository.items.values()]
    return [
        item_node(repository, item)
        for repository, item in sorted(found, key=lambda pair: -pair[1].number)
        if (not kind or ("pr" if isinstance(item, Pull) else "issue") in kind)
        and (not states or item.state in states)
        and labels <= set(item.labels)
    ]


def _said(hub: Hub, node: str) -> Node | None:
    """A review or a comment of a conversation by its id."""
    for repository in hub.all():
        for pull in repository.pulls():
            found = [review_node(repository, review, "") for review in pull.reviews]
            found += [
                thread_comment(hub, thread, comment, "") for thread in pull.threads for comment in thread.comments
            ]
            for one in found:
                if one["id"] == node:
                    return one
    return None


def _item(hub: Hub, node: str) -> tuple[Repository, Issue]:
    _, repository, number = node.split("_")
    found = hub.by_id(int(repository))
    if found is None:
        raise Refusal(404, f"Could not resolve to a node with the global id of '{node}'", "NOT_FOUND")
    return found, found.item(int(number))


def _mutations(hub: Hub) -> Node:
    def labels(repository: Repository, ids: list[str]) -> list[str]:
        by_id = {f"LA_{label.id}": label.name for label in repository.labels.values()}
        return [by_id[one] for one in ids]

    def add_labels(_info: Any, input: Node) -> Node:
        repository, item = _item(hub, input["labelableId"])
        for name in labels(repository, input["labelIds"]):
            repository.add_label(item, name)
        return {"labelable": item_node(repository, item)}

    def remove_labels(_info: Any, input: Node) -> Node:
        repository, item = _item(hub, input["labelableId"])
        for name in labels(repository, input["labelIds"]):
            if name in item.labels:
                repository.remove_label(item, name)
        return {"labelable": item_node(repository, item)}

    def add_comment(_info: Any, input: Node) -> Node:
        repository, item = _item(hub, input["subjectId"])
        made = repository.comment(item, input["body"], hub.viewer)
        kind = "pull" if isinstance(item, Pull) else "issues"
        url = f"{HOME}/{repository.full_name}/{kind}/{item.number}"
        return {"commentEdge": {"cursor": "1", "node": comment_node(hub, made, url)}}

    def create_pull(_info: Any, input: Node) -> Node:
        repository = hub.by_id(int(input["repositoryId"].split("_")[1]))
        assert repository is not None
        made = repository.open_pull(
            input["headRefName"], input["baseRefName"], input["title"], input.get("body") or "", hub.viewer,
            draft=bool(input.get("draft")),
        )  # fmt: skip
        return {"pullRequest": pull_node(repository, made)}

    def update(key: str, id_key: str) -> Callable[..., Node]:
        def resolve(_info: Any, input: Node) -> Node:
            repository, item = _item(hub, input[id_key])
            for name, attribute in (("title", "title"), ("body", "body"), ("baseRefName", "base")):
                if input.get(name) is not None:
                    setattr(item, attribute, input[name])
            repository.touch(item)
            return {key: item_node(repository, item)}

        return resolve

    def close(key: str, id_key: str, act: Callable[[Repository, Issue], None]) -> Callable[..., Node]:
        def resolve(_info: Any, input: Node) -> Node:
            repository, item = _item(hub, input[id_key])
            act(repository, item)
            return {key: item_node(repository, item)}

        return resolve

    def review(_info: Any, input: Node) -> Node:
        repository, pull = _pull(hub, input["pullRequestId"])
        made = repository.review(
            pull, input["event"], input.get("body") or "", hub.viewer, input.get("commitOID") or ""
        )
        return {"pullRequestReview": review_node(repository, made, "")}

    def merge(_info: Any, input: Node) -> Node:
        repository, pull = _pull(hub, input["pullRequestId"])
        said = (input.get("commitHeadline") or "", input.get("commitBody") or "")
        repository.merge(pull, input.get("mergeMethod") or "MERGE", input.get("expectedHeadOid") or "", *said)
        return {"pullRequest": pull_node(repository, pull)}

    def ready(_info: Any, input: Node) -> Node:
        repository, pull = _pull(hub, input["pullRequestId"])
        pull.draft = False
        return {"pullRequest": pull_node(repository, pull)}

    return {
        "addLabelsToLabelable": add_labels,
        "removeLabelsFromLabelable": remove_labels,
        "addComment": add_comment,
        "createPullRequest": create_pull,
        "updatePullRequest": update("pullRequest", "pullRequestId"),
        "updateIssue": update("issue", "id"),
        "closeIssue": close("issue", "issueId", lambda repository, item: repository.close(item)),
        "reopenIssue": close("issue", "issueId", lambda repository, item: repository.reopen(item)),
        "closePullRequest": close("pullRequest", "pullRequestId", lambda repository, item: repository.close(item)),
        "addPullRequestReview": review,
        "mergePullRequest": merge,
        "markPullRequestReadyForReview": ready,
    }


def _pull(hub: Hub, node: str) -> tuple[Repository, Pull]:
    repository, item = _item(hub, node)
    return repository, repository.pull(item.number)
