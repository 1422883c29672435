"""The ``forge`` and ``labels`` sections: where tickets and pull requests live, and how their state is told there."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fleet_tui.domain.forges import is_repository
from fleet_tui.settings import fields as f
from fleet_tui.settings.fields import problem
from fleet_tui.settings.section import Section

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:\[bot\])?\Z")


def _login(text: str) -> str:
    if not _LOGIN.match(text):
        raise problem("not a login on GitHub", "write it as on the person's page there, without `@`")
    return text


def _repository(text: str) -> str:
    if text and not is_repository(text):
        raise problem("not a repository on GitHub", "write it as `owner/name`")
    return text


def _plain(remote: str) -> str:
    # Git runs programs for some forms of an address (`ext::`), and takes what begins with a dash for an option.
    if remote and not remote.startswith(("https://", "ssh://", "git@", "/")):
        raise problem("not an address of a repository", "write it as https://…, ssh://…, git@host:… or /path")
    return remote


OnGitHub = Annotated[f.Text, AfterValidator(_repository)]
"""A repository on GitHub as ``owner/name``; empty: none."""
Address = Annotated[f.Text, AfterValidator(_plain)]
"""Where git fetches from and pushes to; empty: not said."""


def address_of(repo: str, remote: str) -> str:
    """Where ``repo`` on GitHub is fetched from and pushed to, when ``remote`` does not say so; empty for no repo."""
    return remote or (f"https://github.com/{repo}.git" if repo else "")


class ForgeSettings(Section):
    """Where tickets and pull requests live: in files and the fleet's own log, or on GitHub through its program `gh`."""

    kind: Literal["local", "github"] = Field(
        "local",
        description="`local`: tickets are files in `.fleet/tickets/`; `github`: tickets are the issues with the labels "
        "of `labels`, and what the fleet lets through becomes a pull request there. Counts when the watcher starts.",
    )
    repo: OnGitHub = Field("", description="Of `github`: the repository there, as `owner/name`.")
    remote: Address = Field(
        "",
        description="Of `github`: where the watcher pushes branches to and fetches the target from; empty: "
        "`https://github.com/<repo>.git`.",
    )
    authors: tuple[Annotated[f.Text, AfterValidator(_login)], ...] = Field(
        (),
        max_length=500,
        description="Of `github`: whose issues, comments and reviews count; empty: owners, members and collaborators. "
        "Who the watcher is logged in as always does.",
    )
    poll_s: Annotated[f.Number, Field(ge=5, le=3600)] = Field(
        30, description="Of `github`: seconds between two looks; what has not changed costs none of the rate limit."
    )
    assign: f.Flag = Field(
        True, description="Of `github`: whether an issue that is taken is assigned to whom `gh` is logged in as."
    )
    reruns: Annotated[f.Number, Field(ge=0, le=5)] = Field(
        1,
        description="Of `github`: how often a check that failed runs again at the same commit before that counts.",
    )

    @property
    def address(self) -> str:
        """Where the repository is fetched from and pushed to; empty for the local forge."""
        return address_of(self.repo, self.remote)


class Labels(Section):
    """The labels that carry the state of a ticket, and on GitHub of a pull request, at the forge."""

    ready: f.Filled = Field("ready", description="May be taken.")
    in_progress: f.Filled = Field("in-progress", description="Being worked on.")
    blocked: f.Filled = Field("blocked", description="Waits for a person.")
    in_review: f.Filled = Field(
        "needs-review", description="Has an open pull request, or is one that reviewers look at."
    )
    changes_requested: f.Filled = Field(
        "changes-requested", description="Of a pull request on GitHub: it is back with its author."
    )
    approved: f.Filled = Field("approved", description="Of a pull request on GitHub: every required reviewer approved.")
    shipped: f.Filled = Field("shipped", description="Has landed.")
