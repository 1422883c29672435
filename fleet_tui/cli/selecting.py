"""Acts on one agent or many: who is meant, what is shown and asked before, and what came of each."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fleet_tui.cli.common import (
    confirm,
    count,
    done,
    fleet_paths,
    json_option,
    open_reader,
    person_is_there,
    print_json,
    print_table,
    repo_option,
    say,
)
from fleet_tui.domain.errors import FleetError, NothingToDo, Partly, Unanswered, UsageError, WatcherUnavailable
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.selection import Selection, require

if TYPE_CHECKING:
    from fleet_tui.paths import FleetPaths
    from fleet_tui.readmodel.values import AgentTile

C = TypeVar("C", bound=Callable[..., Any])
Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """An act as it was asked for: on whom, and how it is told."""

    selection: Selection
    repo: Path | None
    yes: bool = False
    dry_run: bool = False
    as_json: bool = False

    def ask(self, op: str, args: Args | Callable[[str], Args], verb: str = "") -> None:
        """Ask the watcher for ``op`` on each of them; what one refuses does not keep it from the others. ``args``: what
        is sent besides the agent's name, or what makes it of that. ``verb``: what it is called in a question.

        Raises:
            FleetError: none was done; of a single agent its own error.
            Partly: some were not.
            click.Abort: the person said no.
        """
        paths = fleet_paths(self.repo)
        chosen = require(self.selection, tiles_of(paths))
        called = f"{verb or op} {chosen[0].name if self.alone else count(len(chosen), 'agent')}"
        if self.dry_run:
            self._show(op, called, chosen)
            return
        if not self.selection.by_name and not self.yes and person_is_there(err=self.as_json):
            self._tell(f"{called}:", chosen, err=self.as_json)
            if not confirm(f"{called}?", default=False, err=self.as_json):
                raise click.Abort
        build = args if callable(args) else lambda name: args  # noqa: ARG005 - the same for all
        self.carry_out(op, called, [tile.name for tile in chosen], build)

    def carry_out(self, op: str, called: str, names: Sequence[str], build: Callable[[str], Args]) -> None:
        """Ask the watcher about each of ``names``, who were shown and are sure, and tell what came of it.

        Raises:
            FleetError: as ``ask``.
        """
        results = _ask_each(fleet_paths(self.repo), op, names, build, self._said)
        if self.as_json:
            print_json({"act": op, "dry_run": False, "results": [result.as_dict() for result in results]})
        _require_done(called, results, alone=self.alone)

    def stop(self, reason: str, *, now: bool, undo: bool) -> None:
        """End their runs: held for a while, at once with ``now``; ``undo`` takes back what is still held.

        Raises:
            UsageError: both.
            FleetError: as ``ask``.
        """
        if undo and now:
            told = "--undo takes a stop back, --now does not wait with one"
            raise UsageError("two things at once", told, "choose one")
        if undo:
            self.ask("undo_stop", {"reason": reason}, "take back the stop of")
        else:
            self.ask("stop", {"reason": reason, **({"now": True} if now else {})})

    def _show(self, op: str, called: str, chosen: Sequence[AgentTile]) -> None:
        if self.as_json:
            print_json({"act": op, "dry_run": True, "selected": [_facts(tile) for tile in chosen]})
        else:
            self._tell(f"nothing was done; this would {called}:", chosen, err=False)

    def _tell(self, title: str, chosen: Sequence[AgentTile], *, err: bool) -> None:
        say(title, err=err)
        cells = [(tile.name, tile.role, tile.word, f"#{tile.ticket}" if tile.ticket else "-") for tile in chosen]
        print_table(("AGENT", "ROLE", "STATE", "TICKET"), cells, empty="", err=err)

    def _said(self, result: Result) -> None:
        """As they come; what was not done is told at the end, in the error."""
        if not self.as_json and result.error is None:
            say(result.message)
        elif not self.as_json and result.state == "unchanged" and not self.alone:
            say(f"{result.agent}: unchanged: {one_line(result.message)}")

    @property
    def alone(self) -> bool:
        """Whether one agent was named and nobody else: then it is asked as ever, and its own error is the error."""
        return self.selection.by_name and len(self.selection.names) == 1


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one: ``done``, ``unchanged`` (it was like that), ``failed``, ``unknown`` (no answer came) or
    ``not_asked`` (the watcher had stopped answering)."""

    agent: str
    state: str
    message: str
    error: FleetError | None = None

    def as_dict(self) -> dict[str, Any]:
        hint = {"hint": self.error.hint} if self.error is not None and self.error.hint else {}
        return {"agent": self.agent, "result": self.state, "message": self.message} | hint


def _ask_each(
    paths: FleetPaths, op: str, names: Sequence[str], build: Callable[[str], Args], tell: Callable[[Result], None]
) -> list[Result]:
    results: list[Result] = []
    for name in names:
        if results and results[-1].state in ("unknown", "not_asked"):
            results.append(Result(name, "not_asked", "not asked: the watcher does not answer", results[-1].error))
        else:
            results.append(_ask_one(paths, op, name, build))
            tell(results[-1])
    return results


