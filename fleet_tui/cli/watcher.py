"""``fleet watcher``: start, stop, status, run."""

from __future__ import annotations

from pathlib import Path

import click

from fleet_tui.cli.common import ask_watcher, find_repository, fleet_paths, json_option, print_json, repo_option, say
from fleet_tui.domain.errors import FleetError, WatcherUnavailable
from fleet_tui.paths import FleetPaths


@click.group()
def watcher() -> None:
    """Start, stop and look at the watcher: the one process that enforces and records.

    \b
    Examples:
      fleet watcher start
      fleet watcher status --json
      fleet watcher stop --with-agents
    """


@watcher.command()
@click.option("--foreground", is_flag=True, help="Stay in this terminal.")
@repo_option
def start(foreground: bool, repo: Path | None) -> None:
    """Start the watcher in the background, restarted when it dies.

    \b
    Examples:
      fleet watcher start
      fleet watcher start --foreground
    """
    from fleet_tui.watcher import spawn

    paths = fleet_paths(repo)
    if foreground:
        _serve(paths, loud=True)
        return
    started = spawn.start(paths)
    say("watcher started" if started else "the watcher is running already")


@watcher.command()
@click.option("--with-agents", is_flag=True, help="End the agents too.")
@repo_option
def stop(with_agents: bool, repo: Path | None) -> None:
    """Stop the watcher in order; agents go on unless --with-agents.

    \b
    Examples:
      fleet watcher stop
      fleet watcher stop --with-agents
    """
    from fleet_tui.watcher import spawn

    paths = fleet_paths(repo)
    stopped = spawn.stop(paths, with_agents=with_agents)
    left = spawn.living_runs(paths) if with_agents else []
    if left:
        raise FleetError(
            "agents live on",
            f"no watcher is there to end them: {', '.join(left)}",
            "fleet watcher start && fleet watcher stop --with-agents",
        )
    say("watcher stopped" if stopped else "no watcher was running")


@watcher.command()
@repo_option
@json_option
def status(repo: Path | None, as_json: bool) -> None:
    """Tell whether the watcher runs. Exit code 0 when it answers, 1 when not.

    \b
    Example:
      fleet watcher status --json
    """
    from fleet_tui.watcher.lock import is_locked, read_holder
    from fleet_tui.watcher.watchdog import STALLED_S

    paths = fleet_paths(repo)
    try:
        answer = ask_watcher(paths, "status", {})
    except WatcherUnavailable:
        answer = {"running": is_locked(paths.lock)}
    else:
        answer = {"running": True} | {name: value for name, value in answer.items() if name != "ok"}
    answer |= {"holder": read_holder(paths.lock) if answer["running"] else {}, "state": str(paths.state)}
    if as_json:
        print_json(answer)
    elif "epoch" in answer:
        held = answer["holder"]
        say(f"watcher running: pid {held.get('pid')}, up {answer['uptime_s']} s, isolation {answer['isolation']}")
        if (answer.get("pass_age_s") or 0) > STALLED_S:
            say(f"STALLED in the pass `{answer['pass']}` for {answer['pass_age_s']} s")
        say(f"{answer['live_runs']} live runs, {answer['events']} events, state in {paths.state}")
    else:
        say("the watcher holds its lock but does not answer" if answer["running"] else "no watcher is running")
    raise click.exceptions.Exit(0 if "epoch" in answer else 1)


@watcher.command()
@click.option("--supervised", is_flag=True, help="Start it again when it fails; for service managers and `start`.")
@repo_option
def run(supervised: bool, repo: Path | None) -> None:
    """Run the watcher in this process.

    \b
    Examples:
      fleet watcher run
      fleet watcher run --supervised
    """
    paths = fleet_paths(repo)
    if supervised:
        from fleet_tui.watcher import spawn

        paths.create()
        spawn.configure_logging(paths, foreground=False)
        raise click.exceptions.Exit(spawn.supervise(find_repository(repo)))
    _serve(paths, loud=False)


def _serve(paths: FleetPaths, *, loud: bool) -> None:
    from fleet_tui.watcher import daemon, spawn

    paths.create()
    spawn.configure_logging(paths, foreground=loud)
    daemon.serve(paths.repository)
