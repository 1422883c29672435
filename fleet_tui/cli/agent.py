"""``fleet agent``: who there is, and the acts that contain them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.agent_create import create, get
from fleet_tui.cli.agent_edit import diff, edit, revisions, rollback
from fleet_tui.cli.agent_facts import evidence, existing, explain, logs
from fleet_tui.cli.agent_messages import messages
from fleet_tui.cli.agent_output import output
from fleet_tui.cli.agent_remove import remove
from fleet_tui.cli.common import (
    act,
    age,
    confirm,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
)
from fleet_tui.cli.releasing import conditions, release
from fleet_tui.cli.selecting import Batch, acting, selecting
from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.states import LIVE_RUNS
from fleet_tui.readmodel.queries import read_snapshot
from fleet_tui.readmodel.selection import Selection, choose

if TYPE_CHECKING:
    from fleet_tui.domain.model import Agent, Run
    from fleet_tui.readmodel.values import AgentTile


@click.group()
def agent() -> None:
    """Make, edit, remove, list, start, pause, stop, quarantine and release agents.

    \b
    Examples:
      fleet agent list
      fleet agent start --team web
      fleet agent create sam --template developer
      fleet agent quarantine dev-1 --reason "pushes to odd places"
      fleet agent attach dev-1
    """


agent.add_command(release)
agent.add_command(conditions)
for _command in (create, get, edit, revisions, diff, rollback, remove, explain, logs, output, evidence, messages):
    agent.add_command(_command)


_now = click.option("--now", is_flag=True, help="Without the time in which it can be taken back.")
_why = click.option("--reason", default="", help="Why; goes into the log.")


@agent.command("list")
@selecting
@click.option("--department", help="Only agents of this department.")
@repo_option
@json_option
def list_(selection: Selection, department: str | None, repo: Path | None, as_json: bool) -> None:
    """List agents with what they do now, in the wall's words; with NAMES ('dev-*') and --select only some of them.

    RUN works, IDLE has nothing to do, ASK asks you, WAIT waits, LIM is at a limit, ERR ended badly or cannot start,
    QUAR is quarantined, PAUS is paused, OFF takes no work.

    \b
    Examples:
      fleet agent list
      fleet agent list --team backend
      fleet agent list --select "role:reviewer state:ask,wait"
      fleet agent list --json
    """
    reader, now = open_reader(fleet_paths(repo)), time.time_ns()
    known = {row.name: row for row in reader.agents()}
    rows = [
        _facts(known[tile.name], tile, reader.run(tile.run) if tile.run else None)
        for tile in choose(selection, read_snapshot(reader, now).tiles)
        if tile.name in known and department in (None, known[tile.name].department)
    ]
    if as_json:
        print_json(rows)
        return
    cells = [
        (
            r["name"],
            r["role"],
            r["vendor"],
            r["state"],
            f"#{r['ticket']}" if r["ticket"] else "-",
            age(r["since_ns"], now),
            show_amount("seconds", r["charged_s"]),
            r["reason"],
        )
        for r in rows
        if r["configured"]
    ]
    header = ("AGENT", "ROLE", "VENDOR", "STATE", "TICKET", "SINCE", "CHARGED", "WHY")
    empty = "no agents: fleet init" if selection.is_empty and department is None else "no agent fits that now"
    print_table(header, cells, empty=empty)


def _facts(agent: Agent, tile: AgentTile, run: Run | None) -> dict[str, Any]:
    """What the wall shows of an agent, in its words."""
    return {
        "name": agent.name,
        "role": agent.role,
        "vendor": agent.vendor,
        "department": agent.department,
        "teams": list(agent.teams),
        "reports_to": agent.reports_to,
        "state": tile.doing,
        "reason": tile.reason,
        "run": tile.run,
        "ticket": tile.ticket,
        "since_ns": tile.since_ns or None,
        "charged_s": tile.used_s,
        "context": _context(run),
        "memory": None if run is None or run.memory_mb is None else {"mb": run.memory_mb, "by": run.memory_by},
        "enabled": agent.enabled,
        "configured": agent.configured,
    }


def _context(run: Run | None) -> dict[str, Any] | None:
    """How full the context of its session is; None: not known."""
    if run is None or run.context_used is None:
        return None
    return {
        "used_tokens": run.context_used,
        "window_tokens": run.context_window,
        "percent": run.context_percent,
        "source": run.context_source,
    }


@agent.command()
@acting
@_why
def start(batch: Batch, reason: str) -> None:
    """Let NAMES take work again: a pause ends, a stop that is still held is taken back, and what they were stopped at
    (or crashed at too often) begins again, in the same workspaces.

    Refused while quarantined, not enabled or under an all stop; what else holds one up (a budget, an account, a missing
    program) is said with what ends that.

    \b
    Examples:
      fleet agent start dev-1
      fleet agent start --team web --reason "the server is back"
      fleet agent start --select "state:paus,idle" --dry-run
    """
    batch.ask("start", {"reason": reason})


@agent.command()
@acting
@_why
def pause(batch: Batch, reason: str) -> None:
    """Freeze the processes of NAMES and give them no new work.

    \b
    Examples:
      fleet agent pause dev-1
      fleet agent pause --team backend
      fleet agent pause --all --except lead --dry-run
    """
    batch.ask("pause", {"reason": reason})


@agent.command()
@acting
@_why
def resume(batch: Batch, reason: str) -> None:
    """Let paused NAMES go on.

    \b
    Examples:
      fleet agent resume dev-1 dev-2
      fleet agent resume --select "state:paused role:developer" --yes
    """
    batch.ask("resume", {"reason": reason})


@agent.command()
@acting
@_why
@_now
@click.option("--undo", is_flag=True, help="Take back a stop or restart that is still held.")
def stop(batch: Batch, reason: str, now: bool, undo: bool) -> None:
    """End the runs of NAMES; workspaces and log are kept, and their tickets wait for you.

    They go on for `approval.hold_s` seconds, in which that can be taken back.

    \b
    Examples:
      fleet agent stop dev-1 --reason "wrong track"
      fleet agent stop dev-1 --undo
      fleet agent stop 'dev-*' --now
      fleet agent stop --select "role:developer state:run" --except dev-2
    """
    batch.stop(reason, now=now, undo=undo)


@agent.command()
@acting
@_why
@_now
def restart(batch: Batch, reason: str, now: bool) -> None:
    """End the runs of NAMES and let them begin the same work again, in the same workspaces.

    Where the vendor can, in the same session. A run that has handed its work over is left alone. They go on for
    `approval.hold_s` seconds first, in which `fleet agent stop NAMES --undo` takes it back.

    \b
    Examples:
      fleet agent restart dev-1 --reason "its server was changed"
      fleet agent restart --team backend
      fleet agent restart --select "vendor:codex state:err"
    """
    batch.ask("restart", {"reason": reason, **({"now": True} if now else {})})


@agent.command()
@acting
def interrupt(batch: Batch) -> None:
    """End the turn that NAMES are at, by their vendor's key; the run stays and takes your next message.

    Refused while it is frozen, in a dialog, or at no turn. Says what is proved: that the key was sent, that the turn is
    over.

    \b
    Examples:
      fleet agent interrupt dev-1 && fleet agent message dev-1 "look at the tests first"
      fleet agent interrupt --team backend
    """
    batch.ask("interrupt", {})


@agent.command()
@click.argument("name")
@click.argument("megabytes", type=click.IntRange(min=1))
@click.option("--reason", default="by hand", help="Why; goes into the log.")
@repo_option
def memory(name: str, megabytes: int, reason: str, repo: Path | None) -> None:
    """Let the run of NAME take MEGABYTES of memory in all; one that is frozen at its ceiling goes on.

    For this run only: `limits.memory_mb`, the role's or the agent's `memory_mb` say what the next one may take.

    \b
    Example:
      fleet agent memory dev-1 800 --reason "its tests need it"
    """
    act(repo, "give_memory", {"agent": name, "memory_mb": megabytes, "reason": reason})


@agent.command()
@acting
@click.option("--reason", default="by hand", help="Why; goes into the log.")
def quarantine(batch: Batch, reason: str) -> None:
    """Contain NAMES: freeze their processes, revoke their identities, void their approvals.

    \b
    Examples:
      fleet agent quarantine dev-1
      fleet agent quarantine dev-1 --reason "secret in its diff"
      fleet agent quarantine --select "risk:high,critical" --yes
    """
    batch.ask("quarantine", {"reason": reason})


@agent.command()
@acting
@click.argument("text")
def message(batch: Batch, text: str) -> None:
    """Type TEXT to NAMES when they take input; of one agent alone it answers its open question, if it asked one.

    \b
    Examples:
      fleet agent message dev-1 "use the standard library only"
      fleet agent message --team backend "main was rebased: fetch before you go on"
    """
    batch.ask("message", {"text": text} if batch.alone else {"text": text, "answers": False}, "send that to")


@agent.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why its work is given up; goes into the log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@repo_option
def discard(name: str, reason: str, yes: bool, repo: Path | None) -> None:
    """Give up what the quarantined NAME did: its pull request is closed, its ticket waits for you.

    Its work, uncommitted files included, is kept under a backup ref, which is printed.

    \b
    Example:
      fleet agent discard dev-1 --reason "built the wrong thing" --yes
    """
    if not yes and not confirm(f"Discard the work of {name}? It is kept as a backup ref only.", default=False):
        raise click.Abort
    act(repo, "discard", {"agent": name, "reason": reason})


@agent.command()
@click.argument("name")
@click.option("--read-only", is_flag=True, help="Only look.")
@repo_option
def attach(name: str, read_only: bool, repo: Path | None) -> None:
    """Attach this terminal to NAME's pane; leave with the prefix shown in its bar, then d.

    \b
    Example:
      fleet agent attach dev-1
    """
    import os

    from fleet_tui.tmux.server import TmuxServer

    paths = fleet_paths(repo)
    reader = open_reader(paths)
    existing(reader, name)
    runs = reader.runs(*LIVE_RUNS, agent=name)
    if not runs:
        raise Conflict("nothing is running", f"{name} has no live run", "fleet agent list")
    argv = TmuxServer(paths.tmux_socket_name).attach_argv(runs[0].session)
    environment = {key: value for key, value in os.environ.items() if key != "TMUX"}
    os.execvpe(argv[0], [*argv, *(["-r"] if read_only else [])], environment)  # noqa: S606 - argv, no shell
