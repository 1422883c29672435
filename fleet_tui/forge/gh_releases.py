"""Releases of one repository on GitHub: what is said of a tag that is there."""

from __future__ import annotations

from urllib.parse import quote

from fleet_tui.domain.forges import Trouble
from fleet_tui.forge.gh import Gh, reading
from fleet_tui.forge.gh_issues import repository_name
from fleet_tui.forge.trouble import ForgeTrouble


class Releases:
    """Every call raises :class:`ForgeTrouble` when it does not succeed."""

    def __init__(self, gh: Gh, name: str) -> None:
        self._gh = gh
        self._base = f"repos/{repository_name(name)}/releases"

    async def find(self, tag: str) -> str | None:
        """The address of the release of ``tag``; None when there is none."""
        try:
            answer = await self._gh.get(f"{self._base}/tags/{quote(tag, safe='')}")
        except ForgeTrouble as trouble:
            if trouble.trouble is Trouble.GONE:
                return None
            raise
        with reading("the release"):
            return str(answer.json()["html_url"])

    async def publish(self, tag: str, title: str, notes: str) -> str:
        """Publish the release of ``tag``, which must be there: GitHub would make one of its own. Its address."""
        answer = await self._gh.send("POST", self._base, {"tag_name": tag, "name": title, "body": notes})
        with reading("the new release"):
            return str(answer.json()["html_url"])
