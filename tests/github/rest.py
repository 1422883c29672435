"""The stand-in's REST: issues, labels, comments, pull requests, checks, as far as the fleet and `gh` ask for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.github.graph import HOME, asked
from tests.github.state import Check, Comment, Hub, Issue, Label, Pull, Refusal, Repository

API = "https://api.github.com"
Json = Any


@dataclass(frozen=True)
class Request:
    """A request after its address has been taken apart; its path is still quoted."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    actor: str


@dataclass(frozen=True)
class Text:
    """An answer that is no JSON."""

    text: str


@dataclass(frozen=True)
class Moved:
    """The repository has another name now."""

    location: str


def user(login: str) -> Json:
    return {"login": login, "id": len(login), "type": "User", "html_url": f"{HOME}/{login}"}


def label_json(label: Label) -> Json:
    return {
        "id": label.id,
        "name": label.name,
        "color": label.color,
        "description": label.description,
        "default": False,
    }


def comment_json(hub: Hub, comment: Comment) -> Json:
    return {
        "id": comment.id,
        "body": comment.body,
        "user": user(comment.author),
        "author_association": hub.association(comment.author),
        "created_at": comment.created,
        "updated_at": comment.created,
    }


def issue_json(repository: Repository, item: Issue) -> Json:
    """An issue, or a pull request as the lists of issues show it."""
    base = f"{API}/repos/{repository.full_name}"
    told = {
        "id": repository.id * 100_000 + item.number,
        "number": item.number,
        "title": item.title,
        "body": item.body or None,
        "state": item.state,
        "state_reason": item.state_reason,
        "user": user(item.author),
        "author_association": repository.hub.association(item.author),
        "labels": [label_json(repository.label(name)) for name in item.labels],
        "assignees": [user(name) for name in item.assignees],
        "comments": len(item.comments),
        "created_at": item.created,
        "updated_at": item.updated,
        "closed_at": item.closed,
        "locked": False,
        "url": f"{base}/issues/{item.number}",
        "repository_url": base,
        "html_url": f"{HOME}/{repository.full_name}/issues/{item.number}",
    }
    if isinstance(item, Pull):
        told["pull_request"] = {"url": f"{base}/pulls/{item.number}", "merged_at": item.merged}
    return told


def pull_json(repository: Repository, pull: Pull) -> Json:
    told = issue_json(repository, pull)
    del told["pull_request"]
    mergeable = {"MERGEABLE": True, "CONFLICTING": False}.get(repository.mergeable(pull))
    return told | {
        "draft": pull.draft,
        "merged": pull.merged is not None,
        "merged_at": pull.merged,
        "merge_commit_sha": pull.merge_commit,
        "mergeable": mergeable,
        "mergeable_state": repository.merge_state(pull).lower(),
        "head": {
            "ref": pull.head,
            "sha": pull.head_sha,
            "label": _label(repository, pull),
            "repo": _place(repository, pull),
        },
        "base": {"ref": pull.base, "sha": repository.heads().get(pull.base, ""), "repo": {"id": repository.id}},
        "html_url": f"{HOME}/{repository.full_name}/pull/{pull.number}",
    }


def _label(repository: Repository, pull: Pull) -> str:
    return f"{pull.fork or repository.owner}:{pull.head}"


def _place(repository: Repository, pull: Pull) -> Json:
    return {"id": -1 if pull.fork else repository.id}


def check_json(check: Check) -> Json:
    return {
        "id": check.id,
        "name": check.name,
        "head_sha": check.sha,
        "status": "completed" if check.conclusion else "in_progress",
        "conclusion": check.conclusion,
        "started_at": check.started,
        "completed_at": check.completed,
        "details_url": f"{HOME}/runs/1/job/{check.id}",
        "app": {"slug": "github-actions"},
    }


