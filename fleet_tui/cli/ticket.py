"""``fleet ticket``: tickets are files or issues on GitHub, so most of it works without a watcher."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from fleet_tui.cli.common import (
    NUMBER,
    act,
    age,
    find_repository,
    fleet_paths,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
    say,
)
from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.repositories import HOME
from fleet_tui.domain.states import TicketState
from fleet_tui.domain.text import one_line, taken_out

if TYPE_CHECKING:
    from fleet_tui.domain.model import Ticket
    from fleet_tui.forge.base import Forge, TicketRecord

_TAKEN = frozenset({TicketState.IN_PROGRESS, TicketState.IN_REVIEW, TicketState.SHIPPED})
"""Its label says nothing any more: the work has begun."""


@click.group()
def ticket() -> None:
    """Create, list and release tickets to the agents.

    \b
    Examples:
      fleet ticket new "Add pagination to the list endpoint" --body-file spec.md
      fleet ticket ready 1
      fleet ticket list --json
    """


@ticket.command()
@click.argument("title")
@click.option("--body", default=None, help="The text of the ticket.")
@click.option("--body-file", type=click.File("rb"), help="A file with the text; - is standard input.")
@click.option("--label", "labels", multiple=True, help="A label; may be repeated.")
@click.option("--depends-on", "depends_on", type=NUMBER, multiple=True, help="A ticket that must have shipped before.")
@click.option("--priority", type=click.IntRange(1, 5), default=3, show_default=True, help="1 is the most urgent.")
@click.option("--in", "place", default=None, metavar="NAME", help="The one of `repos` it is of; default: our own.")
@click.option("--ready", is_flag=True, help="Release it to the agents at once.")
@repo_option
@json_option
def new(
    title: str,
    body: str | None,
    body_file: BinaryIO | None,
    labels: tuple[str, ...],
    depends_on: tuple[int, ...],
    priority: int,
    place: str | None,
    ready: bool,
    repo: Path | None,
    as_json: bool,
) -> None:
    """Write a new ticket with TITLE.

    \b
    Examples:
      fleet ticket new "Fix the date parser" --body "2026-13-01 must be refused" --ready
      fleet ticket new "Add pagination" --body-file spec.md --depends-on 3
      fleet ticket new "Return pages" --in api
    """
    named = _place(repo, place)
    if body is not None and body_file is not None:
        raise UsageError("two bodies", "--body and --body-file exclude each other")
    name, text = _utf8("title", title), _utf8("body", body or "")
    if body_file is not None:
        text = _read(body_file)
    wanted = [*labels, _ready_label(repo)] if ready else list(labels)
    record = asyncio.run(forge_of(repo).create_ticket(name, text, wanted, depends_on, priority, repo=named))
    _announce("title", name)
    _announce("body", text)
    if as_json:
        print_json(record)
    else:
        say(f"ticket #{record.number}: {one_line(record.title)}")
        if not ready:
            say(f"  fleet ticket ready {record.number}   lets an agent take it")


def _place(repo: Path | None, name: str | None) -> str:
    """``name`` as a ticket's file has it; empty: the fleet's own repository.

    Raises:
        UsageError: the fleet has no such repository.
    """
    from fleet_tui.settings.load import load_settings

    if name in (None, HOME):
        return ""
    settings = load_settings(find_repository(repo), project_required=False).settings
    known = list(settings.repos) if settings is not None else []
    if name not in known:
        told = f"`{one_line(name or '', 60)}` is not in `repos`"
        raise UsageError("no such repository", told, f"repositories: {', '.join((HOME, *known))}")
    return str(name)


def _read(file: BinaryIO) -> str:
    """What stands in a file of text.

    Raises:
        UsageError: it is too long, or no text.
    """
    from fleet_tui.forge.local import MAX_BODY_BYTES

    data = file.read(MAX_BODY_BYTES + 1)
    if len(data) > MAX_BODY_BYTES:
        told = f"{file.name} has more than {MAX_BODY_BYTES} bytes"
        raise UsageError("body too long", told, "put it into the repository and name the file")
    if b"\0" in data:
        raise UsageError("the body is no text", f"{file.name} holds NUL bytes", "name the file in the ticket instead")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"{file.name}, byte {error.start}: {error.reason}"
        raise UsageError("the body is not UTF-8", where, "convert it: iconv -f latin1 -t utf-8 FILE") from error


def _utf8(what: str, text: str) -> str:
    """An argument of the command line, whose bytes need not be text.

    Raises:
        UsageError: they are not.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the {what} is not UTF-8", f"at character {error.start + 1}", "type it anew") from error
    return text