def _ask_one(paths: FleetPaths, op: str, name: str, build: Callable[[str], Args]) -> Result:
    try:
        return Result(name, "done", done(paths, op, {"agent": name, **build(name)}))
    except NothingToDo as error:
        return Result(name, "unchanged", _in_short(error), error)
    except Unanswered as error:
        return Result(name, "unknown", _in_short(error), error)
    except WatcherUnavailable as error:
        return Result(name, "not_asked", _in_short(error), error)
    except FleetError as error:
        return Result(name, "failed", _in_short(error), error)


def _in_short(error: FleetError) -> str:
    return one_line(f"{error.title}: {error.message}" if error.message else error.title, 400)


def _require_done(called: str, results: Sequence[Result], *, alone: bool) -> None:
    if alone and results[0].error is not None:
        raise results[0].error
    failed = [result for result in results if result.state not in ("done", "unchanged")]
    if not failed:
        return
    if len(failed) == len(results) and isinstance(failed[0].error, WatcherUnavailable):
        raise failed[0].error
    told = "; ".join(f"{result.agent}: {result.message}" for result in failed)
    kind = FleetError if len(failed) == len(results) else Partly
    raise kind(f"{called}: {len(failed)} of {len(results)} not done", told, "fleet agent list")


def tiles_of(paths: FleetPaths) -> tuple[AgentTile, ...]:
    """The agents, as the wall has them."""
    from fleet_tui.readmodel.queries import read_snapshot

    return read_snapshot(open_reader(paths), time.time_ns()).tiles


def _facts(tile: AgentTile) -> dict[str, Any]:
    facts = {"agent": tile.name, "role": tile.role, "state": tile.doing, "ticket": tile.ticket}
    return facts | {"teams": list(tile.teams)}


def on_team(function: C) -> C:
    """On the agents of the team NAME: ``batch`` of a command that acts."""

    @functools.wraps(function)
    def packed(name: str, yes: bool, dry_run: bool, repo: Path | None, as_json: bool, **more: Any) -> Any:
        return function(batch=Batch(Selection(teams=(name,)), repo, yes, dry_run, as_json), **more)

    return _with(packed, (click.argument("name"), *BATCH))  # type: ignore[return-value]


def selecting(function: C) -> C:
    """Which agents: ``selection`` of a command that reads."""

    @functools.wraps(function)
    def packed(
        names: tuple[str, ...], words: tuple[str, ...], teams: tuple[str, ...], but: tuple[str, ...], **more: Any
    ) -> Any:
        if not all(map(str.strip, words)):  # as where a variable of a script has nothing in it: that is not everybody
            raise UsageError("the filter is empty", "--select", "leave it out, or say --select state:idle")
        return function(selection=Selection(names, " ".join(words), teams, but=but), **more)

    return _with(packed, _SELECTING)  # type: ignore[return-value]


def acting(function: C) -> C:
    """On which agents, and how it is told: ``batch`` of a command that acts."""
    return _acting(function, BATCH)


def taking_away(function: C) -> C:
    """As :func:`acting`, where a person is always asked."""
    return _acting(function, _ALWAYS_ASKED)


def _acting(function: C, options: Sequence[Callable[[Any], Any]]) -> C:
    @functools.wraps(function)
    def packed(
        selection: Selection, everyone: bool, yes: bool, dry_run: bool, repo: Path | None, as_json: bool, **more: Any
    ) -> Any:
        whom = replace(selection, everyone=everyone)
        return function(batch=Batch(whom, repo, yes, dry_run, as_json), **more)

    return _with(selecting(packed), (_ALL, *options))  # type: ignore[return-value]


def _with(function: Callable[..., Any], options: Sequence[Callable[[Any], Any]]) -> Callable[..., Any]:
    for option in reversed(options):
        function = option(function)
    return function


_SELECTING = (
    click.argument("names", nargs=-1),
    click.option(
        "--select",
        "words",
        multiple=True,
        metavar="FILTER",
        help="Only who fits the filter, as behind / in the room: 'role:developer state:idle,wait team:web !dev-3'.",
    ),
    click.option("--team", "teams", multiple=True, help="Only agents of this team."),
    click.option("--except", "but", multiple=True, metavar="NAME", help="Not this one, or these: 'qa-*'."),
)
_ALL = click.option("--all", "everyone", is_flag=True, help="All agents.")
BATCH = (
    click.option("--yes", "-y", is_flag=True, help="Do not ask. Who is named one by one is never asked about."),
    click.option("--dry-run", is_flag=True, help="Only show who is selected."),
    repo_option,
    json_option,
)
"""How an act on several is told."""
_ALWAYS_ASKED = (
    click.option("--yes", "-y", is_flag=True, help="Do not ask."),
    click.option("--dry-run", is_flag=True, help="Only show what would go, and what cannot."),
    repo_option,
    json_option,
)
