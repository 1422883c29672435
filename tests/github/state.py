"""What the stand-in GitHub knows: repositories with issues, pull requests, reviews and checks. Commits are real git's.

A pull request's head is whatever its branch is in the bare repository, so a push (also a forced one, or one that
deletes the branch) changes it as it does on GitHub.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?) #(\d+)", re.IGNORECASE)
_EPOCH = 1_780_000_000


class Refusal(Exception):
    """GitHub says no: an HTTP status for REST, a type for GraphQL."""

    def __init__(self, status: int, message: str, kind: str = "UNPROCESSABLE") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind


@dataclass
class Comment:
    id: int
    author: str
    body: str
    created: str


@dataclass
class Issue:
    number: int
    title: str
    body: str
    author: str
    created: str
    updated: str
    state: str = "open"
    state_reason: str | None = None
    closed: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


@dataclass
class Review:
    id: int
    author: str
    state: str
    """APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED."""
    body: str
    commit: str
    submitted: str


@dataclass
class Thread:
    id: int
    path: str
    line: int
    comments: list[Comment]
    resolved: bool = False
    outdated: bool = False


@dataclass
class Pull(Issue):
    head: str = ""
    fork: str = ""
    """The owner of the fork that its branch is in; empty: it is in the repository itself."""
    base: str = ""
    head_sha: str = ""
    draft: bool = False
    merged: str | None = None
    merge_commit: str | None = None
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    unknown: int = 0
    """How often GitHub still says that it does not know yet whether it can be merged."""


@dataclass
class Check:
    """A check run (``context`` false) or a commit status. ``conclusion`` is None until it is completed."""

    id: int
    name: str
    sha: str
    started: str
    conclusion: str | None = None
    completed: str | None = None
    log: str = ""
    context: bool = False
    attempts: int = 1


@dataclass
class Protection:
    reviews: int = 0
    contexts: tuple[str, ...] = ()
    strict: bool = False
    conversations: bool = False
    dismiss_stale: bool = False


@dataclass
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str = ""


class Repository:
    """One repository; ``git`` is the bare one that people push to."""

    def __init__(self, hub: Hub, owner: str, name: str, git: Path) -> None:
        self.hub = hub
        self.id = hub.next_id()
        self.owner, self.name, self.git_dir = owner, name, git
        self.default_branch = "main"
        self.labels: dict[str, Label] = {}
        self.items: dict[int, Issue] = {}
        self.checks: list[Check] = []
        self.protections: dict[str, Protection] = {}
        self.rules: dict[str, Protection] = {}
        """What rules of the repository ask for of branches, beside the branches' own."""
        self.releases: dict[str, dict[str, Any]] = {}
        self.methods = {"MERGE", "SQUASH", "REBASE"}
        self.permission = "WRITE"
        self.hidden: set[str] = set()
        """Fields of GraphQL that the token may not see."""

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    def git(self, *args: str, given: str | None = None) -> str:
        """Output of git in the bare repository."""
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": "/"}
        who = {
            f"GIT_{role}_{part}": "hub@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
        }
        argv = ["git", f"--git-dir={self.git_dir}", *args]
        done = subprocess.run(argv, input=given, env=env | who, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise GitFailed(done.stdout + done.stderr)
        return done.stdout.strip()

    def heads(self) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
        return dict(line.rsplit(" ", 1) for line in lines)

    def sha(self, branch: str) -> str:
        found = self.heads().get(branch)
        if found is None:
            raise Refusal(404, f"Could not resolve to a Ref with the name {branch!r}.", "NOT_FOUND")
        return found

    # -- issues ------------------------------------------------------------------------------------------------------

    def issue(self, title: str, body: str = "", labels: tuple[str, ...] | list[str] = (), author: str = "pat") -> Issue:
        """Somebody opens an issue."""
        number = max(self.items, default=0) + 1
        now = self.hub.now()
        made = Issue(number, title, body, author, now, now)
        self.items[number] = made
        for label in labels:
            self.add_label(made, label)
        return made

    def item(self, number: int) -> Issue:
        if number not in self.items:
            what = f"Could not resolve to an issue or pull request with the number of {number}."
            raise Refusal(404, what, "NOT_FOUND")
        return self.items[number]

    def pull(self, number: int) -> Pull:
        found = self.items.get(number)
        if not isinstance(found, Pull):
            raise Refusal(404, f"Could not resolve to a PullRequest with the number of {number}.", "NOT_FOUND")
        return found

    def label(self, name: str) -> Label:
        """The label of that name; made when it is missing."""
        key = name.lower()
        return self.labels.setdefault(key, Label(self.hub.next_id(), name))

    def add_label(self, item: Issue, name: str) -> None:
        label = self.label(name)
        if label.name not in item.labels:
            item.labels.append(label.name)
            self.touch(item)

    def remove_label(self, item: Issue, name: str) -> None:
        found = next((label for label in item.labels if label.lower() == name.lower()), None)
        if found is None:
            raise Refusal(404, "Label does not exist", "NOT_FOUND")
        item.labels.remove(found)
        self.touch(item)

    def comment(self, item: Issue, body: str, author: str = "pat") -> Comment:
        made = Comment(self.hub.next_id(), author, body, self.hub.now())
        item.comments.append(made)
        self.touch(item)
        return made

    def close(self, item: Issue, reason: str = "completed") -> None:
        item.state, item.state_reason, item.closed = "closed", reason, self.hub.now()
        self.touch(item)

    def reopen(self, item: Issue) -> None:
        if isinstance(item, Pull) and item.merged:
            raise Refusal(422, "Could not open the pull request.")
        item.state, item.state_reason, item.closed = "open", "reopened", None
        self.touch(item)

    def touch(self, item: Issue) -> None:
        item.updated = self.hub.now()

    # -- pull requests -----------------------------------------------------------------------------------------------

    def open_pull(
        self, head: str, base: str, title: str, body: str = "", author: str = "pat", *, draft: bool = False
    ) -> Pull:
        """Somebody opens a pull request; the branch must be there and have commits of its own."""
        self.sync()
        head = head.removeprefix(f"{self.owner}:")
        heads = self.heads()
        if head not in heads or base not in heads:
            raise Refusal(422, f"Validation Failed; field {'head' if base in heads else 'base'} invalid")
        if any((pull.head, pull.base, pull.fork) == (head, base, "") for pull in self.pulls("open")):
            raise Refusal(422, f"A pull request already exists for {self.owner}:{head}.")
        if self.contains(base, heads[head]):
            raise Refusal(422, f"No commits between {base} and {head}")
        number, now = max(self.items, default=0) + 1, self.hub.now()
        made = Pull(number, title, body, author, now, now, head=head, base=base, head_sha=heads[head], draft=draft)
        self.items[number] = made
        return made

    def from_fork(self, head: str, base: str, title: str, author: str) -> Pull:
        """Somebody who may not write here opens a pull request from a branch of their fork; no branch here has it."""
        sha = self.git("commit-tree", self.git("rev-parse", f"{base}^{{tree}}"), "-p", self.sha(base), "-m", title)
        number, now = max(self.items, default=0) + 1, self.hub.now()
        made = Pull(number, title, "", author, now, now, head=head, fork=author, base=base, head_sha=sha)
        self.items[number] = made
        return made

    def pulls(self, state: str = "") -> list[Pull]:
        return [item for item in self.items.values() if isinstance(item, Pull) and state in ("", item.state)]

    def contains(self, branch: str, sha: str) -> bool:
        try:
            self.git("merge-base", "--is-ancestor", sha, f"refs/heads/{branch}")
        except GitFailed:
            return False
        return True

    def sync(self) -> None:
        """Follow what was pushed since the last look."""
        if not self.pulls("open"):
            return
        heads = self.heads()
        for pull in self.pulls("open"):
            now = heads.get(pull.head) if not pull.fork else pull.head_sha
            if now is None:
                self.close(pull)
            elif now != pull.head_sha:
                pull.head_sha = now
                self.touch(pull)
                if self.protection(pull.base).dismiss_stale:
                    for review in pull.reviews:
                        review.state = "DISMISSED" if review.state == "APPROVED" else review.state
            if pull.state == "open" and self.contains(pull.base, pull.head_sha):
                self._merged(pull, pull.head_sha)

    def protection(self, branch: str) -> Protection:
        own, rules = self.protections.get(branch, Protection()), self.rules.get(branch, Protection())
        return Protection(
            max(own.reviews, rules.reviews),
            own.contexts + rules.contexts,
            own.strict or rules.strict,
            own.conversations or rules.conversations,
            own.dismiss_stale or rules.dismiss_stale,
        )

    def review(self, pull: Pull, event: str, body: str = "", author: str = "rev", commit: str = "") -> Review:
        states = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
        if author == pull.author and event != "COMMENT":
            what = "approve" if event == "APPROVE" else "request changes on"
            raise Refusal(422, f"Can not {what} your own pull request")
        at = commit or pull.head_sha
        made = Review(self.hub.next_id(), author, states[event], body, at, self.hub.now())
        pull.reviews.append(made)
        self.touch(pull)
        return made

    def thread(self, pull: Pull, path: str, body: str, author: str = "rev", line: int = 1) -> Thread:
        first = Comment(self.hub.next_id(), author, body, self.hub.now())
        made = Thread(self.hub.next_id(), path, line, [first])
        pull.threads.append(made)
        self.touch(pull)
        return made

    def check(
        self, sha: str, name: str, conclusion: str | None = None, log: str = "", *, context: bool = False
    ) -> Check:
        """A check run begins (``conclusion`` None) or ends with, say, ``success`` or ``failure``."""
        found = next((c for c in self.checks if (c.sha, c.name, c.context) == (sha, name, context)), None)
        if found is None:
            found = Check(self.hub.next_id(), name, sha, self.hub.now(), context=context)
            self.checks.append(found)
        found.conclusion, found.log = conclusion, log
        found.completed = self.hub.now() if conclusion else None
        for pull in self.pulls("open"):
            if pull.head_sha == sha:
                self.touch(pull)
        return found

    def checks_of(self, sha: str) -> list[Check]:
        return [check for check in self.checks if check.sha == sha]

    def decision(self, pull: Pull) -> str | None:
        """As GitHub's ``reviewDecision``: nothing where no review is required."""
        needed = self.protection(pull.base).reviews
        if not needed:
            return None
        last = {r.author: r.state for r in pull.reviews if r.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")}
        if "CHANGES_REQUESTED" in last.values():
            return "CHANGES_REQUESTED"
        return "APPROVED" if list(last.values()).count("APPROVED") >= needed else "REVIEW_REQUIRED"

    def merge_tree(self, pull: Pull) -> str | None:
        """The tree of the merge result; None when it conflicts."""
        try:
            return self.git("merge-tree", "--write-tree", f"refs/heads/{pull.base}", pull.head_sha).splitlines()[0]
        except GitFailed:
            return None

    def mergeable(self, pull: Pull) -> str:
        if pull.state != "open" or pull.unknown > 0:
            return "UNKNOWN"
        return "CONFLICTING" if self.merge_tree(pull) is None else "MERGEABLE"

    def merge_state(self, pull: Pull) -> str:
        mergeable = self.mergeable(pull)
        if mergeable == "UNKNOWN":
            return "UNKNOWN"
        if mergeable == "CONFLICTING":
            return "DIRTY"
        if pull.draft:
            return "DRAFT"
        rule, results = self.protection(pull.base), self.checks_of(pull.head_sha)
        passed = {check.name for check in results if check.conclusion in ("success", "neutral", "skipped")}
        open_threads = rule.conversations and any(not thread.resolved for thread in pull.threads)
        if set(rule.contexts) - passed or self.decision(pull) not in (None, "APPROVED") or open_threads:
            return "BLOCKED"
        if rule.strict and not self._up_to_date(pull):
            return "BEHIND"
        return "CLEAN" if all(check.name in passed for check in results) else "UNSTABLE"

    def _up_to_date(self, pull: Pull) -> bool:
        base = self.sha(pull.base)
        return self.git("merge-base", base, pull.head_sha) == base

    def merge(self, pull: Pull, method: str, expected: str = "", headline: str = "", body: str = "") -> str:
        """Merge as GitHub does: only what may be merged, and only the head that was expected."""
        self.sync()
        if expected and expected != pull.head_sha:
            raise Refusal(409, "Head branch was modified. Review and try the merge again.")
        if method not in self.methods:
            raise Refusal(405, f"{method.capitalize()} merges are not allowed on this repository.")
        why = _NOT_NOW.get(self.merge_state(pull))
        if pull.state != "open" or why:
            raise Refusal(405, why or "Pull Request is not mergeable")
        base, tree = self.sha(pull.base), self.merge_tree(pull)
        assert tree is not None
        message = f"{headline or f'{pull.title} (#{pull.number})'}\n\n{body}".strip()
        parents = [base, pull.head_sha] if method == "MERGE" else [base]
        commit = self.git("commit-tree", tree, *(word for parent in parents for word in ("-p", parent)), "-m", message)
        self.git("update-ref", f"refs/heads/{pull.base}", commit, base)
        self._merged(pull, commit)
        return commit

    def _merged(self, pull: Pull, commit: str) -> None:
        pull.merged = self.hub.now()
        pull.merge_commit = commit
        self.close(pull)
        for number in map(int, _CLOSES.findall(pull.body)):
            if number in self.items and pull.base == self.default_branch:
                self.close(self.items[number])


_NOT_NOW = {
    "DIRTY": "Pull Request has merge conflicts",
    "DRAFT": "Pull Request is still a draft",
    "BLOCKED": "At least one requirement of the base branch is not met: base branch policy prohibits the merge.",
    "BEHIND": "Head branch is out of date. Review and try the merge again.",
    "UNKNOWN": "Base branch was modified. Review and try the merge again.",
}


class GitFailed(Exception):
    """A git command of the stand-in's own."""


class Hub:
    """All of the stand-in: who is who, and the repositories by their names of today and of before."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.viewer = "fleet-bot"
        self.token = "test"
        self.members = {"pat", "rev", self.viewer}
        """Who belongs to the repository; everybody else's association is NONE."""
        self._ids = count(1001)
        self._ticks = count(1)
        self._repositories: dict[str, Repository] = {}
        self._moved: dict[str, str] = {}

    def next_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        """An instant a second after the last one."""
        return datetime.fromtimestamp(_EPOCH + next(self._ticks), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def create(self, full_name: str = "acme/shop") -> Repository:
        """A repository with one commit on main."""
        owner, name = full_name.split("/")
        path = self.place / f"{owner}-{name}.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], check=True)
        made = Repository(self, owner, name, path)
        blob = made.git("hash-object", "-w", "--stdin", given="# shop\n")
        tree = made.git("mktree", given=f"100644 blob {blob}\tREADME.md\n")
        made.git("update-ref", "refs/heads/main", made.git("commit-tree", tree, "-m", "start"))
        self._repositories[full_name.lower()] = made
        return made

    def rename(self, repository: Repository, name: str) -> None:
        """Requests for the old name are redirected from now on."""
        old = repository.full_name.lower()
        repository.name = name
        self._repositories[repository.full_name.lower()] = self._repositories.pop(old)
        self._moved[old] = repository.full_name.lower()

    def delete(self, repository: Repository) -> None:
        del self._repositories[repository.full_name.lower()]

    def restore(self, repository: Repository) -> None:
        """What was deleted is there again, as it was."""
        self._repositories[repository.full_name.lower()] = repository

    def find(self, full_name: str) -> Repository | None:
        return self._repositories.get(full_name.lower())

    def moved(self, full_name: str) -> Repository | None:
        return self._repositories.get(self._moved.get(full_name.lower(), ""))

    def by_id(self, number: int) -> Repository | None:
        return next((repository for repository in self._repositories.values() if repository.id == number), None)

    def association(self, login: str) -> str:
        return "MEMBER" if login in self.members else "NONE"

    def all(self) -> list[Repository]:
        return list(self._repositories.values())


def commit(
    repository: Repository, branch: str, files: dict[str, str], message: str = "work", onto: str = "main"
) -> str:
    """A commit on ``branch`` (made from ``onto`` when it is new), as somebody pushes it; its id."""
    heads = repository.heads()
    parent = heads.get(branch, heads[onto])
    entries = {line.partition("\t")[2]: line for line in repository.git("ls-tree", parent).splitlines()}
    for name, text in files.items():
        entries[name] = f"100644 blob {repository.git('hash-object', '-w', '--stdin', given=text)}\t{name}"
    tree = repository.git("mktree", given="\n".join(entries.values()) + "\n")
    made = repository.git("commit-tree", tree, "-p", parent, "-m", message)
    repository.git("update-ref", f"refs/heads/{branch}", made)
    return made