def _announce(what: str, text: str) -> None:
    """Say what was taken out on the way in: nobody's words are changed in silence."""
    count, names = taken_out(text)
    if count:
        hidden = ", ".join(names[:8]) + (" and others" if len(names) > 8 else "")
        say(f"note: {count} hidden character(s) were taken out of the {what}: {hidden}", err=True)


@ticket.command()
@click.argument("numbers", type=NUMBER, nargs=-1, required=True)
@repo_option
def ready(numbers: tuple[int, ...], repo: Path | None) -> None:
    """Release tickets NUMBERS to the agents; a blocked one goes on.

    \b
    Examples:
      fleet ticket ready 1
      fleet ticket ready 2 3 4
    """
    forge, label = forge_of(repo), _ready_label(repo)
    found = [(existing(forge, number), _state(repo, number)) for number in numbers]
    for record, state in found:  # all or none
        if state in _TAKEN:
            hint = f"fleet ticket show {record.number}"
            raise Conflict("an agent has taken it already", _is_now(record.number, state), hint)
    for record, state in found:
        if label in record.labels and state is not TicketState.BLOCKED:
            say(f"ticket #{record.number} is ready already")
            continue
        asyncio.run(forge.set_labels(record.number, add=[label]))
        say(f"ticket #{record.number} is ready")
    if not _watcher_runs(repo):
        say("takes effect when the watcher runs: fleet up")


@ticket.command()
@click.argument("number", type=NUMBER)
@repo_option
def hold(number: int, repo: Path | None) -> None:
    """Take ticket NUMBER back before an agent has begun.

    \b
    Example:
      fleet ticket hold 3
    """
    forge, label = forge_of(repo), _ready_label(repo)
    record, known = existing(forge, number), _known(repo, number)
    state = known.state if known else TicketState.DRAFT
    if known and (state in _TAKEN or state is TicketState.BLOCKED):
        at_work = known.agent if state is TicketState.IN_PROGRESS else None
        hint = f"fleet agent stop {at_work} --reason '...'" if at_work else f"fleet ticket show {number}"
        raise Conflict("too late to hold it back", _is_now(number, state), hint)
    if label not in record.labels and state is not TicketState.READY:
        say(f"ticket #{number} is not ready: nothing to hold back")
        return
    asyncio.run(forge.set_labels(number, remove=[label]))
    say(f"ticket #{number} is held back")


@ticket.command("list")
@click.option(
    "--state",
    type=click.Choice([*(state.value for state in TicketState), "broken"]),
    help="Only tickets in this state.",
)
@click.option("--in", "place", default=None, metavar="NAME", help="Only tickets of this one of `repos`, or `home`.")
@repo_option
@json_option
def list_(state: str | None, place: str | None, repo: Path | None, as_json: bool) -> None:
    """List tickets with their state.

    \b
    Examples:
      fleet ticket list
      fleet ticket list --state blocked --json
    """
    paths = fleet_paths(repo)
    known: dict[int, Ticket] = {}
    if paths.database.exists():
        known = {ticket.number: ticket for ticket in open_reader(paths).tickets()}
    rows = []
    named = None if place is None else _place(repo, place) or HOME
    ready_label = _ready_label(repo)
    for record in _records(forge_of(repo), known):
        row = _row(record, known.get(record.number))
        # What the file asks for and the watcher has not taken in yet.
        row["pending"] = "ready" if row["state"] == "draft" and ready_label in record.labels else None
        if state in (None, row["state"]) and named in (None, row["repo"]):
            rows.append(row)
    if as_json:
        print_json(rows)
        return
    now = time.time_ns()
    several = any(r["repo"] != HOME for r in rows)
    cells = [
        (
            f"#{r['number']}",
            f"{r['state']} → {r['pending']}" if r["pending"] else r["state"],
            r["agent"] or "-",
            r["pr"] or "-",
            age(r["since_ns"], now),
            *((one_line(r["repo"], 40),) if several else ()),
            r["title"],
        )
        for r in rows
    ]
    heads = ("TICKET", "STATE", "AGENT", "PR", "SINCE", *(("REPO",) if several else ()), "TITLE")
    print_table(heads, cells, empty='no tickets yet: fleet ticket new "…"')
    if any(r["pending"] for r in rows) and not _watcher_runs(repo):
        say("→ takes effect when the watcher runs: fleet up")


