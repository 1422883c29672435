"""Every command line that the README, a page of help or the queue tells a person to type is one that fleet knows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import COMMANDS, fleet
from fleet_tui.domain.text import NOTHING, one_line
from fleet_tui.readmodel import needs
from fleet_tui.readmodel.values import NeedItem, NeedKind

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_FENCE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_WORTH = ("handover", "audit export", "replay", "vendor list", "template list", "status", "queue", "log", "board")
"""What a stranger must find in the README."""


def commands_in(line: str) -> Iterator[str]:
    """Those of fleet among the commands of a shell line, each without what it is redirected to."""
    words: list[str] = []
    for word in (*shlex.split(line), "&&"):
        if word not in {"&&", "|"}:
            words.append(word)
            continue
        if words and Path(words[0]).name == "fleet":
            yield shlex.join(words[: words.index(">")] if ">" in words else words)
        words = []


def of_readme() -> Iterator[str]:
    """The command lines in its fences and, quoted, in its tables and text."""
    for block in _FENCE.findall(README):
        for line in block.splitlines():
            yield from commands_in(line.partition("  #")[0].removeprefix("$ "))
    for line in re.findall(r"`(fleet [^`]+)`", _FENCE.sub("", README)):
        yield from commands_in(line)


def of_help(command: click.Command) -> Iterator[str]:
    """The examples of ``command`` and of all below it."""
    for line in (command.help or "").partition("Example")[2].splitlines():
        yield from commands_in(re.sub(r"\s{3,}.*", "", line.strip()))
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            yield from of_help(sub)


def understood(line: str) -> None:
    """Parse ``line`` as fleet does, and run nothing.

    Raises:
        click.UsageError: it is no command, or has no such option or argument.
    """
    words = shlex.split(line)[1:]
    command: click.Command = fleet
    context = click.Context(fleet, info_name="fleet")
    while isinstance(command, click.Group):
        _options, words, _order = command.make_parser(context).parse_args(words)
        if not words:
            return
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"no command {words[0]} in {line!r}")
        command, words = found, words[1:]
        if isinstance(command, click.Group):
            context = click.Context(command, parent=context, info_name=command.name, allow_interspersed_args=False)
    try:
        command.make_context(command.name, words, parent=context)
    except click.MissingParameter:
        raise
    except click.BadParameter:
        pass  # a file that is not here


@pytest.mark.parametrize("line", sorted(set(of_readme())))
def test_the_readme_tells_what_works(line: str) -> None:
    understood(line)


def test_the_readme_tells_of_what_a_stranger_needs() -> None:
    told = list(of_readme())
    assert len(told) > 25
    assert [worth for worth in _WORTH if not any(f"fleet {worth}" in line for line in told)] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_examples_of_help_work(name: str) -> None:
    command = fleet.get_command(click.Context(fleet), name)
    assert command is not None
    lines = list(of_help(command))
    assert lines, "an example says more than its options"
    for line in lines:
        understood(line)
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0


@pytest.mark.parametrize("rule", sorted(needs._BY_RULE))
def test_what_answers_an_alarm_works(rule: str) -> None:
    subject = "account:claude-code:3fa9c1d2" if rule == "usage-limit" else "agent:dev"
    item = NeedItem(
        NeedKind.ALARM, "alm-1", 1, "dev", one_line("look"), 1, None, response=NOTHING, rule=rule, subject=subject,
        ticket=1,
    )  # fmt: skip
    line = needs.command_for(item)
    assert line != needs.seen_by(item)
    understood(line)


@pytest.mark.parametrize("line", ["fleet nothing", "fleet agent nothing", "fleet status --nothing", "fleet agent logs"])
def test_what_is_not_understood_is_found(line: str) -> None:
    with pytest.raises(click.UsageError):
        understood(line)
