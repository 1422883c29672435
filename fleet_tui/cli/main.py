"""``fleet``: finds the command's file, runs it, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import importlib
import io
import sys
import traceback
from pathlib import Path

import click

from fleet_tui import __version__
from fleet_tui.domain.errors import FleetError, UsageError

COMMANDS = {
    "account": ("fleet_tui.cli.account", "account", "Accounts at their usage limit: until when, and who waits."),
    "agent": ("fleet_tui.cli.agent", "agent", "Make, edit, list, start, pause, stop, quarantine and release agents."),
    "agents": ("fleet_tui.cli.agent", "list_", "Agents with what they do now: `agent list`."),
    "alarm": ("fleet_tui.cli.alarm", "alarm", "List, explain, acknowledge and shelve alarms."),
    "alarms": ("fleet_tui.cli.alarm", "list_", "What is abnormal, and what is expected of you: `alarm list`."),
    "approval": ("fleet_tui.cli.approval", "approval", "List, show, approve and reject what waits for you."),
    "approvals": ("fleet_tui.cli.approval", "list_", "What waits for your decision: `approval list`."),
    "audit": ("fleet_tui.cli.audit", "audit", "Verify and export the event log."),
    "board": ("fleet_tui.cli.board", "board", "Tickets by stage: who has them, since when, who has to move."),
    "budget": ("fleet_tui.cli.budget", "budget", "Show and extend budgets: run time, tokens, money, turns."),
    "config": ("fleet_tui.cli.config", "config", "Check and explain the configuration."),
    "cost": ("fleet_tui.cli.cost", "cost", "Tokens and money by agent, ticket, model, day or run."),
    "demo": ("fleet_tui.cli.demo", "demo", "A fleet that really works, on a small project made for it."),
    "doctor": ("fleet_tui.cli.doctor", "doctor", "What is there, what is missing, and what mends it."),
    "guard": ("fleet_tui.cli.guard", "guard", "Show and try the rules about what agents may do."),
    "halt": ("fleet_tui.cli.halt", "halt", "All stop: freeze every agent at once, or let them go on."),
    "handover": (
        "fleet_tui.cli.handover",
        "handover",
        "A note for the next shift: what needs a person, who is at what.",
    ),
    "init": ("fleet_tui.cli.init", "init", "Write a first configuration for this repository."),
    "log": ("fleet_tui.cli.log", "log", "The story of the fleet, as text or JSON."),
    "mcp": ("fleet_tui.cli.mcp", "mcp", "Serve the fleet to programs that speak MCP: your assistant, agents."),
    "plan": ("fleet_tui.cli.plan", "plan", "Whether a ticket is work for several agents, and how to divide it."),
    "pr": ("fleet_tui.cli.pr", "pr", "List and show pull requests."),
    "refresh": ("fleet_tui.cli.refresh", "refresh", "Look at tickets, branches and GitHub at once."),
    "release": ("fleet_tui.cli.release", "release", "Whether a pull request may land; release notes and tags."),
    "risk": ("fleet_tui.cli.risk", "risk", "Show and explain risk, and try other rules on what happened."),
    "prompt": ("fleet_tui.cli.prompt", "prompt", "Show what an agent is told, and how that differs."),
    "queue": ("fleet_tui.cli.queue", "queue", "What needs you, in the room's order, and what answers it."),
    "question": ("fleet_tui.cli.question", "question", "List and answer what agents ask."),
    "replay": ("fleet_tui.cli.replay", "replay", "Open the control room on a recorded log."),
    "restore": ("fleet_tui.cli.restore", "restore", "Start again what was lost with tmux or the host, after a plan."),
    "status": ("fleet_tui.cli.status", "status", "One screen of text: what runs, what needs you."),
    "team": ("fleet_tui.cli.team", "team", "Groups of agents: make, list, start, stop, pause and resume them."),
    "template": ("fleet_tui.cli.template", "template", "Templates of agents: list, search, show, spawn, new."),
    "ticket": ("fleet_tui.cli.ticket", "ticket", "Create, list and release tickets to the agents."),
    "up": ("fleet_tui.cli.up", "up", "Start the watcher if needed and open the control room."),
    "vendor": ("fleet_tui.cli.vendor", "vendor", "The programs that agents run, and what works with each."),
    "verify": ("fleet_tui.cli.audit", "verify", "Check every promise of the log, tables, git and processes."),
    "workspace": ("fleet_tui.cli.workspace", "workspace", "List workspaces with their disk use."),
    "watcher": ("fleet_tui.cli.watcher", "watcher", "Start, stop and look at the watcher."),
}


class LazyGroup(click.Group):
    """Knows every command's name and one-line help, and imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if not close:
                raise
            raise click.UsageError(f"{error.format_message()} Did you mean {close[0]!r}?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The stock version imports every command for its help line.
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in sorted(COMMANDS)])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fleet")
@click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The repository; default: the one around the current directory.",
)
@click.option("--demo", is_flag=True, help="The demo that runs (`fleet demo`), from any directory and terminal.")
@click.option("--readonly", is_flag=True, help="Of the room: only look, nothing can be done in it.")
@click.pass_context
def fleet(ctx: click.Context, repo: Path | None, demo: bool, readonly: bool) -> None:
    """A control room for a fleet of AI coding agents. Without a command it opens the room.

    \b
    Examples:
      fleet init                                 write a first configuration
      fleet ticket new "Add pagination" --body-file spec.md
      fleet ticket ready 1                       let an agent take it
      fleet up                                   start the watcher, open the room
      fleet log --follow                         the same story as text
      fleet --demo status                        of the demo that runs in another terminal
    """
    if demo:
        repo = ctx.params["repo"] = _enter_demo()
    ctx.obj = repo
    if ctx.invoked_subcommand is None:
        from fleet_tui.cli.up import open_fleet

        ctx.exit(open_fleet(repo, start=False, readonly=readonly))


