"""``fleet agent explain``, ``logs``, ``evidence``: why an agent is as it is, what it showed, what was kept of it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli.common import (
    age,
    ask_watcher,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
    say,
)
from fleet_tui.domain.conditions import describe
from fleet_tui.domain.errors import Conflict, FleetError, UsageError
from fleet_tui.domain.states import ENDED_RUNS, LIVE_RUNS, RunState
from fleet_tui.domain.text import one_line, reveal
from fleet_tui.readmodel.evidence import read_bundle

if TYPE_CHECKING:
    from fleet_tui.domain.model import Agent, Run
    from fleet_tui.paths import FleetPaths
    from fleet_tui.readmodel.evidence import Bundle
    from fleet_tui.store.reader import Reader

_RUNS = 10
_MOST_ROWS = 20
_WHAT = {
    "screen.txt": "what was on its screen",
    "scrollback.txt": "the lines before that",
    "diff.patch": "its work, committed or not",
    "files.json": "every file of its workspace",
    "processes.json": "its processes",
    "environment.txt": "the names of their variables",
    "events.jsonl": "what the log has of the run",
    "manifest.json": "the sums of these files; the log vouches for it",
}


@click.command()
@click.argument("name")
@repo_option
@json_option
def explain(name: str, repo: Path | None, as_json: bool) -> None:
    """Tell why NAME is in its state: every source of a living run with its word and age, and the runs before it.

    \b
    Example:
      fleet agent explain dev-1
    """
    paths = fleet_paths(repo)
    reader = open_reader(paths)
    row = existing(reader, name)
    now = time.time_ns()
    found = reader.runs(agent=name, limit=_RUNS)
    bundle = read_bundle(reader, found)
    runs: list[dict[str, Any]] = [
        {
            "run": run.id,
            "state": run.state.value,
            "source": run.state_source,
            "since_ns": run.state_ns,
            "reason": run.state_reason,
            "trigger": run.trigger,
            "ticket": run.ticket,
            "attempt": run.attempt,
            "isolation": run.isolation,
            "memory_mb": run.memory_mb,
            "memory_by": run.memory_by or None,
            "exit_code": run.exit_code,
            "signal": run.signal,
            "output": f"fleet agent logs {name} --run {run.id}" if paths.run_output(run.id).exists() else None,
        }
        for run in found
    ]
    live = _sources(paths, name) if any(run.state in LIVE_RUNS for run in found) else []
    if as_json:
        print_json({"agent": row, "runs": runs, "live": live, "evidence": _facts(bundle, paths) if bundle else None})
        return
    if row.quarantined:
        say(f"quarantined: {one_line(row.quarantine_reason, 400)}")
    if row.paused:
        say("paused by a person")
    on_conditions = describe(row.run_budgets, row.risk_floor)
    if on_conditions:
        say(f"released on conditions: {on_conditions}")
    cells = [
        (
            r["run"],
            r["state"],
            r["source"],
            age(r["since_ns"], now),
            _exit(r),
            r["trigger"],
            f"#{r['ticket']}" if r["ticket"] else "-",
            r["reason"],
        )
        for r in runs
    ]
    header = ("RUN", "STATE", "SOURCE", "SINCE", "EXIT", "TRIGGER", "TICKET", "REASON")
    print_table(header, cells, empty="it has not run yet")
    for told in live:
        _say_sources(told)
        _say_memory(told)
    if bundle is not None:
        say(f"evidence of {bundle.run}: fleet agent evidence {name}")
    for output in [r["output"] for r in runs if r["output"]][:1]:
        say(f"what its last ended run showed: {output}")


def _exit(run: Mapping[str, object]) -> str:
    if run["state"] in (RunState.STOPPED, RunState.FINISHED):  # as the fleet wanted: the number says nothing
        return "-"
    return f"sig {run['signal']}" if run["signal"] else "-" if run["exit_code"] is None else str(run["exit_code"])


def existing(reader: Reader, name: str) -> Agent:
    row = reader.agent(name)
    if row is None:
        names = ", ".join(a.name for a in reader.agents()) or "none"
        raise UsageError("no such agent", name, f"agents: {names}")
    return row


@click.command()
@click.argument("name")
@click.option("--run", "run_id", help="A run of NAME; default: the newest that has ended.")
@repo_option
@json_option
def logs(name: str, run_id: str | None, repo: Path | None, as_json: bool) -> None:
    """Print the last lines that a run of NAME showed in its pane before it ended; of a live one: fleet agent output.

    \b
    Examples:
      fleet agent logs dev-1
      fleet agent logs dev-1 --run run-1m7y22az8xmdsrp9m --json
    """
    from fleet_tui.readmodel.output import read_output

    paths = fleet_paths(repo)
    reader = open_reader(paths)
    existing(reader, name)
    run = _ended_run(reader, name, run_id)
    newest = next(iter(reader.runs(agent=name, limit=1)), run)
    if run_id is None and newest.id != run.id and read_bundle(reader, [newest]) is not None:
        say(f"{newest.id} is held and has not ended: what it showed is in `fleet agent evidence {name}`", err=True)
    path = paths.run_output(run.id)
    lines = read_output(path)
    if lines is None:
        why = f"{run.id} {run.state.value}: {run.state_reason}"
        raise FleetError("no output was kept", why, f"fleet agent explain {name}")
    if as_json:
        facts = {"agent": name, "run": run.id, "state": run.state.value, "exit_code": run.exit_code}
        print_json(facts | {"signal": run.signal, "reason": run.state_reason, "path": str(path), "lines": lines})
        return
    how = f" (signal {run.signal})" if run.signal else f" (exit code {run.exit_code})"
    how = "" if run.state in (RunState.STOPPED, RunState.FINISHED) else how
    about = f" on ticket #{run.ticket}" if run.ticket else ""
    say(one_line(f"{run.id} {run.state.value}{how}{about} {age(run.ended_ns, time.time_ns())} ago, {path}", 1000))
    for line in lines:
        say(f"    | {line}")


def _ended_run(reader: Reader, name: str, run_id: str | None) -> Run:
    """The run asked for, which has ended.

    Raises:
        UsageError: there is no such run.
        Conflict: it has not ended, or none has.
    """
    if run_id is None:
        ended = reader.runs(*ENDED_RUNS, agent=name, limit=1)
        if not ended:
            if reader.runs(*LIVE_RUNS, agent=name, limit=1):
                raise Conflict("no run has ended", f"{name} is at its first one", f"fleet agent output {name}")
            raise Conflict("no run has ended", f"{name} has not begun anything", f"fleet agent explain {name}")
        return ended[0]
    run = reader.run(run_id)
    if run is None or run.agent != name:
        raise UsageError("no such run", run_id, f"fleet agent explain {name}")
    if run.state not in ENDED_RUNS:
        raise Conflict("it has not ended", run.id, f"fleet agent output {name}")
    return run


@click.command()
@click.argument("name")
@click.option("--run", "run_id", help="A run of NAME; default: the newest that was contained.")
@repo_option
@json_option
def evidence(name: str, run_id: str | None, repo: Path | None, as_json: bool) -> None:
    """Tell where the evidence of NAME's quarantine lies, and how to look at its work.

    \b
    Examples:
      fleet agent evidence dev-1
      fleet agent evidence dev-1 --json
    """
    paths = fleet_paths(repo)
    reader = open_reader(paths)
    existing(reader, name)
    runs = [run for run in reader.runs(agent=name) if run_id in (None, run.id)]
    if not runs and run_id is not None:
        raise UsageError("no such run", run_id, f"fleet agent explain {name}")
    bundle = read_bundle(reader, runs)
    if bundle is None:
        raise Conflict("no evidence", f"no run of {name} was quarantined", f"fleet agent explain {name}")
    facts = _facts(bundle, paths)
    if as_json:
        print_json(facts)
        return
    folder = Path(facts["folder"])
    say(f"{bundle.run} was quarantined {age(bundle.kept_ns, time.time_ns())} ago; its evidence is in")
    say(f"  {folder}" if folder.is_dir() else f"  {folder}: removed since, see `fleet log --type evidence_removed`")
    for file, what in _WHAT.items():
        if (folder / file).is_file():
            say(f"    {file:<16} {what}")
    if facts["work"]:
        say("the whole of its work, also what it never handed over:")
        say(f"  {facts['work']}")


def _facts(bundle: Bundle, paths: FleetPaths) -> dict[str, Any]:
    argv = bundle.diff_argv(str(paths.control))
    return {
        "run": bundle.run,
        "kept_ns": bundle.kept_ns,
        "folder": str(paths.evidence / bundle.folder),
        "backup_ref": bundle.backup_ref,
        "work": shlex.join(argv) if argv else None,
    }


def _sources(paths: FleetPaths, name: str) -> list[dict[str, Any]]:
    """What the watcher knows of the agent's living runs; nothing while it is away."""
    try:
        told = ask_watcher(paths, "explain", {"agent": name}).get("runs")
    except FleetError:
        return []
    return told if isinstance(told, list) else []