def repository_json(repository: Repository) -> Json:
    rank = ["READ", "TRIAGE", "WRITE", "MAINTAIN", "ADMIN"]
    may = {
        name: rank.index(repository.permission) >= at
        for at, name in enumerate(["pull", "triage", "push", "maintain", "admin"])
    }
    return {
        "id": repository.id,
        "name": repository.name,
        "full_name": repository.full_name,
        "owner": user(repository.owner),
        "private": False,
        "archived": False,
        "has_issues": True,
        "default_branch": repository.default_branch,
        "permissions": may,
        "allow_merge_commit": "MERGE" in repository.methods,
        "allow_squash_merge": "SQUASH" in repository.methods,
        "allow_rebase_merge": "REBASE" in repository.methods,
        "html_url": f"{HOME}/{repository.full_name}",
    }


# -- routes ----------------------------------------------------------------------------------------------------------

Handler = Callable[..., Json]
ROUTES: list[tuple[str, re.Pattern[str], int, Handler]] = []


def route(method: str, pattern: str, status: int = 200) -> Callable[[Handler], Handler]:
    """Register a handler; ``{x}`` in the pattern is one part of a path, given to it by position."""
    expression = re.compile(re.sub(r"\{\w+\}", "([^/]+)", pattern) + r"\Z")

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, expression, status, handler))
        return handler

    return register


def answer(hub: Hub, request: Request) -> tuple[int, Json]:
    """Status and body; a list is the whole list, the server cuts it into pages."""
    found = re.match(r"/repos/([^/]+/[^/]+)(/.*)?\Z", request.path)
    by_id = re.match(r"/repositories/(\d+)(/.*)?\Z", request.path)
    if found or by_id:
        repository = hub.find(found[1]) if found else hub.by_id(int(by_id[1])) if by_id else None
        rest = (found or by_id)[2] or ""  # type: ignore[index]
        moved = hub.moved(found[1]) if found else None
        if repository is None and moved is not None:
            return 301 if request.method == "GET" else 307, Moved(f"{API}/repositories/{moved.id}{rest}")
        if repository is None:
            raise Refusal(404, "Not Found")
        repository.sync()
        return _dispatch(repository, request, rest)
    if request.path == "/user":
        return 200, user(hub.viewer)
    if request.path == "/":
        return 200, {"current_user_url": f"{API}/user"}
    if request.path == "/rate_limit":
        return 200, {"resources": {}}
    raise Refusal(404, "Not Found")


def _dispatch(repository: Repository, request: Request, rest: str) -> tuple[int, Json]:
    for method, pattern, status, handler in ROUTES:
        match = pattern.match(rest)
        if match and method == request.method:
            return status, handler(repository, request, *map(unquote, match.groups()))
    raise Refusal(404, "Not Found")


@route("GET", "")
def _repository(repository: Repository, request: Request) -> Json:
    return repository_json(repository)


@route("GET", "/issues")
def _issues(repository: Repository, request: Request) -> Json:
    wanted = {name.lower() for name in request.query.get("labels", "").split(",") if name}
    state = request.query.get("state", "open")
    found = [
        item
        for item in repository.items.values()
        if state in ("all", item.state)
        and wanted <= {label.lower() for label in item.labels}
        and item.updated >= request.query.get("since", "")
    ]
    key = {"updated": "updated", "comments": "comments"}.get(request.query.get("sort", ""), "number")
    newest_first = request.query.get("direction", "desc") == "desc"
    found.sort(key=lambda item: (getattr(item, key), item.number), reverse=newest_first)
    return [issue_json(repository, item) for item in found]


@route("POST", "/issues", 201)
def _new_issue(repository: Repository, request: Request) -> Json:
    if not request.body.get("title"):
        raise Refusal(422, "Validation Failed; title missing")
    made = repository.issue(
        request.body["title"], request.body.get("body") or "", request.body.get("labels", []), request.actor
    )
    return issue_json(repository, made)


@route("GET", "/issues/{number}")
def _issue(repository: Repository, request: Request, number: str) -> Json:
    return issue_json(repository, repository.item(int(number)))


@route("PATCH", "/issues/{number}")
def _edit_issue(repository: Repository, request: Request, number: str) -> Json:
    item = repository.item(int(number))
    _edit(repository, item, request.body)
    return issue_json(repository, item)


