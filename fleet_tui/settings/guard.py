"""The ``guard`` section: what agents may do before they do it, as rules."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section

Verdict = Literal["allow", "ask", "deny"]


class ToolSettings(Section):
    """How to read one tool of a vendor's."""

    kind: Literal["shell", "read", "search", "write", "patch", "other"] = Field(description="What its calls amount to.")
    fields: tuple[f.Filled, ...] = Field((), description="Names of the argument that says what; the first one found.")


class GuardRule(Section):
    """One rule. It applies when everything that it names is so; globs match in any case of letters."""

    id: f.SafeName = Field(description="Unique name; also what the log says.")
    then: Verdict = Field(description="`allow`, `ask` a person, or `deny`.")
    reason: f.Text = Field(description="Told to the agent and to the person.")
    offence: f.Flag = Field(False, description="Being refused by it counts towards quarantine.")
    roles: tuple[f.Filled, ...] = Field((), description="Globs on role or family names; empty: everybody.")
    tools: tuple[f.Filled, ...] = Field((), description="Globs on tool names.")
    programs: tuple[f.Filled, ...] = Field((), description="Globs on program names, without folder.")
    verbs: tuple[f.Filled, ...] = Field(
        (), description="Globs on what the program is told to do: `push`, `pr merge`, `install`."
    )
    arguments: tuple[f.Filled, ...] = Field((), description="Globs on arguments: one must match.")
    unless_arguments: tuple[f.Filled, ...] = Field((), description="Globs on arguments: none may match.")
    git_settings: tuple[f.Filled, ...] = Field((), description="Globs on settings given with `git -c`.")
    variables: tuple[f.Filled, ...] = Field((), description="Globs on variables set for the command.")
    reads: tuple[f.Filled, ...] = Field((), description="Paths as in .gitignore, `~/` for the home directory.")
    writes: tuple[f.Filled, ...] = Field((), description="Paths as in .gitignore.")
    outside: f.Flag = Field(False, description="Writes to neither the workspace nor `writable`.")
    anywhere: f.Flag = Field(False, description='Writes to where only the running line knows (`> "$OUT"`).')
    foreign_push: f.Flag = Field(False, description="A push of more than its own branch, or by force.")
    piped_script: f.Flag = Field(False, description="A shell that runs what comes out of a pipe.")
    opaque: f.Flag = Field(False, description="The program, git command or pushed branch is known only when it runs.")


class Guard(Section):
    """What agents may do, asked before they do it."""

    unreadable: Verdict = Field("deny", description="A shell line or tool call that cannot be understood.")
    writable: tuple[f.Filled, ...] = Field((), description="Where agents may write besides their workspace.")
    tools: dict[f.Filled, ToolSettings] = Field(default_factory=dict, description="Tools of the vendors, by name.")
    rules: tuple[GuardRule, ...] = Field(
        (), max_length=200, description="The first rule that applies to a command counts. A list here replaces ours."
    )
    extra: tuple[GuardRule, ...] = Field((), max_length=200, description="Rules of your own, looked at before `rules`.")
    disabled: tuple[f.SafeName, ...] = Field((), description="Names of rules that do not apply here.")
