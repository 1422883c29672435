"""What the commands share: finding the fleet, asking the watcher, and the one way of text to the terminal."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fleet_tui.domain.errors import FleetError, Unanswered, UsageError
from fleet_tui.domain.numbers import no_pull_request, pull_request_number
from fleet_tui.domain.text import clean, one_line, taken_out
from fleet_tui.paths import FleetPaths

if TYPE_CHECKING:
    from fleet_tui.store.reader import Reader

_SINCE = re.compile(r"(\d+)([smhd])\Z")
ANSWER_LIMIT_S = 30.0
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
F = TypeVar("F", bound=Callable[..., Any])


def repo_option(function: F) -> F:
    """``--repo DIR``; without it, the group's own, else the repository around the current directory."""
    return click.option(
        "--repo",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="The repository; default: the one around the current directory.",
    )(function)


def json_option(function: F) -> F:
    """``--json``: what a program reads, never what a person is shown of it (ages, rounded amounts, signs)."""
    told = "Print JSON; in it ..._ns are instants (UTC, nanoseconds since 1970), ..._s and ..._ms durations."
    return click.option("--json", "as_json", is_flag=True, help=told)(function)


class Number(click.ParamType[int]):
    """The number of a ticket, as it is written everywhere: ``3`` or ``#3``."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).removeprefix("#")
        if not (text.isascii() and text.isdecimal()):
            self.fail(f"{one_line(str(value), 40)!r} is not a number such as 3 or #3", param, ctx)
        return int(text)


class PullRequestNumber(click.ParamType[int]):
    """The number of a pull request: ``3``, ``PR3`` or ``pr:3``. ``#3`` is a ticket everywhere, and refused here."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = pull_request_number(str(value))
        if number is None:
            self.fail(no_pull_request(one_line(str(value), 40)), param, ctx)
        return number


NUMBER = Number()
PULL_REQUEST = PullRequestNumber()


def find_repository(repo: Path | None) -> Path:
    """The directory with ``.fleet`` or ``.git`` at or above ``repo`` or the current directory.

    Raises:
        UsageError: there is none.
    """
    context = click.get_current_context(silent=True)
    chosen = repo or (context.find_root().params.get("repo") if context else None)
    start = Path(chosen or Path.cwd()).resolve()
    if not start.is_dir():
        raise UsageError("no such directory", str(start), "give the repository with --repo")
    for directory in (start, *start.parents):
        if (directory / ".fleet").is_dir() or (directory / ".git").exists():
            return directory
    raise UsageError(
        "not a git repository", f"neither .git nor .fleet at or above {start}", or_demo("cd into one, or: git init")
    )


def fleet_paths(repo: Path | None) -> FleetPaths:
    return FleetPaths.of(find_repository(repo))


def or_demo(hint: str) -> str:
    """``hint``, and how to ask the demo that runs, if one does: in a second terminal it is what was meant."""
    from fleet_tui.demo.places import newest

    return f"{hint}   (the demo that runs: fleet --demo status)" if newest() is not None else hint


def open_reader(paths: FleetPaths) -> Reader:
    """The fleet's tables, read-only.

    Raises:
        FleetError: the fleet has never run.
    """
    from fleet_tui.store.reader import Reader

    if not paths.database.exists():
        raise FleetError("this fleet has no log yet", str(paths.database), or_demo("fleet up"))
    return Reader.open(paths.database)


def ask_watcher(paths: FleetPaths, op: str, args: dict[str, Any], request: str | None = None) -> dict[str, Any]:
    """Send a command to the watcher and return its answer.

    Raises:
        FleetError: it is away, or it refused.
    """
    from fleet_tui.bus import operator

    via = os.environ.get("FLEET_VIA")  # who acts for the person, such as an assistant
    args = {**args, "via": via} if via else args
    return operator.call(paths.operator_socket, op, args, ANSWER_LIMIT_S, request_id=request)


def act(repo: Path | None, op: str, args: dict[str, Any]) -> None:
    """A command whose answer is one line."""
    say(done(fleet_paths(repo), op, args))


