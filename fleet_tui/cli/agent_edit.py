"""``fleet agent edit``, ``revisions``, ``diff``, ``rollback``: an agent's files changed, and what they were before."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from fleet_tui.cli.catalogue import answer
from fleet_tui.cli.common import (
    age,
    confirm,
    fleet_paths,
    in_editor,
    json_option,
    open_reader,
    print_json,
    print_table,
    repo_option,
    say,
)
from fleet_tui.domain.errors import Conflict, UsageError
from fleet_tui.domain.text import one_line

if TYPE_CHECKING:
    from fleet_tui.watcher.acts.revisions import Revision

_MOST_BYTES = 1_000_000


shared_option = click.option(
    "--shared", is_flag=True, help="Its prompt file is that of other agents too: change it for all of them."
)


@click.command()
@click.argument("name")
@click.option("--prompt", "of_prompt", is_flag=True, help="Its prompt instead of its definition.")
@click.option("--file", type=click.File("rb"), help="A file with the new text; - is standard input.")
@shared_option
@repo_option
@json_option
def edit(name: str, of_prompt: bool, file: BinaryIO | None, shared: bool, repo: Path | None, as_json: bool) -> None:
    """Change the definition of NAME (.fleet/agents/NAME.yaml), or its prompt, in your editor ($VISUAL, $EDITOR).

    The whole configuration is checked with the change before anything is written; what others changed meanwhile is not
    written over. It becomes a revision; runs that begin from then on have it.

    \b
    Examples:
      fleet agent edit sam
      fleet agent edit sam --prompt
      sed 's/make test/make check/' .fleet/prompts/sam.md | fleet agent edit sam --prompt --file -
    """
    now = answer(repo, "agent_files", {"agent": name})
    what = "prompt" if of_prompt else "definition"
    if of_prompt and now["prompt_file"] is None:
        raise UsageError("its prompt is in its definition", f"{name} has `prompt:` in {now['place']}", "edit that")
    if not of_prompt and not now["whole"]:
        hint = f"edit {now['place']}, then: fleet config validate"
        raise UsageError("not to be edited here", f"{name} has no file of its own, or an `env` with secrets", hint)
    if of_prompt and now["shared_with"] and not shared:  # before anybody has typed a line
        told = f"{now['prompt_file']} is the prompt of {', '.join(now['shared_with'])} too"
        raise Conflict("not its own alone", told, "give it a `prompt_file` of its own, or change it for all: --shared")
    text = _read(file) if file is not None else _in_editor(now[what], ".md" if of_prompt else ".yaml")
    if text is None or text == now[what]:
        raise Conflict("nothing to change", f"the {what} of {name} is as it was")
    done = answer(repo, "edit_agent", {"agent": name, what: text, "seen": now["seen"], "shared": shared})
    print_json(done) if as_json else say(one_line(done["message"], 400))


def _read(file: BinaryIO) -> str:
    try:
        return file.read(_MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError("cannot be read", f"{error}", "give a text file, or `-`") from None


def _in_editor(text: str, ending: str) -> str | None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("no editor here", "this is no terminal", "give the new text with --file PATH, or --file -")
    return in_editor(text, ending)


@click.command()
@click.argument("name")
@repo_option
@json_option
def revisions(name: str, repo: Path | None, as_json: bool) -> None:
    """List what the files of NAME were, oldest first: since when, who changed them, and how.

    \b
    Examples:
      fleet agent revisions sam
      fleet agent revisions sam --json
    """
    found = _history(repo, name)
    if as_json:
        print_json([_facts(revision) for revision in found])
        return
    now = time.time_ns()
    cells = [(r.number, age(r.at_ns, now), r.actor, _act(r), r.place, _texts(r)) for r in found]
    print_table(
        ("REVISION", "AGE", "WHO", "WHAT", "FILE", "TEXTS"), cells, empty="the watcher has not seen it yet: fleet up"
    )


def _texts(r: Revision) -> str:
    return "-" if r.is_gone else f"{r.definition[:8]}/{r.prompt[:8]}"


def _facts(r: Revision) -> dict[str, Any]:
    return {"agent": r.agent, "revision": r.number, "at_ns": r.at_ns, "actor": r.actor, "act": r.act, "of": r.of} | {
        "file": r.place, "definition_sha": r.definition or None, "prompt_sha": r.prompt or None, "whole": r.whole,
    }  # fmt: skip


def _act(revision: Revision) -> str:
    return revision.act + (f" to {revision.of}" if revision.of else "")


def _history(repo: Path | None, name: str) -> list[Revision]:
    from fleet_tui.watcher.acts import revisions as kept

    found = kept.history(open_reader(fleet_paths(repo)), name)
    if not found:
        answer(repo, "agent_files", {"agent": name})  # a name that nobody has is refused with the names that there are
    return found


@click.command()
@click.argument("name")
@click.argument("older", type=int, required=False)
@click.argument("newer", type=int, required=False)
@repo_option
@json_option
def diff(name: str, older: int | None, newer: int | None, repo: Path | None, as_json: bool) -> None:
    """Show what changed in the files of NAME: from revision OLDER (default: the one before the last) to NEWER.

    Without NEWER, to what is in the files now.

    \b
    Examples:
      fleet agent diff sam
      fleet agent diff sam 1
      fleet agent diff sam 1 3 --json
    """
    lines = _difference(repo, name, older, newer)
    if as_json:
        print_json({"agent": name, "from": older, "to": newer, "lines": lines})
        return
    for line in lines or ["nothing differs"]:
        say(line.rstrip("\n"))


def _now(repo: Path | None, name: str) -> dict[str, Any]:
    """What is in the files of an agent that the log knows; of one that is no more, nothing."""
    try:
        return answer(repo, "agent_files", {"agent": name})
    except UsageError:
        return {"definition": "", "prompt": "", "shared_with": [], "seen": None}


def _difference(repo: Path | None, name: str, older: int | None, newer: int | None) -> list[str]:
    import difflib

    from fleet_tui.store import blobs
    from fleet_tui.watcher.acts import revisions as kept

    paths = fleet_paths(repo)
    reader = open_reader(paths)
    before = kept.find(reader, name, older)
    label = f"revision {before.number}"
    old = [blobs.get(paths.blobs, sha) for sha in (before.definition, before.prompt)]
    if newer is None:
        now = _now(repo, name)
        new, other = [now["definition"], now["prompt"]], "now"
    else:
        after = kept.find(reader, name, newer)
        new, other = [blobs.get(paths.blobs, sha) for sha in (after.definition, after.prompt)], f"revision {newer}"
    found: list[str] = []
    for what, left, right in zip(("definition", "prompt"), old, new, strict=True):
        names = f"{what}, {label}", f"{what}, {other}"
        found += difflib.unified_diff(left.splitlines(), right.splitlines(), *names, lineterm="", n=2)
    return [one_line(line, 4000) if line.strip() else line for line in found]


@click.command()
@click.argument("name")
@click.option("--to", "revision", type=int, help="Which revision; default: the one before the last.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_option
@repo_option
@json_option
def rollback(
    name: str, revision: int | None, dry_run: bool, yes: bool, shared: bool, repo: Path | None, as_json: bool
) -> None:
    """Put the files of NAME back to what they were, also those of an agent that was removed. That is a revision of its
    own, and can be taken back like any.

    \b
    Examples:
      fleet agent rollback sam --dry-run
      fleet agent rollback sam --to 1 --yes
    """
    from fleet_tui.watcher.acts import revisions as kept

    to = kept.find(open_reader(fleet_paths(repo)), name, revision)
    now = _now(repo, name)
    lines = _difference(repo, name, to.number, None)
    if dry_run or not (yes or as_json):
        say(f"from now (+) back to revision {to.number} (-):")
        for line in lines or ["nothing differs"]:
            say(line)
    if now["shared_with"]:
        say(f"its prompt is that of {', '.join(now['shared_with'])} too: with --shared it comes back for all", err=True)
    if dry_run:
        return
    if not to.whole and now["seen"] and to.definition != now["definition"]:
        say(f"only its prompt comes back: its definition is in {one_line(now['place'])}, or held secrets", err=True)
    if not yes and not confirm(f"Put {name} back to revision {to.number}?", default=False):
        raise click.Abort
    done = answer(repo, "rollback_agent", {"agent": name, "revision": to.number, "seen": now["seen"], "shared": shared})
    print_json(done) if as_json else say(one_line(done["message"], 400))
