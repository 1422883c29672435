"""``fleet restore``: what was lost with the tmux server or the host begins again, after a look at the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.common import act, ask_watcher, count, fleet_paths, json_option, print_json, repo_option, say
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.text import one_line

_CAUSES = {"host": "when the host was restarted", "tmux": "when their tmux server died"}
_WHY = "in the order that gets most finished first: verdicts, then answers to them, then tickets begun"


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--plan", is_flag=True, help="Only tell what would be started, in order, and what would not, and why.")
@click.option("--skip", "skipped", multiple=True, metavar="NAME", help="Let the run of NAME end; its ticket goes back.")
@click.option("--reason", default="", help="Of --skip: why; goes into the log.")
@repo_option
@json_option
def restore(
    names: tuple[str, ...], plan: bool, skipped: tuple[str, ...], reason: str, repo: Path | None, as_json: bool
) -> None:
    """Start again what was lost with the tmux server or a restart of the host: all of it, or of the agents NAME.

    Many lost runs wait for you (`limits.restore` and `limits.restore_unasked`). They start one after the other, as
    places (`limits.max_running`) and memory allow. NAME is an agent or a run. Done twice it starts nothing twice.

    \b
    Examples:
      fleet restore --plan
      fleet restore
      fleet restore dev-1 lead
      fleet restore --skip dev-2 --reason "not worth it"
    """
    if skipped:
        if names or plan:
            raise UsageError("too much at once", "--skip goes alone", "fleet restore --skip NAME, then fleet restore")
        act(repo, "skip_restore", {"names": list(skipped), "reason": reason})
        return
    found = ask_watcher(fleet_paths(repo), "restore_plan", {})
    if as_json and plan:
        print_json(found)
        return
    if plan or not as_json:
        _say(found)
    if plan:
        if found["runs"]:
            say("start it: fleet restore      leave one out: fleet restore --skip NAME")
        return
    # What is started is what was shown: what is lost meanwhile is not seen yet.
    act(repo, "restore", {"names": list(names), "runs": [run["run"] for run in found["runs"]]})


def _say(plan: dict[str, Any]) -> None:
    runs, others = plan["runs"], plan["not_restored"]
    if not runs and not others:
        say("nothing waits to be restored")
        return
    cause = " and ".join(_CAUSES[name] for name in plan["causes"] if name in _CAUSES)
    say(one_line(f"{count(plan['lost'], 'run')} lost {cause}; {count(len(runs), 'run')} to start, {_WHY}"))
    for run in runs:
        _say_run(run)
    if others:
        say("not started again:")
    for run in others:
        say(f"    {_who(run)}: {one_line(run['why'], 300)}")
    host = plan["host"]
    pressure = "" if host["pressure"] is None else f", pressure {host['pressure']:.0f} %"
    say(
        f"host: {host['available_mb']} MB free{pressure}; room for {host['room_for']} runs now, of "
        f"{host['expected_mb']} MB each, {host['reserve_mb']} MB stay free; the others follow as it allows"
    )


def _say_run(run: dict[str, Any]) -> None:
    model = f", {run['model']}" if run["model"] else ""
    say(one_line(f"{run['place']:>3}. {_who(run)}  {run['vendor']}{model}  {run['run']}", 300))
    say(f"     why here:  {one_line(run['why'], 200)}")
    session = run["session"]
    resumes = f"resumes {session['id']}: " if session["resumes"] else ""
    say(f"     session:   {one_line(resumes + session['why'], 300)}")
    say(f"     budget:    {one_line(run['budget']['told'], 200) if run['budget'] else 'no ceiling'}")
    workspace = run["workspace"]
    say(f"     workspace: {one_line(workspace['state'] + ': ' + workspace['why'], 300)}")
    for reason in run["waits_for"]:
        say(f"     WAITS FOR: {one_line(reason, 300)}")


def _who(run: dict[str, Any]) -> str:
    about = f" PR {run['pr']}" if run["pr"] is not None else f" #{run['ticket']}" if run["ticket"] is not None else ""
    return one_line(f"{run['agent']}{about}", 100)
