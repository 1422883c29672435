"""The schema: frozen pydantic models, one per section of ``config.yaml``.

Whatever these models accept is consistent by itself; what must agree between sections or with the disk is in
:mod:`fleet_tui.settings.check`. Durations carry their unit in the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.spending import Rule
from fleet_tui.settings import fields as f
from fleet_tui.settings.alarms import AlarmSettings
from fleet_tui.settings.approval import ApprovalPolicy
from fleet_tui.settings.budgets import BudgetSettings, OwnBudget, PriceSettings
from fleet_tui.settings.evidence import EvidenceSettings
from fleet_tui.settings.fanout import Fanout
from fleet_tui.settings.fields import problem
from fleet_tui.settings.forge import ForgeSettings, Labels
from fleet_tui.settings.guard import Guard
from fleet_tui.settings.isolation import IsolationSettings
from fleet_tui.settings.limits import DAY_S, Limits, MemoryCeiling
from fleet_tui.settings.repositories import GateSettings, RepositorySettings, WorkspaceSettings
from fleet_tui.settings.reviews import Reviews
from fleet_tui.settings.risk import Risk
from fleet_tui.settings.section import Section

PUBLISHABLE = frozenset(
    {
        "note", "claim", "handoff", "artifact", "blocker",
        "pr_created", "pr_approved", "pr_changes_requested", "release_decided", "release_requested",
    }
)  # fmt: skip
"""Kinds an agent may publish, if its role says so; custom kinds come on top (``events:``)."""

OBSERVER = "observer"
"""The family of a role that no family matches: least privilege."""


class Product(Section):
    """What is being built; shown to agents and in the room."""

    name: f.Text | None = Field(None, description="Name of the product.")
    description: f.LongText | None = Field(None, description="What it is; goes into every prompt.")
    owner: f.Text | None = Field(None, description="The person or team that answers for it.")


class AgentSettings(Section):
    """One agent: a role, a vendor's program, and what makes it start."""

    name: f.AgentName = Field(description="Unique name; also the name of its prompt file.")
    role: f.RoleName = Field(description="Its role; the matching entry of `roles` says what it may publish.")
    agent_type: f.RoleName | None = Field(None, description="Older spelling: stands for `role` where that is missing.")
    vendor: f.SafeName = Field("claude-code", description="The entry of `vendors` that runs it.")
    model: f.Filled | None = Field(None, description="Model name passed to the vendor; empty: the vendor's default.")
    subscribes_to: f.EventNames = Field(
        None, description="Event kinds that start it; empty: the defaults of its role. Older spelling: `subscriptions`."
    )
    lens: f.SafeName | None = Field(
        None, description="Of a reviewer: the entry of `reviews.lenses` that it looks through; empty: by its role."
    )
    max_concurrent: Annotated[f.Number, Field(ge=1, le=64)] = Field(1, description="Runs at the same time.")
    budget_seconds: Annotated[f.Number, Field(ge=1, le=365 * DAY_S)] | None = Field(
        None, description="Run time in total, in seconds; empty: unlimited."
    )
    budget_minutes: Annotated[f.Number, Field(ge=1, le=365 * 1440)] | None = Field(
        None, description="The same in minutes; only one of the two."
    )
    budgets: tuple[OwnBudget, ...] = Field(
        (), max_length=20, description="More ceilings on what it spends; each as in `budgets`, without scope and name."
    )
    memory_mb: MemoryCeiling | None = Field(
        None,
        description="What each of its runs may take of memory, in MB; empty: as its role, else `limits.memory_mb`.",
    )
    tickets: tuple[Annotated[f.Number, Field(ge=1)], ...] = Field(
        (), max_length=200, description="Tickets that are kept for it: it takes no others, and nobody else takes them."
    )
    repos: tuple[f.SafeName, ...] = Field(
        (),
        max_length=50,
        description="Where it works and reviews: names of `repos`, and `home` for the fleet's own. Empty: everywhere.",
    )
    reads: Literal["own", "all"] = Field(
        "own",
        description="What it may read besides the repository that it works in: nothing, or the files of all others, as "
        "their target branches were when its run began.",
    )
    enabled: f.Flag = Field(True, description="Whether it may be started.")
    department: f.Text | None = Field(None, description="Grouping in lists.")
    reports_to: f.AgentName | None = Field(None, description="The agent it reports to.")
    schedule: f.Cron = Field(None, description="Cron line (minute hour day month weekday) that starts it.")
    worktree: f.Worktree = Field(None, description="Accepted for older files: fleet makes the workspaces itself.")
    prompt_file: f.RepositoryPath | None = Field(
        None, description="Its standing instructions; empty: `.fleet/prompts/<name>.md`."
    )
    prompt: f.LongText | None = Field(None, description="The instructions themselves, instead of a file.")
    env: f.Environment = Field(default_factory=dict, description="Environment variables for its program.")
    template: f.Filled | None = Field(None, description="The template that it was made from; decides nothing.")

    @field_validator("budget_minutes")
    @classmethod
    def _one_budget(cls, minutes: int | None, info: ValidationInfo) -> int | None:
        if minutes is not None and info.data.get("budget_seconds") is not None:
            raise problem("`budget_seconds` is given as well", "keep one of the two")
        return minutes

    @field_validator("prompt")
    @classmethod
    def _one_prompt(cls, prompt: str | None, info: ValidationInfo) -> str | None:
        if prompt is not None and info.data.get("prompt_file") is not None:
            raise problem("`prompt_file` is given as well", "keep one of the two")
        return prompt

    @property
    def budget_s(self) -> int | None:
        """Run time in seconds, or None for no ceiling."""
        return self.budget_minutes * 60 if self.budget_minutes is not None else self.budget_seconds

    @property
    def budget_rules(self) -> tuple[Rule, ...]:
        """Its own budgets."""
        whole = () if self.budget_s is None else (Rule("agent", self.name, "seconds", self.budget_s),)
        return (*whole, *(budget.rule_for("agent", self.name) for budget in self.budgets))

    @property
    def prompt_path(self) -> str:
        """The prompt file, relative to the repository."""
        return self.prompt_file or f".fleet/prompts/{self.name}.md"

    def subscriptions(self, settings: Settings) -> tuple[str, ...]:
        """The event kinds that start this agent: its own, else the defaults of its role."""
        return self.subscribes_to if self.subscribes_to is not None else settings.family(self.role).subscribes_to


