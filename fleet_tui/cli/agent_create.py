"""``fleet agent create`` and ``get``: an agent made from a template, and what the configuration says of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from fleet_tui.cli.catalogue import answer
from fleet_tui.cli.common import (
    NUMBER,
    F,
    ask,
    find_repository,
    json_option,
    print_json,
    quoted,
    repo_option,
    say,
)
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.text import one_line


def making_options(function: F) -> F:
    """What is said of an agent that is made from a template, besides the template and its name."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option("--set", "fills", multiple=True, metavar="MARK=TEXT", help="Fill in a mark; may be repeated."),
    click.option("--vendor", help="The program that it runs; default: what agents of its role run."),
    click.option("--model", help="The model's name for the vendor; default: the vendor's own."),
    click.option(
        "--budget", help="Such as `2h a day`, `'$6.00 a week'`, `90m` in all, or `none`; default: the template's."
    ),
    click.option(
        "--ticket", type=NUMBER, help="Keep this ticket for it: it takes no other, nobody else takes that one."
    ),
    click.option("--on", "subscribes", multiple=True, metavar="EVENT", help="What starts it; default: the template's."),
    click.option("--ready", "make_ready", is_flag=True, help="Make the ticket ready as well, if it is a draft."),
    click.option("--dry-run", is_flag=True, help="Only show what would be written and what would run."),
    repo_option,
    json_option,
)


@click.command()
@click.argument("name")
@click.option("--template", "-t", required=True, help="What it is made from: fleet template list.")
@making_options
def create(name: str, template: str, **said: Any) -> None:
    """Make the agent NAME from a template: .fleet/agents/NAME.yaml and its prompt. Nothing that exists is changed.

    A running watcher takes it over at once and starts it as soon as there is something to do.

    \b
    Examples:
      fleet agent create sam --template developer
      fleet agent create cron-drift --template bug-fixer --ticket 444 --dry-run
      fleet agent create qa --template qa-engineer --set "run_command=make run" --budget "3h a day"
    """
    make(name, template, **said)


def make(
    name: str,
    template: str,
    *,
    fills: tuple[str, ...],
    vendor: str | None,
    model: str | None,
    budget: str | None,
    ticket: int | None,
    subscribes: tuple[str, ...],
    make_ready: bool,
    dry_run: bool,
    repo: Path | None,
    as_json: bool,
) -> None:
    """What ``create`` does, with the values of :func:`making_options`."""
    args: dict[str, Any] = {
        "agent": name,
        "template": template,
        "vendor": vendor,
        "model": model,
        "budget": budget,
        "ticket": ticket,
        "subscribes": list(subscribes) or None,
        "make_ready": make_ready,
        "fills": dict(_fill(text) for text in fills),
    }
    _ask_for_the_rest(repo, args)
    if dry_run:
        shown = answer(repo, "preview_agent", args)
        if as_json:
            print_json(shown)
        else:
            _print(shown)
        return
    made = answer(repo, "create_agent", args)
    if as_json:
        print_json(made)
    else:
        say(one_line(made["message"], 400))


def _fill(text: str) -> tuple[str, str]:
    mark, equals, value = text.partition("=")
    if not equals or not mark.strip():
        raise UsageError("--set not understood", text, '--set "test_command=make test"')
    return mark.strip(), value.strip()


def _ask_for_the_rest(repo: Path | None, args: dict[str, Any]) -> None:
    """Where a person is there they are asked for what nothing is known of; else it is an error that says what."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    for fill in answer(repo, "template", {"template": args["template"]})["form"]["fills"]:
        if not fill["value"] and fill["name"] not in args["fills"]:
            args["fills"][fill["name"]] = ask(f"{fill['ask']} ({fill['name']})")


def _print(shown: dict[str, Any]) -> None:
    say("nothing has been written or started")
    for file in shown["files"]:
        say(f"── would write {one_line(file['path'])} and {one_line(shown['prompt_file'])}")
        say(quoted(file["text"]).lstrip("\n"))
    ticket = shown["ticket"]
    starts = f"ticket #{ticket['number']} {ticket['title']}" if ticket else ", ".join(shown["starts_on"])
    say(f"starts on:   {one_line(starts, 400)}")
    say(f"may publish: {one_line(', '.join(shown['publishes']))} ({one_line(shown['role'])}: {shown['family']})")
    say(f"budget:      {one_line(shown['budget'])}")
    say(f"isolation:   {shown['isolation'] or 'known when the watcher runs'}")
    say(f"launch line: {one_line(shown['launch'], 4000)}")
    say(f"environment: {one_line(' '.join(shown['environment']), 4000)}")
    for check in shown["checks"]:
        say(f"  {'+' if check['ok'] else '-'} {one_line(check['text'], 400)}")
    for part in shown["parts"]:
        say(f"── {part['layer']}: {one_line(part['origin'])} (~{part['tokens']} tokens)")
        say(quoted(part["text"]).lstrip("\n"))


@click.command()
@click.argument("name")
@repo_option
@json_option
def get(name: str, repo: Path | None, as_json: bool) -> None:
    """Show what the configuration says of the agent NAME, and where it says so.

    \b
    Examples:
      fleet agent get dev-1
      fleet agent get dev-1 --json
    """
    from fleet_tui.settings.load import load_settings

    loaded = load_settings(find_repository(repo))
    settings = loaded.require()
    row = settings.agent(name)
    index = settings.agents.index(row)
    facts = row.model_dump(mode="json", exclude_defaults=True)
    facts |= {"subscribes_to": list(row.subscriptions(settings)), "family": settings.family(row.role).name}
    facts |= {"prompt_file": row.prompt_path} if row.prompt is None else {}
    # What an `env` holds may be a secret.
    facts |= {"env": sorted(row.env)} if row.env else {}
    origin = loaded.origins.get(f"agents.{index}.role") or loaded.origins.get(f"agents.{index}")
    facts["origin"] = str(origin) if origin is not None else ""
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        say(f"{key:<16} {one_line(_in_words(value), 2000)}")


def _in_words(value: Any) -> str:
    """A value of the configuration as a person reads it: lists and tables without the marks of a language."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_in_words(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_in_words(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
