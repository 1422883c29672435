"""``fleet status``: the room's first lines as plain text, for scripts, screen readers and dumb terminals."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fleet_tui.cli.common import age, fleet_paths, json_option, open_reader, print_json, repo_option, say
from fleet_tui.cli.queue import what
from fleet_tui.domain.states import LIVE_RUNS, STANDING_ALARMS, AlarmState, ApprovalState, RunState
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.needs import command_for
from fleet_tui.readmodel.queries import read_snapshot
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
    needs = read_snapshot(reader, now).needs
    runs = reader.runs(RunState.QUEUED, *LIVE_RUNS)
    tickets: dict[str, int] = {}
    for ticket in reader.tickets():
        tickets[ticket.state.value] = tickets.get(ticket.state.value, 0) + 1
    fleet = reader.fleet()
    running = is_locked(paths.lock)
    stalled = running and any(alarm.rule == "stalled" for alarm in reader.alarms(*STANDING_ALARMS))
    if as_json:
        print_json(
            {
                "fleet": paths.fleet,
                "watcher_running": running,
                "watcher_stalled": stalled,
                "isolation": fleet.isolation,
                "config_problems": fleet.config_problems,
                "tickets": tickets,
                "runs": runs,
                "needs": needs,
                "alarms": reader.alarms(AlarmState.ACTIVE),
                "approvals": reader.approvals(ApprovalState.REQUESTED),
                "questions": reader.questions(),
            }
        )
        return
    state = ("STALLED" if stalled else "running") if running else "NOT RUNNING (fleet up)"
    say(f"fleet {paths.fleet}: watcher {state}, isolation {fleet.isolation or '-'}")
    say("tickets: " + (", ".join(f"{count} {state}" for state, count in sorted(tickets.items())) or "none"))
    for problem in fleet.config_problems:
        say(f"configuration: {one_line(problem, 400)}")
    say(f"needs you: {len(needs)}")
    for item in needs:
        response = one_line(item.response or command_for(item))
        say(f"  P{item.priority} {age(item.since_ns, now):>4}  {what(item)}  → {response}")
    for run in runs:
        where = f"ticket #{run.ticket}" if run.ticket else "-"
        why = one_line(run.state_reason)
        say(f"  {run.state.value:<11} {age(run.state_ns, now):>4}  {run.agent:<16} {where}  {why}".rstrip())