class Team(Section):
    """A named group of agents; also in a file of its own, `.fleet/teams/NAME.yaml`."""

    name: f.SafeName = Field(description="Unique name.")
    agents: tuple[f.AgentName, ...] = Field((), description="Names of its agents.")


class Merge(Section):
    """How approved work lands."""

    method: Literal["merge", "squash"] = Field("merge", description="A merge commit, or one squashed commit.")
    parallel_gates: Annotated[f.Number, Field(ge=1, le=16)] = Field(1, description="Gates that run at the same time.")


class VendorSettings(Section):
    """How a vendor's program is started."""

    kind: Literal["command", "scripted", "claude-code", "codex", "gemini", "opencode", "copilot", "aider"] = Field(
        "command",
        description="The adapter: any program by its `argv`, a story played for trials, or a program that fleet knows.",
    )
    argv: f.Arguments = Field(
        (),
        description="Program and arguments; of `command` `{prompt}`, `{prompt_file}`, `{model}`, `{workspace}` and "
        "`{ticket}` are filled in, other adapters add what they need.",
    )
    prompt: Literal["argv", "stdin", "file", "paste"] = Field(
        "argv", description="Of `command`: how the prompt reaches it."
    )
    env: f.Environment = Field(default_factory=dict, description="Environment variables for it.")
    story: f.RepositoryPath | None = Field(
        None, description="Of `scripted`: the name of a shipped story, or a file in the repository."
    )
    interrupt: f.KeyNames | None = Field(
        None,
        description="Key, named as in tmux, that ends the turn under way and nothing else (`Escape`, `C-c`), or "
        "several that are pressed one after the other (`F12 F12`); empty: there is none. Of `scripted`: Escape.",
    )
    carry: tuple[f.RepositoryPath, ...] = Field(
        (),
        max_length=100,
        description="Names in the program's own directory in your home (`~/.claude` and its like) that agents get a "
        "copy of at each start: memory files, skills. Not a login: two copies of one put each other out.",
    )
    mcp: bool = Field(
        True,
        description="Whether a program that takes MCP servers is given the fleet's (inbox, publish, ticket, ...); it "
        "takes about 70 MB of memory a run. Without it agents use their `fleet` command all the same.",
    )
    playbooks: Literal["auto", "prompt", "off"] = Field(
        "auto",
        description="How its agents are given the playbooks of their role (`config/playbooks/`, `.fleet/playbooks/`): "
        "`auto`: as skills where the program takes them, else in the prompt; `prompt`: always there; `off`: not.",
    )
    asks: Literal["auto", "guard", "vendor"] = Field(
        "auto",
        description="Who decides about acts that no rule of the guard forbids: `guard`: they happen; `vendor`: the "
        "program's own permission prompts, which the room shows and answers; `auto`: the guard inside a sandbox (from "
        "isolation level L1 on), else the vendor.",
    )

    @property
    def interrupt_key(self) -> str:
        """The key or keys that end a turn; empty where none is known."""
        return self.interrupt if self.interrupt is not None else "Escape" if self.kind == "scripted" else ""