def _say_memory(told: Mapping[str, Any]) -> None:
    memory = told.get("memory")
    if not memory:
        return
    by = (
        "its runner freezes it there, and the kernel holds it"
        if memory["by"] == "kernel"
        else "its runner freezes it there"
    )
    used = "not measured yet" if memory["used_mb"] is None else f"{memory['used_mb']} MB"
    say(one_line(f"memory: {used} of {memory['limit_mb']} MB; {by}", 200))


def _say_sources(told: Mapping[str, Any]) -> None:
    says = told["says"] or "nothing"
    say(f"{told['run']}: {says}, {told['confidence']}: {told['why']}")
    cells = [
        ("*" if row["won"] else "", *(row[name] for name in ("source", "says", "age_s", "weight", "rule", "detail")))
        for row in told["sources"]
    ]
    print_table(("", "SOURCE", "SAYS", "AGE_S", "WEIGHT", "RULE", "DETAIL"), cells, empty="nothing tells of it")
    screen = told["screen"]
    if screen is None:
        say("its screen was not looked at")
        return
    rule = f"rule {screen['rule']} ({screen['from']})" if screen["rule"] else "no rule knows it"
    say(f"screen {screen['age_s']} s ago: {rule}; region {screen['region']}:")
    for line in str(screen["text"]).splitlines()[-_MOST_ROWS:]:
        say(f"  | {reveal(line)[:200]}")
