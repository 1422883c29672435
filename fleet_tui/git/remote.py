"""The repository at a forge beyond this machine: fetched from and pushed to by the watcher alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.domain.text import one_line
from fleet_tui.git import refs, tags
from fleet_tui.git.command import GitError, Result, git, object_id
from fleet_tui.git.control import ControlRepository

_TIME_LIMIT_S = 120.0
# Whoever `gh` is logged in as; git asks no other helper about that host, and nobody at the terminal about any.
_CREDENTIALS = ("credential.https://github.com.helper=", "credential.https://github.com.helper=!gh auth git-credential")
_OVERTAKEN = re.compile(r"stale info|fetch first|non-fast-forward|already exists|reference already exists")


class RemoteRepository:
    """The repository at ``address``, whose objects come into ``control``. ``env`` holds credentials, for git alone.

    What the person's own git settings say of proxies, certificates and keys counts; hooks stay off.
    """

    def __init__(self, control: ControlRepository, address: str, env: Mapping[str, str]) -> None:
        self.address = address
        self._control = control
        self._env = dict(env)

    async def fetch(self, branch: str) -> str | None:
        """The commit that ``branch`` is at now, with its objects; None when there is no such branch.

        Raises:
            FleetError: out of reach, refused, or too slow.
        """
        ref = self._seen(await refs.valid_branch(branch))
        try:
            await self._git(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-prune",
                "--no-recurse-submodules", "--refmap=", self.address, f"+{refs.head_ref(branch)}:{ref}",
            )  # fmt: skip
        except GitError as error:
            if "couldn't find remote ref" not in error.stderr:
                raise self._told(error) from error
            await self._git("update-ref", "-d", ref)
            return None
        return await self._control.commit_at(ref)

    async def seen(self, branch: str) -> str | None:
        """The commit that ``branch`` was at when it was fetched last."""
        return await self._control.resolve(self._seen(branch))

    async def push(self, sha: str, branch: str, expected: str | None) -> None:
        """Put ``branch`` at ``sha``, provided that it is at ``expected`` (None: does not exist) or there already.

        Raises:
            Conflict: somebody else has moved, made or removed it.
            FleetError: out of reach, refused, or too slow.
        """
        ref = refs.head_ref(await refs.valid_branch(branch))
        lease = f"--force-with-lease={ref}:{object_id(expected) if expected else ''}"
        try:
            await self._git("push", "--quiet", "--no-verify", "--no-follow-tags", lease, self.address,
                            f"{object_id(sha)}:{ref}")  # fmt: skip
        except GitError as error:
            if not _OVERTAKEN.search(error.stderr):
                raise self._told(error) from error
            if await self.fetch(branch) != sha:
                raise Conflict(
                    "changed on the forge", f"{branch} is not where it was put", "look at it there"
                ) from error

    async def tag(self, name: str) -> str | None:
        """The object that the tag ``name`` points to; None when there is none.

        Raises:
            FleetError: out of reach, refused, or too slow.
        """
        ref = refs.tag_ref(await tags.valid(name))
        try:
            listed = (await self._git("ls-remote", "--quiet", self.address, ref)).text
        except GitError as error:
            raise self._told(error) from error
        lines = (line.partition("\t") for line in listed.splitlines())
        return next((sha for sha, _, name_there in lines if name_there == ref), None)

    async def push_tag(self, tag: str, name: str) -> None:
        """Have the tag ``name`` be the object ``tag``, which is in the control repository; that it is there is fine.

        Raises:
            Conflict: there is another one of that name.
            FleetError: out of reach, refused, or too slow.
        """
        ref = refs.tag_ref(await tags.valid(name))
        try:
            await self._git("push", "--quiet", "--no-verify", "--no-follow-tags", f"--force-with-lease={ref}:",
                            self.address, f"{object_id(tag)}:{ref}")  # fmt: skip
        except GitError as error:
            if not _OVERTAKEN.search(error.stderr):
                raise self._told(error) from error
            if await self.tag(name) != tag:
                raise Conflict("tag exists", f"{one_line(name)} is at {self.address}", "another version") from error

    def _seen(self, branch: str) -> str:
        return f"{refs.REMOTE}/{branch}"

    def _told(self, error: GitError) -> FleetError:
        title = "the repository on the forge cannot be used"
        hint = "check `gh auth status`, `forge.remote`, and the network"
        return FleetError(title, one_line(f"{self.address}: {error.stderr}", 400), hint)

    async def _git(self, *args: str) -> Result:
        return await git(
            *args, git_dir=self._control.path, config=_CREDENTIALS, user_config=True, env=self._env,
            time_limit_s=_TIME_LIMIT_S,
        )  # fmt: skip