class RoleSettings(Section):
    """A family of roles: which role names belong to it and what they may do."""

    match: tuple[f.Filled, ...] = Field((), description="Globs on role names, in any case.")
    publishes: tuple[f.EventName, ...] = Field((), description="Event kinds its agents may publish.")
    subscribes_to: tuple[f.EventName, ...] = Field((), description="Event kinds that start its agents by default.")
    summary: f.Text = Field("", description="What the family is for.")
    vendor: f.SafeName | None = Field(
        None, description="The entry of `vendors` that runs its agents, those that do not name one themselves."
    )
    model: f.Filled | None = Field(
        None, description="The model of its agents, those that name none themselves and are run by that vendor."
    )
    memory_mb: MemoryCeiling | None = Field(
        None, description="What each run of its agents may take of memory, in MB; empty: as `limits.memory_mb` says."
    )


@dataclass(frozen=True, slots=True)
class RoleFamily:
    """What a role amounts to. ``matched`` is False when no family claims the role and it fell back to ``observer``."""

    name: str
    publishes: tuple[str, ...]
    subscribes_to: tuple[str, ...]
    summary: str
    matched: bool = True


class Interface(Section):
    """The control room."""

    theme: Literal["auto", "grey", "light", "contrast", "ansi", "mono"] = Field("auto", description="Colours.")
    ascii: f.Flag = Field(False, description="Draw with ASCII characters only.")
    bell: Literal["off", "urgent", "all"] = Field(
        "urgent",
        description="What rings the terminal's bell: nothing, priorities 1 and 2, or also what has time (at most every "
        "5 minutes).",
    )
    notify: Literal["off", "osc9", "osc777"] = Field(
        "off",
        description="Notices of the desktop, by this sequence of the terminal, for what rings or waits for you while "
        "the room's terminal has not the focus; inside tmux only where `allow-passthrough` is on.",
    )
    link: Literal["auto", "fast", "normal", "slow", "minimal"] = Field(
        "auto",
        description="How fast the way to the terminal is taken to be: measured, or pictures of panes at once, on at "
        "most half of what the link takes, every 10 seconds, only on `r`. States and keys are never put off.",
    )
    copy_to: tuple[Literal["terminal", "tmux", "file"], ...] = Field(
        ("terminal", "tmux", "file"),
        max_length=3,
        description="Where `y` copies to, all of them in this order: the terminal's clipboard (OSC 52, which no "
        "terminal confirms; inside tmux through it), a buffer of the tmux that the room runs in, the file "
        "`saved/clip` in the fleet's state. Empty: nowhere.",
    )
    keymap: dict[f.Filled, f.Filled] = Field(default_factory=dict, description="Binding id to key.")


