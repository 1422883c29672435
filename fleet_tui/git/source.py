"""Whether a repository of the user's can be worked on at all."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean
from fleet_tui.git import refs
from fleet_tui.git.command import GitError, git


async def inspect_layout(path: Path) -> str:
    """Check that ``path`` is the top of a complete repository with working files; its object format, as in ``sha1``.

    Raises:
        FleetError: no git repository, a subdirectory of one, bare, or shallow.
    """
    words = ("--is-bare-repository", "--is-shallow-repository", "--show-object-format", "--show-cdup")
    try:
        answers = (await git("rev-parse", *words, cwd=path, user_config=True)).out.decode().split("\n")
    except GitError as error:
        if "dubious ownership" in error.stderr or (error.code == 127 and path.is_dir()):
            raise  # it says itself what to do: git is missing, or does not trust the place
        raise FleetError(
            "not a git repository", str(path), "run `git init` there, commit something, and try again"
        ) from error
    bare, shallow, object_format, up = (*answers, "")[:4]
    if bare == "true":
        raise FleetError("bare repository", f"{path} has no working files", "run fleet in a normal clone of it")
    if up:
        raise FleetError("not the top of the repository", str(path), f"run fleet in {(path / up).resolve()}")
    if shallow == "true":
        raise FleetError("shallow repository", f"{path} lacks part of its history", "run `git fetch --unshallow` first")
    return object_format


async def inspect_source(path: Path, target: str) -> str:
    """Check that the fleet can work on ``path`` with ``target`` as the branch to land on; the object format.

    Raises:
        FleetError: as :func:`inspect_layout`; no commits; no such branch.
    """
    object_format = await inspect_layout(path)
    ref = f"{refs.head_ref(target)}^{{commit}}"
    found = await git("rev-parse", "--verify", "--quiet", ref, cwd=path, ok=(0, 1), user_config=True)
    if found.code != 0:
        any_commit = await git("rev-list", "--max-count=1", "--all", cwd=path, user_config=True)
        if not any_commit.text:
            raise FleetError("empty repository", f"{path} has no commits", "commit something first")
        raise no_target(target, path)
    return object_format


def no_target(target: str, path: Path) -> FleetError:
    return FleetError(
        "target branch missing",
        f"{path} has no branch {clean(target, 100)}",
        "create the branch, or name another one as `target:` in .fleet/config.yaml",
    )
