"""The one way to run git: an argument list, a hardened environment, a time limit, a bounded output."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fleet_tui import processes
from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.text import clean

OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
MINIMUM_VERSION = (2, 38)
"""The first version with ``merge-tree --write-tree``."""

# Settings on the command line win over every file, so also over a repository that an agent can write.
_ALWAYS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.filesRefLockTimeout=2000",
    "core.packedRefsTimeout=2000",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "advice.detachedHead=false",
    "log.showSignature=false",
)
_HARDENED = ("core.attributesFile=/dev/null", "core.excludesFile=/dev/null", "transfer.fsckObjects=true")
_INHERITED = ("PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "XDG_CONFIG_HOME", "SYSTEMROOT")


class GitError(FleetError):
    """A git command failed. ``code`` is its exit code (negative: signal), ``stderr`` what it said, cleaned."""

    def __init__(self, arguments: tuple[str, ...], code: int, stderr: str, hint: str = "") -> None:
        shown = clean(" ".join(("git", *arguments)), 200)
        said = clean(stderr.strip(), 2000) or "no message"
        super().__init__("git failed", f"`{shown}` (exit {code}): {said}", hint or _hint_for(said))
        self.arguments = arguments
        self.code = code
        self.stderr = said


@dataclass(frozen=True, slots=True)
class Result:
    """What a command gave: ``out`` as bytes, ``err`` as cleaned text; ``truncated`` when ``max_bytes`` cut it short."""

    code: int
    out: bytes
    err: str
    truncated: bool = False

    @property
    def text(self) -> str:
        """Standard output without surrounding white space; bytes that are not UTF-8 become ``\\xNN``."""
        return decode(self.out).strip()


def decode(raw: bytes) -> str:
    """Bytes of git as text that a database and JSON accept: what is not UTF-8 stays visible as ``\\xNN``."""
    return raw.decode("utf-8", "backslashreplace")


def object_id(text: str) -> str:
    """``text`` when it is a full object id: nothing else is ever passed to git where it expects a commit.

    Raises:
        FleetError: it is not.
    """
    if not OBJECT_ID.match(text):
        raise FleetError("not a commit id", clean(repr(text), 100), "give the full hexadecimal id")
    return text


async def git(
    *args: str,
    cwd: Path | None = None,
    git_dir: Path | None = None,
    work_tree: Path | None = None,
    input: bytes | BinaryIO | None = None,  # noqa: A002 - the name that subprocess uses
    time_limit_s: float = 60.0,
    env: Mapping[str, str] | None = None,
    config: Collection[str] = (),
    ok: Collection[int] = (0,),
    max_bytes: int | None = None,
    user_config: bool = False,
    literal: bool = True,
) -> Result:
    """Run ``git`` with ``args`` in ``cwd`` or on ``git_dir``.

    ``config`` are further ``key=value`` settings. ``ok`` are the exit codes that are no error. Output beyond
    ``max_bytes`` stops the command. ``user_config`` lets the person's own settings count (filters such as LFS): only
    for the person's own repository; hooks and fsmonitor stay off there too. ``literal`` takes every path as it is,
    without patterns; some commands refuse that.

    Raises:
        GitError: another exit code, or git is not installed.
        FleetError: the time limit passed; every process of the command has been killed.
    """
    settings = [*_ALWAYS, *(() if user_config else _HARDENED), *config]
    argv = ["git", "--no-pager", *(word for setting in settings for word in ("-c", setting))]
    if literal:
        argv.append("--literal-pathspecs")
    if git_dir is not None:
        argv.append(f"--git-dir={git_dir}")
    if work_tree is not None:
        argv.append(f"--work-tree={work_tree}")
    try:
        ended = await processes.run(
            [*argv, *args],
            cwd=cwd or work_tree or git_dir,
            env=environment(user_config=user_config) | dict(env or {}),
            given=input,
            time_limit_s=time_limit_s,
            max_bytes=max_bytes,
        )
    except TimeoutError as error:
        shown = clean(" ".join(("git", *args)), 200)
        raise FleetError(
            "git took too long",
            f"`{shown}` was stopped after {time_limit_s:g} s",
            "check the disk, and whether another git process holds a lock",
        ) from error
    except OSError as error:
        raise GitError(args, 127, str(error), "install git, and check that the directory still exists") from error
    result = Result(ended.code, ended.out, clean(decode(ended.err)), ended.truncated)
    if result.code not in ok and not result.truncated:
        raise GitError(args, result.code, result.err)
    return result


def environment(*, user_config: bool = False) -> dict[str, str]:
    """The environment of every git command: none of the caller's ``GIT_*``, no prompts, no foreign settings."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    shared = {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_EDITOR": ":",
        "GIT_PAGER": "cat",
    }
    if user_config:
        return inherited | shared
    # The last two reach the upload-pack that a fetch starts in the other repository, where our `-c` settings do not:
    # without them a planted promisor remote could name a program to run.
    return (
        inherited
        | shared
        | {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "file",
        }
    )


async def version() -> tuple[int, int]:
    """The installed version of git as (major, minor).

    Raises:
        FleetError: too old.
    """
    text = (await git("version", cwd=Path("/"))).text
    found = re.search(r"(\d+)\.(\d+)", text)
    number = (int(found[1]), int(found[2])) if found else (0, 0)
    if number < MINIMUM_VERSION:
        wanted = ".".join(map(str, MINIMUM_VERSION))
        raise FleetError("git is too old", f"found {text!r}, need {wanted} or newer", "upgrade git")
    return number


def _hint_for(stderr: str) -> str:
    if "dubious ownership" in stderr:
        return (
            "the repository belongs to another user: run fleet as its owner, "
            "or `git config --global --add safe.directory PATH`"
        )
    if ".lock" in stderr and "File exists" in stderr:
        return "another git process may be running; if none is, remove the lock file that it names"
    if "No space left" in stderr:
        return "free some disk space; nothing was changed"
    return ""
