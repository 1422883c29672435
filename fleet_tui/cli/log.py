"""``fleet log``: the story of the fleet, as text or JSON lines."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_tui.cli.common import NUMBER, fleet_paths, json_option, json_text, open_reader, repo_option, say, since_ns
from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet_tui.domain.events import Event
    from fleet_tui.readmodel.event_source import EventSource
    from fleet_tui.store.reader import EventFilter, Reader

_LOOK_S = 0.2
_MOST = 100_000


@click.group(invoke_without_command=True)
@click.option("--follow", "-f", is_flag=True, help="Go on as events happen; ends with Ctrl-C.")
@click.option("--since", help="Only the last 30s, 15m, 2h, 1d.")
@click.option("--type", "kinds", multiple=True, help="Only this kind; may be repeated or separated by commas.")
@click.option("--agent", help="Only what this agent did, or what is about it or its runs.")
@click.option("--ticket", type=NUMBER, help="Only what is about this ticket.")
@click.option("--text", help="Only events that contain this text.")
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(1, _MOST),
    default=100,
    show_default=True,
    help="At most the newest N that match.",
)
@repo_option
@json_option
@click.pass_context
def log(
    ctx: click.Context,
    follow: bool,
    since: str | None,
    kinds: tuple[str, ...],
    agent: str | None,
    ticket: int | None,
    text: str | None,
    limit: int,
    repo: Path | None,
    as_json: bool,
) -> None:
    """Print events, oldest first; with --json one object per line.

    \b
    Examples:
      fleet log --follow
      fleet log --since 1h --type gate_failed,policy_denied
      fleet log --agent dev-1 --json | jq .kind
      fleet watcher stop && fleet log rebuild
    """
    if ctx.invoked_subcommand is not None:
        return
    from fleet_tui.store.reader import EventFilter

    wanted = EventFilter(
        kinds=_known(tuple(kind for group in kinds for kind in group.split(",") if kind)),
        subjects=(f"ticket:{ticket}",) if ticket is not None else (),
        since_ns=since_ns(since),
        text=text,
    )
    reader = open_reader(fleet_paths(repo))
    if agent is not None and reader.agent(agent) is None and not reader.runs(agent=agent, limit=1):
        raise UsageError("no such agent", agent, "fleet agent list")
    source = _source(reader, wanted, agent)
    last = _print(source.page(None, None, limit), source.total, as_json)
    while follow:
        time.sleep(_LOOK_S)
        source.agent_of_run.update(_runs(reader, agent))
        if source.refresh():
            last = _print(source.page(None, last, _MOST), last, as_json)


@log.command()
@repo_option
def rebuild(repo: Path | None) -> None:
    """Replay the log into empty tables and tell what differed. The watcher must be stopped.

    \b
    Example:
      fleet watcher stop && fleet log rebuild
    """
    from fleet_tui.store.audit import rebuild as replay
    from fleet_tui.watcher.lock import is_locked

    paths = fleet_paths(repo)
    if is_locked(paths.lock):
        raise FleetError("the watcher is running", "it alone may write the tables", "fleet watcher stop")
    if not paths.database.exists():
        raise FleetError("this fleet has no log yet", str(paths.database), "fleet up")
    say(str(replay(paths.database)))


def _known(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """
    Raises:
        UsageError: nothing is ever called so.
    """
    from difflib import get_close_matches

    from fleet_tui.domain.events import PAYLOADS

    for kind in kinds:
        if kind not in PAYLOADS:
            near = ", ".join(get_close_matches(kind, PAYLOADS, 3)) or "see docs/events.md"
            raise UsageError("no such type of event", one_line(kind, 80), near)
    return kinds


def _source(reader: Reader, wanted: EventFilter, agent: str | None) -> EventSource:
    from fleet_tui.readmodel.event_source import EventSource
    from fleet_tui.readmodel.filters import Filter, is_of_agent

    runs = _runs(reader, agent)
    tests = () if agent is None else (lambda event: is_of_agent(event, agent, runs),)
    return EventSource(reader, Filter("", wanted, tests), runs)


def _runs(reader: Reader, agent: str | None) -> dict[str, str]:
    return {} if agent is None else {run.id: run.agent for run in reader.runs(agent=agent)}


def _print(events: Sequence[Event], last: int, as_json: bool) -> int:
    """Print ``events``; the number of the newest one known so far, after ``last``."""
    for event in events:
        say(json_text(as_record(event)) if as_json else as_line(event))
    return max(last, events[-1].seq) if events else last


def as_record(event: Event) -> dict[str, object]:
    """An event as JSON, with its hash for those who keep copies."""
    return {
        "seq": event.seq,
        "id": event.id,
        "at": datetime.fromtimestamp(event.at_ns / 1e9, UTC).isoformat(),
        "at_ns": event.at_ns,
        "host": event.host,
        "kind": event.kind,
        "actor": event.actor,
        "subject": event.subject,
        "cause": event.cause,
        "payload": event.payload,
        "hash": event.hash,
    }


def as_line(event: Event) -> str:
    """An event as one line: number, time, kind, about what, by whom, and what it says."""
    from fleet_tui.readmodel.gist import gist

    at = datetime.fromtimestamp(event.at_ns / 1e9, UTC).strftime("%H:%M:%S")
    # Of a run's long id only the end tells it apart.
    about = f"run:…{event.subject[-6:]}" if event.subject.startswith("run:") else one_line(event.subject, 20)
    who = event.actor.partition("/")[0].removeprefix("agent:")
    return f"{event.seq:>6} {at} {one_line(event.kind, 40):<20} {about:<12} {one_line(who, 20):<14} {gist(event)}"
