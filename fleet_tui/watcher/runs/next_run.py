"""The run that an agent's prompt is shown of: the one that waits or works on a ticket, else the one that would."""

from __future__ import annotations

from fleet_tui.domain.model import PullRequest, Run
from fleet_tui.domain.states import LIVE_RUNS, RunState
from fleet_tui.settings.schema import AgentSettings, Settings
from fleet_tui.store.reader import Reader

_OF_PULL_REQUESTS = ("pr_needs_review", "pr_approved", "pr_changes_requested")


def next_run(reader: Reader, settings: Settings, agent: AgentSettings, ticket: int) -> Run:
    """That of ``agent`` on ``ticket``. One that only would be has no id."""
    known = reader.runs(RunState.QUEUED, *LIVE_RUNS, agent=agent.name)
    found = next((run for run in known if run.ticket == ticket), None)
    return found or _would_be(agent, settings, ticket, reader.open_pull_request(ticket))


def _would_be(agent: AgentSettings, settings: Settings, ticket: int, pull_request: PullRequest | None) -> Run:
    events = agent.subscriptions(settings)
    about_work = pull_request is not None and settings.family(agent.role).name != "author"
    wanted = _OF_PULL_REQUESTS if about_work else ("ticket_ready", "ticket_created")
    trigger = next((kind for kind in (*wanted, *events) if kind in events), "message")
    reviewed = pull_request if about_work else None
    return Run(
        id="", agent=agent.name, role=agent.role, vendor=agent.vendor, model=agent.model, trigger=trigger,
        ticket=ticket, pr=reviewed.number if reviewed else None, head_sha=reviewed.head_sha if reviewed else None,
        round=1, attempt=1, previous=None, instructions="", not_before_ns=0,
        state=RunState.QUEUED, state_source="", state_reason="", state_ns=0,
        session="", pane_uuid="", workspace="", branch="", base_sha="", isolation="", agent_epoch=0, token_sha="",
        host="", queued_ns=0, started_ns=None, ended_ns=None, exit_code=None, signal=None, active_ms=0, charged_ms=0,
        stop_requested=False, published=False, queued_id="",
        lens=settings.lens(agent) if reviewed and trigger == "pr_needs_review" else "",
    )  # fmt: skip
