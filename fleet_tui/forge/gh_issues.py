"""Issues of one repository on GitHub, through REST: what is polled there costs nothing while nothing changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.forges import Trouble, is_repository
from fleet_tui.forge.gh import Gh, reading
from fleet_tui.forge.gh_values import Comment, Issue, Repository
from fleet_tui.forge.trouble import ForgeTrouble


def repository_name(text: str) -> str:
    """``text`` when it is OWNER/NAME: nothing else is ever put into an address.

    Raises:
        UsageError: it is not.
    """
    if not is_repository(text):
        raise UsageError("not a repository on GitHub", repr(text[:100]), "write OWNER/NAME")
    return text


async def repository(gh: Gh, name: str) -> Repository:
    """What ``name`` is today: a renamed repository answers with its new name."""
    told = (await gh.get(f"repos/{repository_name(name)}")).json()
    with reading(f"repository {name}"):
        allowed = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
        return Repository(
            id=int(told["id"]),
            name=str(told["full_name"]),
            default_branch=str(told["default_branch"]),
            archived=bool(told.get("archived")),
            may_push=bool((told.get("permissions") or {}).get("push")),
            # Who may not push is not told what is allowed.
            methods=frozenset(method for method, key in allowed.items() if told.get(key, True)),
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of issues. ``unchanged``: no page of it is another than last time; not ``complete``: there are more."""

    issues: list[Issue]
    unchanged: bool
    complete: bool


class Issues:
    """Issues, their labels and comments. A pull request has labels and comments by the same calls.

    Every call raises :class:`ForgeTrouble` when it does not succeed.
    """

    def __init__(self, gh: Gh, name: str) -> None:
        self._gh = gh
        self._base = f"repos/{repository_name(name)}"

    async def labelled(self, labels: Sequence[str] = (), state: str = "open") -> Listed:
        """The issues (no pull requests) with all of ``labels``, those first that were changed last."""
        query = {"state": state, "sort": "updated", "direction": "desc", "labels": ",".join(labels)}
        found = await self._gh.pages(f"{self._base}/issues", {k: v for k, v in query.items() if v})
        with reading("issues"):
            listed = [_issue(one) for one in found.items if "pull_request" not in one]
        return Listed(listed, found.unchanged, found.complete)

    async def get(self, number: int) -> Issue:
        """One issue. GONE: there is none (any more), or it is a pull request."""
        told = (await self._gh.get(f"{self._base}/issues/{number:d}")).json()
        with reading(f"issue {number}"):
            if "pull_request" in told:
                raise ForgeTrouble(Trouble.GONE, f"{number} is a pull request", hint="name an issue")
            return _issue(told)

    async def comments(self, number: int) -> list[Comment]:
        """The comments, oldest first. TOO_LONG: there are more than are read of anything."""
        found = await self._gh.pages(f"{self._base}/issues/{number:d}/comments")
        if not found.complete:
            raise ForgeTrouble(Trouble.TOO_LONG, f"{number} has more than {len(found.items)} comments")
        with reading(f"comments of {number}"):
            return [_comment(one) for one in found.items]

    async def create(self, title: str, body: str = "", labels: Sequence[str] = ()) -> Issue:
        """Open an issue."""
        told = {"title": title, "body": body, "labels": list(labels)}
        answer = await self._gh.send("POST", f"{self._base}/issues", told)
        with reading("the new issue"):
            return _issue(answer.json())

    async def close(self, number: int, *, completed: bool = True) -> None:
        """Close it, as done or as not wanted."""
        reason = "completed" if completed else "not_planned"
        change = {"state": "closed", "state_reason": reason}
        await self._gh.send("PATCH", f"{self._base}/issues/{number:d}", change)

    async def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """Add labels; one that the repository does not have is made."""
        if labels:
            await self._gh.send("POST", f"{self._base}/issues/{number:d}/labels", {"labels": list(labels)})

    async def remove_label(self, number: int, label: str) -> bool:
        """Take a label away; False when it was not there (any more)."""
        try:
            await self._gh.send("DELETE", f"{self._base}/issues/{number:d}/labels/{quote(label, safe='')}")
        except ForgeTrouble as trouble:
            if trouble.trouble is Trouble.GONE and "Label does not exist" in trouble.message:
                return False
            raise
        return True

    async def assign(self, number: int, login: str) -> bool:
        """Assign it; False when GitHub did not, which it does without a word for who cannot be assigned."""
        answer = await self._gh.send("POST", f"{self._base}/issues/{number:d}/assignees", {"assignees": [login]})
        with reading(f"issue {number}"):
            return login.lower() in {name.lower() for name in _issue(answer.json()).assignees}

    async def comment(self, number: int, body: str) -> Comment:
        """Add a comment."""
        answer = await self._gh.send("POST", f"{self._base}/issues/{number:d}/comments", {"body": body})
        with reading("the new comment"):
            return _comment(answer.json())

    async def known_labels(self) -> tuple[str, ...]:
        """The labels that the repository has."""
        found = await self._gh.pages(f"{self._base}/labels")
        with reading("labels"):
            return tuple(str(one["name"]) for one in found.items)

    async def create_label(self, name: str, color: str, description: str = "") -> bool:
        """Make a label for the repository (``color`` as RRGGBB); False when it has it already."""
        told = {"name": name, "color": color, "description": description}
        try:
            await self._gh.send("POST", f"{self._base}/labels", told)
        except ForgeTrouble as trouble:
            if trouble.trouble is Trouble.CONFLICT or "already_exists" in trouble.message:
                return False
            raise
        return True


def _issue(told: Mapping[str, Any]) -> Issue:
    return Issue(
        number=int(told["number"]),
        title=str(told["title"]),
        body=str(told.get("body") or ""),
        author=_login(told.get("user")),
        association=str(told.get("author_association") or "NONE"),
        labels=tuple(str(one["name"]) for one in told.get("labels") or ()),
        assignees=tuple(map(_login, told.get("assignees") or ())),
        open=told["state"] == "open",
        state_reason=str(told.get("state_reason") or ""),
        created=str(told["created_at"]),
        updated=str(told["updated_at"]),
        comments=int(told.get("comments") or 0),
    )


def _comment(told: Mapping[str, Any]) -> Comment:
    return Comment(
        id=int(told["id"]),
        author=_login(told.get("user")),
        association=str(told.get("author_association") or "NONE"),
        body=str(told.get("body") or ""),
        created=str(told["created_at"]),
        updated=str(told["updated_at"]),
    )


def _login(user: Mapping[str, Any] | None) -> str:
    """Who; of an account that was deleted nothing is told."""
    return str(user["login"]) if user else ""
