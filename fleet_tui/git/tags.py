"""Annotated tags: made in the control repository, handed on by compare-and-swap, never moved once they are there."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.domain.text import clean, one_line
from fleet_tui.git import refs
from fleet_tui.git.command import GitError, decode, git, object_id

_WHO = "fleet <fleet@fleet.invalid>"
_NONE = "0" * 40


async def valid(name: str) -> str:
    """``name`` when git accepts it as the name of a tag.

    Raises:
        FleetError: it does not.
    """
    well_formed = bool(name) and not name.startswith("-") and "\0" not in name and len(name) <= 100
    if not well_formed or (await git("check-ref-format", refs.tag_ref(name), ok=(0, 1))).code != 0:
        raise FleetError(
            "not a version", clean(repr(name), 100), "letters, digits, `.`, `-`, `+` and `_`, as in v1.2.0"
        )
    return name


async def make(control: Path, name: str, commit: str, message: str, when_s: int) -> str:
    """The object of an annotated tag; no ref points to it yet. The same call gives the same object.

    ``when_s``: seconds UTC.
    """
    head = f"object {object_id(commit)}\ntype commit\ntag {await valid(name)}\ntagger {_WHO} {when_s} +0000\n\n"
    made = await git("mktag", git_dir=control, input=(head + clean(message).strip() + "\n").encode())
    return made.text


async def put(control: Path, name: str, tag: str) -> None:
    """Have ``name`` in the control repository be the object ``tag``; that it is already is fine.

    Raises:
        Conflict: there is another one of that name.
    """
    ref = refs.tag_ref(await valid(name))
    try:
        await git("update-ref", "-m", "fleet: release", ref, object_id(tag), _NONE[: len(tag)], git_dir=control)
    except GitError as error:
        if await seen(control, name) != tag:
            raise Conflict("tag exists", f"{one_line(name)} is in the control repository", "another version") from error


async def remove(control: Path, name: str, tag: str) -> None:
    """Take ``name`` back, as long as it is the object ``tag``: nobody else was given it."""
    await git("update-ref", "-d", refs.tag_ref(await valid(name)), object_id(tag), git_dir=control)


async def hand_over(control: Path, user: Path, name: str, tag: str) -> None:
    """Bring the tag into the person's repository; that it is there already is fine.

    Raises:
        Conflict: there is another one of that name; GitError: the repository cannot be written.
    """
    ref = refs.tag_ref(await valid(name))
    try:  # without `+`: git itself refuses to move a tag that is there
        await git(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-prune",
            "--no-recurse-submodules", "--refmap=", str(control.absolute()), f"{ref}:{ref}",
            cwd=user, user_config=True, time_limit_s=300,
        )  # fmt: skip
    except GitError as error:
        if await seen(user, name) in (None, tag):
            raise
        raise Conflict("tag exists", f"{one_line(name)} is in {user}", "another version") from error


async def seen(repository: Path, name: str) -> str | None:
    """The object that the tag ``name`` points to in ``repository`` (bare or not); None when there is none."""
    ref = refs.tag_ref(await valid(name))
    found = await git("rev-parse", "--verify", "--quiet", ref, cwd=repository, user_config=True, ok=(0, 1))
    return found.text or None


async def branches(repository: Path, name: str) -> tuple[str, ...]:
    """The branches called ``name`` in ``repository``, also those of its remotes as it knows them: git would take the
    bare name for a tag's from then on."""
    patterns = (refs.head_ref(await valid(name)), f"refs/remotes/*/{name}")
    found = await git("for-each-ref", "--format=%(refname)", *patterns, cwd=repository, user_config=True)
    return tuple(found.text.split())


async def commit_of(repository: Path, name: str) -> str | None:
    """The commit that the tag ``name`` is of in ``repository``; None when there is none."""
    ref = f"{refs.tag_ref(await valid(name))}^{{commit}}"
    found = await git("rev-parse", "--verify", "--quiet", ref, cwd=repository, user_config=True, ok=(0, 1))
    return found.text or None


async def newest(repository: Path, commit: str, *, itself: bool) -> str | None:
    """The tag in ``repository`` that is nearest before ``commit``, or at it where ``itself`` counts; None when there is
    none, or no such commit."""
    start = object_id(commit) if itself else f"{object_id(commit)}^"
    found = await git(
        "describe", "--tags", "--abbrev=0", "--first-parent", start,
        cwd=repository, user_config=True, ok=(0, 128),
    )  # fmt: skip
    return decode(found.out).strip() or None
