"""Who has to do with a pull request: its authors, the reviewers that are asked, the release manager."""

from __future__ import annotations

from fleet_tui.domain.model import PullRequest, Review, Run
from fleet_tui.domain.repositories import HOME
from fleet_tui.domain.states import LIVE_RUNS, OPEN_PULL_REQUESTS, RiskBand
from fleet_tui.governance.reviews import Needs, Reviewer, ReviewOutcome, conclude, objections_to, risk_of
from fleet_tui.settings.schema import AgentSettings
from fleet_tui.watcher.context import Context


def subscribers(ctx: Context, family: str, kind: str) -> list[AgentSettings]:
    """Enabled agents of a family that subscribe to ``kind``: also those that are paused or in quarantine."""
    enabled = {agent.name for agent in ctx.reader.agents() if agent.configured and agent.enabled}
    return [
        agent
        for agent in ctx.settings.agents
        if agent.name in enabled
        and ctx.settings.family(agent.role).name == family
        and kind in agent.subscriptions(ctx.settings)
    ]


def contained(ctx: Context) -> frozenset[str]:
    """The names of the agents in quarantine."""
    return frozenset(agent.name for agent in ctx.reader.agents() if agent.quarantined)


def at_high_risk(ctx: Context) -> frozenset[str]:
    """The names of the agents whose living run or open pull request is of high risk or worse."""
    work: list[Run | PullRequest] = [*ctx.reader.runs(*LIVE_RUNS)]
    work += ctx.reader.pull_requests(*sorted(OPEN_PULL_REQUESTS))
    return frozenset(item.agent for item in work if item.risk_band.severity >= RiskBand.HIGH.severity)


def authors(ctx: Context, pull_request: PullRequest) -> frozenset[str]:
    """Everybody who worked on it: the one it bears the name of, and whose run had the branch, whatever its role is now.

    Its commits name nobody else of the fleet: that is refused when they are handed over.
    """
    worked = ctx.reader.runs(ticket=pull_request.ticket)
    others = {run.agent for run in worked if run.branch or ctx.settings.family(run.role).name == "author"}
    return frozenset({pull_request.agent} | others)


def current_author(ctx: Context, pull_request: PullRequest) -> AgentSettings | None:
    """Who gets it back: whoever handed it over last, else its first author; None when neither is configured."""
    last = ctx.reader.run(pull_request.run)
    names = [last.agent if last else "", pull_request.agent]
    able = {a.name: a for a in ctx.settings.agents if ctx.settings.family(a.role).name == "author"}
    return next((able[name] for name in names if name in able), None)


def works_in(agent: AgentSettings, repo: str) -> bool:
    """Whether ``agent`` has to do with the repository ``repo``; the home's name is empty."""
    return not agent.repos or (repo or HOME) in agent.repos


def concerned(ctx: Context, pull_request: PullRequest, agents: list[AgentSettings]) -> list[AgentSettings]:
    """Those who work in its repository."""
    ticket = ctx.reader.ticket(pull_request.ticket)
    return [agent for agent in agents if works_in(agent, ticket.repo if ticket else "")]


def reviewers(ctx: Context, pull_request: PullRequest) -> dict[str, AgentSettings]:
    """Who is asked about a pull request, by name."""
    return {
        agent.name: agent for agent in concerned(ctx, pull_request, subscribers(ctx, "reviewer", "pr_needs_review"))
    }


def verdicts(ctx: Context, pull_request: PullRequest, *, told: bool = True) -> ReviewOutcome:
    """What the verdicts on the current head add up to; before its risk is ``told``, without what risk asks for."""
    held = contained(ctx)
    asked = [
        Reviewer(agent.name, agent.role, agent.name in held, ctx.settings.lens(agent))
        for agent in reviewers(ctx, pull_request).values()
    ]
    given, rules = ctx.reader.reviews(pull_request.number), ctx.settings.reviews
    band = rules.bands.of(risk_of(pull_request))
    needs = Needs(band.required, band.lenses, band.roles) if told else Needs()
    return conclude(pull_request, given, asked, rules.required, authors(ctx, pull_request), needs)


def objections(ctx: Context, pull_request: PullRequest) -> tuple[Review, ...]:
    """The verdicts that ask for changes at the current head."""
    return objections_to(pull_request, ctx.reader.reviews(pull_request.number), authors(ctx, pull_request))


def first_able(ctx: Context, agents: list[AgentSettings]) -> AgentSettings | None:
    """The first that is not in quarantine, else the first, else None."""
    held = contained(ctx)
    return min(agents, key=lambda agent: agent.name in held, default=None)


def release_manager(ctx: Context, pull_request: PullRequest) -> AgentSettings | None:
    """The agent that decides on its release; one in quarantine only when there is no other."""
    return first_able(ctx, concerned(ctx, pull_request, subscribers(ctx, "release", "pr_approved")))


def release_is_decided(ctx: Context, pull_request: PullRequest) -> bool:
    """Whether a release manager has spoken about the current head."""
    release = ctx.reader.release(pull_request.number)
    return release is not None and release.head_sha == pull_request.head_sha