def _edit(repository: Repository, item: Issue, changes: Mapping[str, Any]) -> None:
    for name in ("title", "body", "base"):
        if changes.get(name) is not None:
            setattr(item, name, changes[name])
    if changes.get("state") == "closed" and item.state == "open":
        repository.close(item, changes.get("state_reason") or "completed")
    elif changes.get("state") == "open" and item.state == "closed":
        repository.reopen(item)
    repository.touch(item)


@route("GET", "/issues/{number}/comments")
def _comments(repository: Repository, request: Request, number: str) -> Json:
    return [comment_json(repository.hub, comment) for comment in repository.item(int(number)).comments]


@route("POST", "/issues/{number}/comments", 201)
def _new_comment(repository: Repository, request: Request, number: str) -> Json:
    made = repository.comment(repository.item(int(number)), request.body["body"], request.actor)
    return comment_json(repository.hub, made)


@route("DELETE", "/issues/comments/{comment}", 204)
def _delete_comment(repository: Repository, request: Request, comment: str) -> Json:
    for item in repository.items.values():
        found = [one for one in item.comments if str(one.id) == comment]
        if found:
            item.comments.remove(found[0])
            repository.touch(item)
            return None
    raise Refusal(404, "Not Found")


@route("GET", "/issues/{number}/labels")
def _labels_of(repository: Repository, request: Request, number: str) -> Json:
    return [label_json(repository.label(name)) for name in repository.item(int(number)).labels]


@route("POST", "/issues/{number}/labels")
def _add_labels(repository: Repository, request: Request, number: str) -> Json:
    item = repository.item(int(number))
    for name in request.body["labels"]:
        repository.add_label(item, name)
    return _labels_of(repository, request, number)


@route("DELETE", "/issues/{number}/labels/{name}")
def _remove_label(repository: Repository, request: Request, number: str, name: str) -> Json:
    repository.remove_label(repository.item(int(number)), name)
    return _labels_of(repository, request, number)


@route("POST", "/issues/{number}/assignees", 201)
def _assign(repository: Repository, request: Request, number: str) -> Json:
    item = repository.item(int(number))
    # Who cannot be assigned is left out without a word, as on GitHub.
    item.assignees += [
        name for name in request.body["assignees"] if name in repository.hub.members and name not in item.assignees
    ]
    repository.touch(item)
    return issue_json(repository, item)


@route("GET", "/labels")
def _labels(repository: Repository, request: Request) -> Json:
    return [label_json(label) for _, label in sorted(repository.labels.items())]


@route("POST", "/labels", 201)
def _new_label(repository: Repository, request: Request) -> Json:
    if request.body["name"].lower() in repository.labels:
        raise Refusal(422, "Validation Failed; name already_exists; Label already exists")
    label = repository.label(request.body["name"])
    label.color = request.body.get("color", label.color)
    label.description = request.body.get("description", "")
    return label_json(label)


@route("GET", "/pulls")
def _pulls(repository: Repository, request: Request) -> Json:
    state, head = request.query.get("state", "open"), request.query.get("head", "")
    return [
        pull_json(repository, pull)
        for pull in sorted(repository.pulls(), key=lambda pull: -pull.number)
        if state in ("all", pull.state) and head in ("", _label(repository, pull))
    ]


@route("POST", "/pulls", 201)
def _new_pull(repository: Repository, request: Request) -> Json:
    body = request.body
    made = repository.open_pull(
        body["head"], body["base"], body["title"], body.get("body") or "", request.actor, draft=bool(body.get("draft"))
    )
    return pull_json(repository, made)


@route("GET", "/pulls/{number}")
def _pull(repository: Repository, request: Request, number: str) -> Json:
    return pull_json(repository, asked(repository.pull(int(number))))


@route("PATCH", "/pulls/{number}")
def _edit_pull(repository: Repository, request: Request, number: str) -> Json:
    pull = repository.pull(int(number))
    _edit(repository, pull, request.body)
    return pull_json(repository, pull)


@route("PUT", "/pulls/{number}/merge")
def _merge(repository: Repository, request: Request, number: str) -> Json:
    body = request.body
    said = (body.get("commit_title") or "", body.get("commit_message") or "")
    method = (body.get("merge_method") or "merge").upper()
    sha = repository.merge(repository.pull(int(number)), method, body.get("sha") or "", *said)
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


