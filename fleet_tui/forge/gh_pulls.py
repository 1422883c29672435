"""Pull requests of one repository on GitHub: opened and edited through REST, seen whole through one GraphQL query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any
from urllib.parse import quote

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.forges import Trouble
from fleet_tui.forge.gh import Gh, reading
from fleet_tui.forge.gh_issues import repository_name
from fleet_tui.forge.gh_pull_view import OPTIONAL, QUERY, WORDS, Page, joined, page_of, rule_of
from fleet_tui.forge.gh_values import Protection, Pull
from fleet_tui.forge.trouble import ForgeTrouble

METHODS = ("merge", "squash")
_MOST_PAGES = 20
"""What is read of a pull request, and no more, a hundred of each list to a page."""
_WORDS_AT_ONCE = 5
"""So many texts, however long and strange, are within what is read of an answer."""


class Pulls:
    """Pull requests. Their labels and comments are those of :class:`~fleet_tui.forge.gh_issues.Issues`.

    Every call raises :class:`ForgeTrouble` when it does not succeed.
    """

    def __init__(self, gh: Gh, name: str) -> None:
        self._gh = gh
        self._name = repository_name(name)
        self._base = f"repos/{name}"

    async def create(self, branch: str, target: str, title: str, body: str, *, draft: bool = False) -> int:
        """Open one; its number. CONFLICT: there is one from ``branch`` already, which :meth:`find` tells."""
        told = {"head": branch, "base": target, "title": title, "body": body, "draft": draft}
        answer = await self._gh.send("POST", f"{self._base}/pulls", told)
        with reading("the new pull request"):
            return int(answer.json()["number"])

    async def find(self, branch: str, state: str = "open") -> int | None:
        """The newest pull request from ``branch`` of the repository itself; ``state`` is open, closed or all."""
        owner = self._name.partition("/")[0]
        query: dict[str, str | int] = {"head": f"{owner}:{branch}", "state": state, "per_page": 100}
        found = (await self._gh.get(f"{self._base}/pulls", query)).json()
        with reading("pull requests"):
            # An unknown branch is no filter for GitHub: it answers with everything. A fork may have one of that name.
            return max((int(one["number"]) for one in found if _is_from(one, branch)), default=None)

    async def view(self, number: int) -> Pull:
        """All of it: head, checks, reviews, conversations, what protects its target.

        Of what is longer than is read of anything the rest is missing, and it is not ``complete``.
        """
        page = await self._page(number, {})
        pull, ends = page.pull, dict(page.ends)
        for _ in range(1, _MOST_PAGES):
            if not page.goes_on:
                return pull
            page = await self._page(number, ends)
            pull, ends = joined(pull, page.pull), {**ends, **page.ends}
        return replace(pull, complete=False, longer=True) if page.goes_on else pull

    async def _page(self, number: int, after: Mapping[str, str]) -> Page:
        owner, _, name = self._name.partition("/")
        asked = {"owner": owner, "name": name, "number": number, **after}
        data, hidden = await self._gh.graphql(QUERY, asked, OPTIONAL)
        with reading(f"pull request {number}"):
            return page_of(data["repository"]["pullRequest"], hidden)

    async def rules(self, target: str) -> Protection | None:
        """What the repository's rules ask for of ``target``, beside a rule of the branch's own; None: nothing."""
        path = f"{self._base}/rules/branches/{quote(target, safe='')}"
        try:
            found = await self._gh.pages(path)
        except ForgeTrouble as trouble:
            if trouble.trouble in (Trouble.GONE, Trouble.FORBIDDEN):
                return None  # a server that has no such rules, or not for us: its own summary still tells
            raise
        with reading(f"rules of {target}"):
            rules = [rule_of(one["type"], one.get("parameters") or {}) for one in found.items]
        return reduce(Protection.joined, rules) if rules else None

    async def words(self, ids: Sequence[str]) -> dict[str, str]:
        """What reviews and first comments of conversations say, by their ids."""
        found: dict[str, str] = {}
        for at in range(0, len(ids), _WORDS_AT_ONCE):
            data, _ = await self._gh.graphql(WORDS, {"ids": list(ids[at : at + _WORDS_AT_ONCE])})
            with reading("reviews"):
                found |= {str(one["id"]): str(one["body"] or "") for one in data["nodes"] if one}
        return found

    async def edit(
        self, number: int, *, title: str | None = None, body: str | None = None, target: str | None = None
    ) -> None:
        """Change what is given."""
        changes = {"title": title, "body": body, "base": target}
        told = {key: value for key, value in changes.items() if value is not None}
        await self._gh.send("PATCH", f"{self._base}/pulls/{number:d}", told)

    async def close(self, number: int) -> None:
        """Close it without a merge."""
        await self._gh.send("PATCH", f"{self._base}/pulls/{number:d}", {"state": "closed"})

    async def merge(self, number: int, head_sha: str, method: str, title: str = "", body: str = "") -> Pull:
        """Merge exactly ``head_sha`` by ``method`` (merge, squash); how it is afterwards.

        Where it is unclear whether it happened, GitHub is asked. What comes back OPEN has been put into a queue.
        CONFLICT: its head is another by now, or it may not be merged.
        """
        if method not in METHODS:
            raise UsageError("no such merge method", method, ", ".join(METHODS))
        where = f"{self._gh.host}/{self._name}"
        words = ["pr", "merge", f"{number:d}", "--repo", where, f"--{method}", f"--match-head-commit={head_sha}"]
        words += [f"--subject={title}"] if title else []
        words += ["--body-file=-"] if body else []
        try:
            await self._gh.command(*words, given=body.encode())
        except ForgeTrouble as trouble:
            if not trouble.trouble.leaves_doubt:
                raise
            after = await self.view(number)
            if after.state != "MERGED":
                raise trouble from None
        else:
            after = await self.view(number)
        # gh has nothing against what somebody else has merged already.
        if after.state == "MERGED" and after.head_sha != head_sha:
            what = f"PR {number} was merged at {after.head_sha[:8]}, not at {head_sha[:8]}"
            raise ForgeTrouble(Trouble.CONFLICT, what)
        return after

    async def job_log(self, job: int, most_bytes: int = 20_000) -> str:
        """The end of what the job of a check said."""
        return await self._gh.tail(f"{self._base}/actions/jobs/{job:d}/logs", most_bytes)

    async def rerun(self, job: int) -> None:
        """Have a check's job run again."""
        await self._gh.send("POST", f"{self._base}/actions/jobs/{job:d}/rerun")


def _is_from(told: Mapping[str, Any], branch: str) -> bool:
    """Whether it is from ``branch`` of the repository that it is for; of a fork that was deleted nothing is told."""
    head, base = told["head"], told["base"]
    return bool(head["ref"] == branch and head["repo"] and head["repo"]["id"] == base["repo"]["id"])