def _enter_demo() -> Path:
    from fleet_tui.demo.places import newest

    place = newest()
    if place is None:
        raise UsageError("no demo runs", "none of yours is there", "fleet demo   (in a checkout: make demo)")
    place.enter()
    return Path(place.repository)


def main() -> None:
    """The console script."""
    from fleet_tui.cli.common import degrade_output

    degrade_output()
    try:
        code = fleet.main(standalone_mode=False)
    except FleetError as error:
        _complain(_in_words(error))
        code = error.exit_code
    except click.ClickException as error:
        _complain(_usage(error))
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        code = 130
    except BrokenPipeError:
        # The reader of our output is gone; Python would complain once more while closing it.
        sys.stderr.close()
        code = 1
    except OSError as error:
        _complain(_in_words(_unusable(error)) if error.filename else traceback.format_exc())
        code = 1
    except Exception:
        # A flaw of ours; its story may quote what came from outside.
        _complain(traceback.format_exc())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _complain(text: str) -> None:
    from fleet_tui.cli.common import say

    say(text.rstrip("\n"), err=True)


def _unusable(error: OSError) -> FleetError:
    from fleet_tui.paths import unusable

    try:
        return unusable(error)
    except FleetError as worse:  # the environment that says where the directories are cannot be used either
        return worse


def _in_words(error: FleetError) -> str:
    text = f"{error.title}: {error.message}" if error.message else error.title
    return f"fleet: {_below(text)}" + (f"\n  try: {_below(error.hint)}" if error.hint else "")


def _below(text: str) -> str:
    """The first line as it is, the others set apart."""
    from fleet_tui.cli.common import quoted
    from fleet_tui.domain.text import clean

    first, _, rest = clean(text).partition("\n")
    return first + quoted(rest)


def _usage(error: click.ClickException) -> str:
    """What click says of a wrong call; it quotes the call."""
    text = io.StringIO()
    error.show(text)
    return text.getvalue()