@route("GET", "/pulls/{number}/reviews")
def _reviews(repository: Repository, request: Request, number: str) -> Json:
    return [
        {"id": r.id, "user": user(r.author), "state": r.state, "body": r.body, "commit_id": r.commit,
         "submitted_at": r.submitted}
        for r in repository.pull(int(number)).reviews
    ]  # fmt: skip


@route("GET", "/commits/{sha}/check-runs")
def _check_runs(repository: Repository, request: Request, sha: str) -> Json:
    runs = [check_json(check) for check in repository.checks_of(sha) if not check.context]
    return {"total_count": len(runs), "check_runs": runs}


@route("GET", "/commits/{sha}/status")
def _status(repository: Repository, request: Request, sha: str) -> Json:
    contexts = [c for c in repository.checks_of(sha) if c.context]
    told = [{"context": c.name, "state": c.conclusion or "pending", "description": c.log} for c in contexts]
    return {"state": "pending", "statuses": told, "sha": sha}


@route("GET", "/actions/jobs/{job}/logs")
def _job_log(repository: Repository, request: Request, job: str) -> Json:
    return Text(_check(repository, job).log)


@route("POST", "/actions/jobs/{job}/rerun", 201)
def _rerun(repository: Repository, request: Request, job: str) -> Json:
    check = _check(repository, job)
    # What runs again is another job, with a number of its own.
    check.id, check.conclusion, check.completed = repository.hub.next_id(), None, None
    check.attempts += 1
    return {}


@route("POST", "/check-runs/{run}/rerequest", 201)
def _rerequest(repository: Repository, request: Request, run: str) -> Json:
    return _rerun(repository, request, run)


def _check(repository: Repository, number: str) -> Check:
    found = next((check for check in repository.checks if str(check.id) == number), None)
    if found is None:
        raise Refusal(404, "Not Found")
    return found


@route("GET", "/branches/{branch}/protection")
def _protection(repository: Repository, request: Request, branch: str) -> Json:
    rule = repository.protections.get(branch)
    if rule is None:
        raise Refusal(404, "Branch not protected")
    return {
        "required_status_checks": {"strict": rule.strict, "contexts": list(rule.contexts)},
        "required_pull_request_reviews": {"required_approving_review_count": rule.reviews},
        "required_conversation_resolution": {"enabled": rule.conversations},
    }


@route("GET", "/rules/branches/{branch}")
def _rules(repository: Repository, request: Request, branch: str) -> Json:
    rule = repository.rules.get(branch)
    if rule is None:
        return []
    checks = [{"context": name} for name in rule.contexts]
    told = {"required_status_checks": checks, "strict_required_status_checks_policy": rule.strict}
    asked_for = {
        "required_approving_review_count": rule.reviews,
        "required_review_thread_resolution": rule.conversations,
    }
    return [
        {"type": "deletion"},
        {"type": "required_status_checks", "parameters": told},
        {"type": "pull_request", "parameters": asked_for},
    ]


@route("POST", "/releases", 201)
def _release(repository: Repository, request: Request) -> Json:
    tag = request.body["tag_name"]
    if tag in repository.releases:
        raise Refusal(422, "Validation Failed: tag_name already exists")
    if not repository.git("for-each-ref", f"refs/tags/{tag}"):  # GitHub makes a tag that is not there
        target = request.body.get("target_commitish") or repository.default_branch
        repository.git("update-ref", f"refs/tags/{tag}", repository.heads().get(target, target))
    repository.releases[tag] = {
        "id": repository.hub.next_id(),
        "tag_name": tag,
        "name": request.body.get("name", tag),
        "body": request.body.get("body", ""),
        "html_url": f"{HOME}/{repository.full_name}/releases/tag/{tag}",
    }
    return repository.releases[tag]


@route("GET", "/releases/tags/{tag}")
def _release_of(repository: Repository, request: Request, tag: str) -> Json:
    if tag not in repository.releases:
        raise Refusal(404, "Not Found")
    return repository.releases[tag]
