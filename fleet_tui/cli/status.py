"""``fleet status``: the room's first lines as plain text, for scripts, screen readers and dumb terminals."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fleet_tui.cli.common import age, fleet_paths, json_option, open_reader, print_json, repo_option, say
from fleet_tui.domain.states import LIVE_RUNS, AlarmState, ApprovalState, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.watcher.lock import is_locked


@click.command()
@repo_option
@json_option
def status(repo: Path | None, as_json: bool) -> None:
    """One screen of text: what runs, what needs you.

    \b
    Examples:
      fleet status
      fleet status --json
    """
    paths = fleet_paths(repo)
    reader = open_reader(paths)
    now = time.time_ns()
    alarms = reader.alarms(AlarmState.ACTIVE)
    approvals = reader.approvals(ApprovalState.REQUESTED)
    questions = reader.questions()
    runs = reader.runs(RunState.QUEUED, *LIVE_RUNS)
    tickets: dict[str, int] = {}
    for ticket in reader.tickets():
        tickets[ticket.state.value] = tickets.get(ticket.state.value, 0) + 1
    fleet = reader.fleet()
    running = is_locked(paths.lock)
    if as_json:
        print_json(
            {
                "fleet": paths.fleet,
                "watcher_running": running,
                "isolation": fleet.isolation,
                "config_problems": fleet.config_problems,
                "tickets": tickets,
                "runs": runs,
                "alarms": alarms,
                "approvals": approvals,
                "questions": questions,
            }
        )
        return
    state = "running" if running else "NOT RUNNING (fleet up)"
    say(f"fleet {paths.fleet}: watcher {state}, isolation {fleet.isolation or '-'}")
    say("tickets: " + (", ".join(f"{count} {state}" for state, count in sorted(tickets.items())) or "none"))
    for problem in fleet.config_problems:
        say(f"configuration: {one_line(problem, 400)}")
    say(f"needs you: {len(alarms) + len(approvals) + len(questions)}")
    needs = [(alarm.priority, alarm.raised_ns, alarm.title, alarm.response) for alarm in alarms]
    needs += [
        (3, approval.requested_ns, f"approve #{approval.pr}", f"fleet approval show '#{approval.pr}'")
        for approval in approvals
    ]
    needs += [
        (3, asked.asked_ns, f"{asked.agent} asks: {asked.summary}", f"fleet question answer {asked.id} TEXT")
        for asked in questions
    ]
    for priority, since_ns, what, response in sorted(needs):
        say(f"  P{priority} {age(since_ns, now):>4}  {one_line(what)}  → {one_line(response)}")
    for run in runs:
        where = f"ticket #{run.ticket}" if run.ticket else "-"
        why = one_line(run.state_reason)
        say(f"  {run.state.value:<11} {age(run.state_ns, now):>4}  {run.agent:<16} {where}  {why}".rstrip())
