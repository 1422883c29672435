"""The ``approval`` section: which merges need a person, how many of them, and for how long their word holds."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from fleet_tui.settings import fields as f
from fleet_tui.settings.fields import problem
from fleet_tui.settings.section import Section

Act = Literal["merge", "dependency", "migration", "release", "budget", "tag"]
"""What a landing can be (always a merge; the others by the paths that it changes), the extension of a budget, and the
tag of a release."""
Hours = Annotated[f.Number, Field(ge=1, le=720)]


class ActPaths(Section):
    """Which changed paths make a merge more than a merge."""

    dependency: tuple[f.Glob, ...] = Field((), description="Globs of paths that say what the project depends on.")
    migration: tuple[f.Glob, ...] = Field((), description="Globs of paths that change stored data or its shape.")
    release: tuple[f.Glob, ...] = Field((), description="Globs of paths whose change makes or describes a release.")


def _public_key(value: str) -> str:
    kind, _, rest = value.partition(" ")
    body = rest.partition(" ")[0]
    if kind not in _KEY_TYPES or not _BASE64.fullmatch(body):
        raise problem("expected a public SSH key such as `ssh-ed25519 AAAA…`: one line of a `.pub` file")
    return f"{kind} {body}"


_KEY_TYPES = frozenset(
    {
        *("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
        *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
    }
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,4000}={0,2}")
PublicKey = Annotated[f.Text, AfterValidator(_public_key)]


class Signer(Section):
    """A person who decides by signature: `fleet approval approve --sign`, from any machine."""

    name: f.SafeName = Field(
        description="Who it is. A person who also owns the fleet gets the login name: that counts once."
    )
    key: PublicKey = Field(description="The person's public SSH key: the line of a `.pub` file.")


class ApprovalRule(Section):
    """A merge that all of `acts`, `paths` and `bands` fit needs persons; of several rules the strictest counts."""

    name: f.SafeName = Field(description="Unique name; told as the reason.")
    acts: tuple[Act, ...] = Field(
        (),
        description="Acts: `merge`, `dependency`, `migration`, `release` (see `approval.acts`); empty: any of these. "
        "`budget`: extensions of budgets, and `tag`: releases (`fleet release tag`), each in a rule of its own.",
    )
    paths: tuple[f.Glob, ...] = Field((), description="Globs, of which a changed path must match one; empty: any.")
    bands: tuple[Literal["low", "medium", "high", "critical"], ...] = Field(
        (), description="Bands of risk; empty: any."
    )
    quorum: Annotated[f.Number, Field(ge=1, le=10)] = Field(1, description="How many different persons must approve.")
    expires_h: Hours | None = Field(None, description="Hours until a request expires; empty: `approval.expires_h`.")

    @model_validator(mode="after")
    def _no_paths_without_a_merge(self) -> ApprovalRule:
        alone = len(self.acts) == 1 and not self.paths and not self.bands
        if "budget" in self.acts and not alone:
            raise problem("`budget` needs a rule of its own: an extension changes no paths and has no risk")
        if "tag" in self.acts and not alone:
            raise problem("`tag` needs a rule of its own: what is tagged has landed, with its paths and its risk")
        return self


class ApprovalPolicy(Section):
    """When a person must approve a merge."""

    when: Literal["always", "sensitive"] = Field(
        "always", description="`always`, or only when a sensitive path is touched or a rule asks for it."
    )
    sensitive_paths: tuple[f.Glob, ...] = Field(
        (), description="Globs of paths that need a person. A list of your own replaces the shipped one."
    )
    expires_h: Hours = Field(24, description="Hours until a request expires.")
    hold_s: Annotated[f.Number, Field(ge=0, le=3600)] = Field(
        10,
        description="Seconds in which what a person did can be undone: between approval and merge, and before a run "
        "that is stopped or started again by hand ends.",
    )
    acts: ActPaths = Field(default_factory=ActPaths)
    rules: tuple[ApprovalRule, ...] = Field((), max_length=100, description="Which merges need how many persons.")
    signers: tuple[Signer, ...] = Field((), max_length=100, description="Who may decide besides the fleet's owner.")