def _row(record: TicketRecord, known: Ticket | None) -> dict[str, Any]:
    if record.problem:
        return {
            "number": record.number,
            "state": "broken",
            "agent": None,
            "pr": None,
            "since_ns": None,
            "title": record.problem,
            "repo": HOME,
        }
    return {
        "number": record.number,
        "state": known.state.value if known else "draft",
        "agent": known.agent if known else None,
        "pr": known.pr if known else None,
        "since_ns": known.changed_ns if known else None,
        "title": one_line(record.title),
        "repo": record.repo or HOME,
        "labels": list(record.labels),
        "depends_on": list(record.depends_on),
        "parts": list(known.parts) if known else [],
        "blocked": known.blocked_reason if known else "",
    }


@ticket.command()
@click.argument("number", type=NUMBER)
@repo_option
@json_option
def show(number: int, repo: Path | None, as_json: bool) -> None:
    """Show ticket NUMBER with its text.

    \b
    Example:
      fleet ticket show 3
    """
    record = existing(forge_of(repo), number)
    known = _known(repo, number)
    row = _row(record, known)
    if as_json:
        print_json(row | {"body": record.body})
        return
    say(f"#{number} {row['title']}")
    say(f"state {row['state']}   agent {row['agent'] or '-'}   pull request {row['pr'] or '-'}")
    if row["repo"] != HOME:
        say(f"repository {one_line(row['repo'], 60)}")
    if known is not None and known.parts:
        say(f"done in parts: {', '.join(f'#{part}' for part in known.parts)}")
    if known is not None and known.blocked_reason:
        say(f"waits for you: {one_line(known.blocked_reason, 400)}")
    say()
    say(record.body)


@ticket.command()
@click.argument("number", type=NUMBER)
@click.option("--reason", default="", help="Why; goes into the log.")
@repo_option
def unblock(number: int, reason: str, repo: Path | None) -> None:
    """Let blocked ticket NUMBER go on.

    \b
    Example:
      fleet ticket unblock 3 --reason "the dependency is fixed"
    """
    act(repo, "unblock", {"ticket": number, "reason": reason})


def forge_of(repo: Path | None) -> Forge:
    """Where the tickets of the repository are."""
    from fleet_tui.forge.gh import Gh
    from fleet_tui.forge.github import GitHubForge
    from fleet_tui.forge.local import LocalForge
    from fleet_tui.settings.load import load_settings

    settings = load_settings(find_repository(repo), project_required=False).settings
    if settings is not None and settings.forge.kind == "github":
        return GitHubForge(Gh(), lambda: settings, settings.forge.repo)
    return LocalForge(fleet_paths(repo).tickets)


def _records(forge: Forge, known: Collection[int]) -> list[TicketRecord]:
    """What there is now; of GitHub the issues labelled ready, and those that are ``known``."""
    from fleet_tui.forge.github import GitHubForge

    async def look() -> list[TicketRecord]:
        if isinstance(forge, GitHubForge):
            await forge.look(known, thoroughly=True)
        return await forge.tickets() or []

    return asyncio.run(look())


def existing(forge: Forge, number: int) -> TicketRecord:
    """Ticket ``number`` as it is there.

    Raises:
        UsageError: there is none.
    """
    for record in _records(forge, [number]):
        if record.number == number:
            return record
    raise UsageError("no such ticket", f"#{number}", "fleet ticket list")


def _known(repo: Path | None, number: int) -> Ticket | None:
    paths = fleet_paths(repo)
    return open_reader(paths).ticket(number) if paths.database.exists() else None


def _state(repo: Path | None, number: int) -> TicketState:
    known = _known(repo, number)
    return known.state if known else TicketState.DRAFT


def _is_now(number: int, state: TicketState) -> str:
    return f"ticket #{number} is {state.value.replace('_', ' ')} now"


def _ready_label(repo: Path | None) -> str:
    from fleet_tui.settings.load import load_settings

    loaded = load_settings(find_repository(repo), project_required=False)
    return loaded.settings.labels.ready if loaded.settings else "ready"


def _watcher_runs(repo: Path | None) -> bool:
    from fleet_tui.watcher.lock import is_locked

    return is_locked(fleet_paths(repo).lock)