class Settings(Section):
    """The effective configuration of a fleet."""

    version: Literal[1] = Field(1, description="Format of this file.")
    product: Product = Field(default_factory=Product)
    target_branch: f.Filled | None = Field(
        None, description="Branch that work lands on; empty: the branch checked out when the fleet first starts."
    )
    repos: dict[f.SafeName, RepositorySettings] = Field(
        default_factory=dict,
        max_length=50,
        description="Further repositories that tickets may be of, by a short name; the fleet's own is `home`. Names, "
        "paths and target branches count when the watcher starts.",
    )
    agents: tuple[AgentSettings, ...] = Field((), max_length=500, description="The agents.")
    teams: tuple[Team, ...] = Field((), max_length=200, description="Groups of agents.")
    gates: tuple[GateSettings, ...] = Field((), max_length=100, description="Checks that run before a merge, in order.")
    reviews: Reviews = Field(default_factory=Reviews)
    approval: ApprovalPolicy = Field(default_factory=ApprovalPolicy)
    merge: Merge = Field(default_factory=Merge)
    workspace: WorkspaceSettings = Field(default_factory=WorkspaceSettings)
    limits: Limits = Field(default_factory=Limits)
    budgets: tuple[BudgetSettings, ...] = Field(
        (), max_length=200, description="Ceilings on what is spent; all that cover a run must have room."
    )
    prices: dict[f.Filled, PriceSettings] = Field(
        default_factory=dict, description="Prices by glob on the model's name; they go before the shipped table."
    )
    forge: ForgeSettings = Field(default_factory=ForgeSettings)
    labels: Labels = Field(default_factory=Labels)
    guard: Guard = Field(default_factory=Guard)
    risk: Risk = Field(default_factory=Risk)
    fanout: Fanout = Field(default_factory=Fanout)
    alarms: dict[f.SafeName, AlarmSettings] = Field(default_factory=dict, description="What each alarm means.")
    isolation: IsolationSettings = Field(default_factory=IsolationSettings)
    evidence: EvidenceSettings = Field(default_factory=EvidenceSettings)
    vendors: dict[f.SafeName, VendorSettings] = Field(default_factory=dict, description="Programs that agents run.")
    roles: dict[f.SafeName, RoleSettings] = Field(
        default_factory=dict, description="Families of roles, the first match counts; an exact name beats a glob."
    )
    events: tuple[f.EventName, ...] = Field((), max_length=200, description="Event kinds of your own.")
    ui: Interface = Field(default_factory=Interface)

    @model_validator(mode="after")
    def _by_role(self) -> Self:
        """Agents that do not say by which program and model they run have those of their role."""
        object.__setattr__(self, "agents", tuple(self._of_its_role(agent) for agent in self.agents))
        return self

    def _of_its_role(self, agent: AgentSettings) -> AgentSettings:
        role = self.roles.get(self.family(agent.role).name)
        if role is None:
            return agent
        says = "vendor" in agent.model_fields_set
        vendor = agent.vendor if says or role.vendor is None else role.vendor
        # Another vendor does not know that model.
        model = agent.model or (role.model if role.vendor in (None, vendor) else None)
        if (vendor, model) == (agent.vendor, agent.model):
            return agent
        return agent.model_copy(update={"vendor": vendor, "model": model})

    def agent(self, name: str) -> AgentSettings:
        """Raises UsageError: there is no such agent."""
        for agent in self.agents:
            if agent.name == name:
                return agent
        known = ", ".join(agent.name for agent in self.agents) or "none are configured"
        raise UsageError("no such agent", f"`{name}` is not in the configuration", f"agents: {known}")

    def team(self, name: str) -> Team:
        """Raises UsageError: there is no such team."""
        for team in self.teams:
            if team.name == name:
                return team
        known = ", ".join(team.name for team in self.teams) or "none are configured"
        raise UsageError("no such team", f"`{name}` is not in the configuration", f"teams: {known}")

    def teams_of(self, agent: str) -> tuple[str, ...]:
        """The teams that ``agent`` is in."""
        return tuple(team.name for team in self.teams if agent in team.agents)

    def for_repository(self, name: str) -> Settings:
        """The same, with what `repos` says otherwise of ``name``; of the home, whose name is empty, as it stands."""
        repo = self.repos.get(name) if name else None
        if repo is None:
            return self
        own = {"setup": repo.setup, "teardown": repo.teardown}
        workspace = self.workspace.model_copy(update={key: words for key, words in own.items() if words is not None})
        return self.model_copy(
            update={"workspace": workspace, "gates": repo.gates or (), "target_branch": repo.target_branch}
        )

    @property
    def budget_rules(self) -> tuple[Rule, ...]:
        """Every budget: those of the `budgets` section and the agents' own."""
        own = (rule for agent in self.agents for rule in agent.budget_rules)
        return (*(budget.rule for budget in self.budgets), *own)

    def memory_mb(self, agent: str, role: str) -> int | None:
        """What a run of ``agent`` may take of memory, in MB: its own ceiling, else its role's, else that of all; None:
        there is none."""
        own = next((one.memory_mb for one in self.agents if one.name == agent), None)
        family = self.roles.get(self.family(role).name)
        of_role = family.memory_mb if family is not None else None
        return own if own is not None else of_role if of_role is not None else self.limits.memory_mb

    def vendor(self, name: str) -> VendorSettings:
        """Raises UsageError: there is no such vendor."""
        try:
            return self.vendors[name]
        except KeyError:
            known = ", ".join(self.vendors)
            raise UsageError("no such vendor", f"`{name}` is not in the configuration", f"vendors: {known}") from None

    def lens(self, agent: AgentSettings) -> str:
        """What ``agent`` looks for as a reviewer; empty when nothing special."""
        return agent.lens or self.reviews.lens_of(agent.role)

    def family(self, role: str) -> RoleFamily:
        """The family of ``role``: an exact name first, then the first glob that matches, else ``observer``."""
        name = self._family_name(role.lower())
        found = self.roles.get(name or OBSERVER)
        if found is None:
            return RoleFamily(OBSERVER, (), (), "", matched=False)
        return RoleFamily(name or OBSERVER, found.publishes, found.subscribes_to, found.summary, name is not None)

    def _family_name(self, role: str) -> str | None:
        for name, family in self.roles.items():
            if role in (pattern.lower() for pattern in family.match):
                return name
        for name, family in self.roles.items():
            if any(fnmatchcase(role, pattern.lower()) for pattern in family.match):
                return name
        return None
