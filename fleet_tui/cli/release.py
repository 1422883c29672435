"""``fleet release``: whether a pull request may land, what has landed since the last release, and the next one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_tui.cli import signing
from fleet_tui.cli.common import (
    PULL_REQUEST,
    act,
    ask_watcher,
    confirm,
    count,
    fleet_paths,
    json_option,
    open_reader,
    person_is_there,
    print_json,
    quoted,
    repo_option,
    say,
)
from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.governance.release import Ground, Reason

if TYPE_CHECKING:
    from fleet_tui.watcher.merging.releases import Contents, Landed


@click.group()
def release() -> None:
    """Ask whether a pull request may land, see what has landed, and make a release of it.

    \b
    Examples:
      fleet release check 2
      fleet release notes
      fleet release tag v1.2.0 --dry-run
    """


@release.command()
@click.argument("number", type=PULL_REQUEST)
@repo_option
@click.pass_context
def check(ctx: click.Context, number: int, repo: Path | None) -> None:
    """Print as JSON whether pull request NUMBER may land now, and every reason why not.

    Looked at are its gates (or required checks) on what would land, conflicts, drafts, requested changes, missing and
    outdated approvals, open conversations and the rules of the target branch. The exit code is 0 when it may land,
    1 when not, or when that cannot be found out.

    \b
    Examples:
      fleet release check 2
      fleet release check 2 | jq -r '.reasons[].message'
    """
    paths = fleet_paths(repo)
    if open_reader(paths).pull_request(number) is None:
        raise UsageError("no such pull request", f"PR {number}", "fleet pr list")
    try:
        answer = ask_watcher(paths, "release_check", {"pr": number})
    except UsageError:
        raise
    except FleetError as error:
        answer = {"pr": number, "ready": False, "reasons": [_untold(error)]}
    print_json(answer)
    ctx.exit(0 if answer.get("ready") is True else 1)


@release.command()
@click.option("--since", default="", metavar="TAG", help="The release before; default: the last one on the branch.")
@click.option("--at", default="", metavar="COMMIT", help="What would be released; default: what landed last.")
@json_option
@repo_option
def notes(since: str, at: str, as_json: bool, repo: Path | None) -> None:
    """Print what has landed since the last release: pull requests with their tickets, agents, reviewers and gates.

    As text it is what a release says (Markdown); change it and hand it in with `fleet release tag --notes`.

    \b
    Examples:
      fleet release notes
      fleet release notes --since v1.1.0 > notes.md
      fleet release notes --json | jq -r '.pulls[].title'
    """
    from fleet_tui.watcher.merging import release_notes

    found = asyncio.run(_contents(repo, since, at))
    text = release_notes.text(found)
    if as_json:
        print_json({**_as_data(found), "notes": text})
    else:
        say(text)


@release.command()
@click.argument("version")
@click.option("--at", default="", metavar="COMMIT", help="What is released; default: what landed last.")
@click.option("--since", default="", metavar="TAG", help="The release before, for the notes.")
@click.option(
    "--notes", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The notes, instead of ours."
)
@click.option("--dry-run", is_flag=True, help="Change nothing: say what it would be, and all that is against it.")
@click.option("--yes", "-y", is_flag=True, help="Do not show and ask first.")
@signing.options
@repo_option
@click.pass_context
def tag(
    ctx: click.Context,
    version: str,
    at: str,
    since: str,
    notes: Path | None,
    dry_run: bool,
    yes: bool,
    sign: Path | None,
    signature: Path | None,
    repo: Path | None,
) -> None:
    """Release what has landed as VERSION: an annotated tag with its notes, and with `forge: github` a release there.

    What an agent has asked for is tagged at the commit that it named, with its words before the notes. Refused are a
    tag that is there, a commit that did not land through the fleet or whose gates have not passed, and while a landing
    is held or under way, or your checkout has uncommitted changes. You are shown what it would be and asked; where
    nobody is there, it is tagged as it is now. Where an approval rule for the act `tag` asks for
    several persons, each of them does this; who is named in `approval.signers` does so with --sign.

    \b
    Examples:
      fleet release tag v1.2.0 --dry-run
      fleet release tag v1.2.0
      fleet release tag v1.2.0 --notes notes.md
    """
    words = notes.read_bytes()[:_MOST_NOTES].decode("utf-8", "replace") if notes is not None else ""
    args: dict[str, Any] = {"version": version, "at": at, "since": since, "notes": words}
    if dry_run or (person_is_there() and not yes):
        plan = ask_watcher(fleet_paths(repo), "tag_release", args | {"dry_run": True})
        _say_plan(plan)
        if dry_run or not plan["ready"]:
            ctx.exit(0 if plan["ready"] else 1)
        if not confirm(f"Tag {version}?", default=False):
            raise click.Abort
        args |= {"at": plan["commit"], "seen": plan["sha"]}
    act(repo, "tag_release", signing.signed(repo, args, sign, signature))


@release.command()
@click.argument("version")
@click.option("--reason", required=True, help="Why not; goes into the log.")
@repo_option
def decline(version: str, reason: str, repo: Path | None) -> None:
    """Refuse a release that an agent has asked for.

    \b
    Example:
      fleet release decline v1.2.0 --reason "after the audit"
    """
    act(repo, "decline_release", {"version": version, "reason": reason})


_MOST_NOTES = 200_000


def _say_plan(answer: dict[str, Any]) -> None:
    since = f" since {answer['since']}" if answer["since"] else ""
    where = "GitHub" if answer["forge"] == "github" else "your repository"
    asked = f", as {answer['asked_by']} asks" if answer["asked_by"] else ""
    landed = count(len(answer["prs"]), "pull request")
    what = f"{answer['version']} would be {answer['commit'][:12]} on {answer['target']}"
    say(f"{what}, in {where}{asked}: {landed}{since}")
    if answer["quorum"] > 1:
        say(f"it takes {answer['quorum']} persons; so far {', '.join(answer['votes']) or 'nobody'}")
    say(quoted(answer["notes"]).removeprefix("\n"))
    for reason in answer["reasons"]:
        say(f"not now: {reason['ground'].replace('_', ' ')}: {reason['message']}")
    if answer["ready"]:
        again = f"fleet release tag {answer['version']} --at {answer['commit'][:12]}"
        say(f"just this commit, whatever lands or lapses meanwhile: {again}")


async def _contents(repo: Path | None, since: str, at: str) -> Contents:
    from fleet_tui.git.control import ControlRepository
    from fleet_tui.git.user import UserRepository
    from fleet_tui.watcher.merging.releases import commit_named, contents

    paths = fleet_paths(repo)
    reader = open_reader(paths)
    try:
        control = ControlRepository(paths.control, paths.repository, reader.fleet().target)
        commit = await commit_named(control, at) if at else await control.target_sha()
        return await contents(reader, control, UserRepository(paths.repository), commit, since, released=True)
    finally:
        reader.close()


def _as_data(found: Contents) -> dict[str, Any]:
    return {
        "target": found.target,
        "commit": found.commit,
        "since": found.since,
        "since_commit": found.since_commit,
        "pulls": [_pull_as_data(pull) for pull in found.pulls],
        "others": found.others,
    }


def _pull_as_data(pull: Landed) -> dict[str, Any]:
    return {
        "pr": pull.pr,
        "ticket": pull.ticket,
        "title": pull.title,
        "agent": pull.agent,
        "reviewers": pull.reviewers,
        "gates": [{"name": name, "state": state} for name, state in pull.gates],
        "approved_by": pull.approved_by,
        "commit": pull.commit,
        "landed_ns": pull.landed_ns,
        "number": pull.number or None,
        "url": pull.url,
    }


def _untold(error: FleetError) -> dict[str, str]:
    told = f"{error.title}: {error.message}" if error.message else error.title
    return Reason(Ground.UNKNOWN, told).as_dict()