def done(paths: FleetPaths, op: str, args: dict[str, Any]) -> str:
    """What the watcher answers to the act. When no answer comes, the log is asked what became of it.

    Raises:
        FleetError: it is away, it refused, or nobody knows whether it was done (``Unanswered``).
    """
    from fleet_tui.bus import operator

    request = operator.new_request()
    try:
        answer = ask_watcher(paths, op, args, request)
    except Unanswered as error:
        event = open_reader(paths).event_with_key(operator.key_of(request))
        if event is None:
            unknown = f"{error.message}; nothing of it is in the log so far: it is UNKNOWN whether it will be done"
            raise Unanswered(error.title, unknown, "fleet log, before you ask again") from error
        answer = {"message": f"done though no answer came; the log has it: {event.kind}, event {event.seq}"}
    return one_line(str(answer.get("message", "done")))


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """The one way of text to the terminal: whatever came in, nothing that steers it goes out.

    Line ends pass. Where a foreign text must not begin a line of its own, give it to ``one_line`` or :func:`quoted`.
    """
    click.echo(clean(text), err=err, nl=nl)


def degrade_output() -> None:
    """What the terminal's encoding cannot hold is written as ``\\u2026``: a command never fails for a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def quoted(text: str, limit: int | None = None) -> str:
    """Foreign text below a line of ours: each of its lines behind a bar, so that none passes for ours."""
    return "".join(f"\n    | {line}" for line in clean(text, limit).strip().splitlines())


def ask(question: str, default: Any = None, kind: click.ParamType[Any] | None = None) -> Any:
    """The person's answer to a question, as ``kind`` reads it; Enter takes ``default``, if there is one."""
    return click.prompt(one_line(question, 2000), default=default, type=kind)


def person_is_there(*, err: bool = False) -> bool:
    """Whether somebody can be asked; ``err``: standard output is for a program."""
    return sys.stdin.isatty() and (sys.stderr.isatty() if err else sys.stdout.isatty())


def confirm(question: str, *, default: bool, err: bool = False) -> bool:
    """Yes or no; ``err``: standard output is for a program."""
    return click.confirm(one_line(question, 2000), default=default, err=err)


def in_editor(text: str, ending: str) -> str | None:
    """What the person made of ``text`` in the editor of their choice ($VISUAL, $EDITOR); None: they changed nothing.

    They are shown it without what could steer their terminal, and with an end to its last line: what is saved is
    compared with that, so that nobody changes by saving what they never saw. It is told where something is missing.
    """
    text = text if text.endswith("\n") else f"{text}\n"
    written = click.edit(clean(text), extension=ending)
    if written is None or written == clean(text):
        return None
    number, _ = taken_out(text)
    if number:
        say(f"{count(number, 'character')} that nobody would have seen there are not in what you saved", err=True)
    return written


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON, all in ASCII that draws; dataclasses become objects, and what JSON does not know becomes text."""
    return json.dumps(value, indent=indent, default=_plain)


def print_json(value: Any) -> None:
    say(json_text(value, indent=2))


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, err: bool = False) -> None:
    """Left-aligned columns; ``empty`` is said when there are no rows."""
    lines = [[fitted(str(cell)) for cell in row] for row in rows]
    if not lines:
        say(empty, err=err)
        return
    widths = [max(len(header[i]), *(len(line[i]) for line in lines)) for i in range(len(header))]
    for cells in (header, *lines):
        say("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip(), err=err)


def count(number: int, noun: str) -> str:
    """``1 gate``, ``2 gates``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def fitted(text: str, most: int = 120) -> str:
    """``text`` on one line, as long as ``most`` at the most; what is cut ends in ``…``."""
    # As much again: the part behind the cut may begin with white space, which does not count.
    shown = one_line(text, 2 * most)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def since_ns(since: str | None) -> int | None:
    """The instant so long ago, as ``30s``, ``15m``, ``2h`` or ``1d`` says.

    Raises:
        UsageError: it says something else.
    """
    if since is None:
        return None
    match = _SINCE.match(since.strip())
    if match is None:
        raise UsageError("--since not understood", since, "a number and a unit: 30s, 15m, 2h, 1d")
    return time.time_ns() - int(match.group(1)) * _UNITS[match.group(2)] * 1_000_000_000


def age(then_ns: int | None, now_ns: int) -> str:
    """How long ago, in one unit: ``12s``, ``5m``, ``3h``, ``2d``."""
    if then_ns is None:
        return "-"
    seconds = max(0, (now_ns - then_ns) // 1_000_000_000)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
