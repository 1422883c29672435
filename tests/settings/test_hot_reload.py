"""Hot reload with real files: each test waits for what must come, never for time to pass."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from fleet_tui.settings.load import Loaded, policy_version
from fleet_tui.settings.watch import watch_settings

if TYPE_CHECKING:
    from tests.settings.conftest import Repository

LIMIT_S = 60


class Fleet:
    """A consumer as the watcher is one: it keeps the last good settings."""

    def __init__(self, repository: Repository) -> None:
        self.settings = repository.load().require()
        self.seen: list[Loaded] = []
        self._news = asyncio.Condition()

    async def take(self, changes: AsyncIterator[Loaded]) -> None:
        async for loaded in changes:
            async with self._news:
                self.seen.append(loaded)
                self.settings = loaded.settings or self.settings
                self._news.notify_all()

    async def until(self, found: Callable[[], object]) -> None:
        async with asyncio.timeout(LIMIT_S), self._news:
            await self._news.wait_for(found)

    @property
    def last_error(self) -> str:
        return str(self.seen[-1].errors[0]) if self.seen and self.seen[-1].errors else ""

    def is_on(self, branch: str) -> bool:
        return self.branch == branch

    @property
    def branch(self) -> str | None:
        return self.settings.target_branch


@asynccontextmanager
async def watched(repository: Repository) -> AsyncGenerator[Fleet]:
    stop, fleet = asyncio.Event(), Fleet(repository)
    changes = watch_settings(repository.root, stop=stop, user_file=repository.user, environ={})
    task = asyncio.create_task(fleet.take(changes))
    # The first step of the iteration takes the present state for its starting point.
    await asyncio.to_thread(lambda: None)
    yield fleet
    stop.set()
    async with asyncio.timeout(LIMIT_S):
        await task


def on(branch: str) -> str:
    return f"target_branch: {branch}\n"


async def test_a_change_in_place(repository: Repository) -> None:
    async with watched(repository) as fleet:
        repository.write(on("next"))
        await fleet.until(lambda: fleet.branch == "next")


async def test_replaced_by_rename_again_and_again(repository: Repository) -> None:
    async with watched(repository) as fleet:
        for branch in ["one", "two", "three"]:
            draft = repository.root / ".fleet" / "config.yaml.new"
            draft.write_text(on(branch))
            draft.replace(repository.config)
            await fleet.until(partial(fleet.is_on, branch))


async def test_a_broken_file_changes_nothing_until_it_is_mended(repository: Repository) -> None:
    async with watched(repository) as fleet:
        before, policy = fleet.settings, policy_version(fleet.settings)
        repository.write("approval: {when: never}\n")
        await fleet.until(lambda: fleet.last_error)
        assert ".fleet/config.yaml:1:18" in fleet.last_error
        assert fleet.settings is before
        assert policy_version(fleet.settings) == policy
        repository.write("approval: {when: sensitive}\n")
        await fleet.until(lambda: fleet.settings.approval.when == "sensitive")


async def test_a_write_that_is_cut_short_and_then_completed(repository: Repository) -> None:
    async with watched(repository) as fleet:
        before = fleet.settings
        with repository.config.open("w") as file:
            file.write("target_branch: [ma")
            file.flush()
            await fleet.until(lambda: fleet.last_error)
            assert fleet.settings is before
            file.seek(0)
            file.write(on("main") + "#")
        await fleet.until(lambda: fleet.branch == "main")


async def test_an_emptied_file_is_not_an_empty_fleet(repository: Repository) -> None:
    async with watched(repository) as fleet:
        repository.write("")
        await fleet.until(lambda: "the file is empty" in fleet.last_error)
        assert [agent.name for agent in fleet.settings.agents] == ["dev", "rev"]


@pytest.mark.usefixtures("unprivileged")
async def test_a_file_that_may_no_longer_be_read(repository: Repository) -> None:
    async with watched(repository) as fleet:
        before = fleet.settings
        repository.config.chmod(0)
        await fleet.until(lambda: "permission denied" in fleet.last_error)
        assert fleet.settings is before
        repository.config.chmod(0o644)
        await fleet.until(lambda: fleet.seen[-1].settings is not None)


async def test_deleted_and_written_again(repository: Repository) -> None:
    async with watched(repository) as fleet:
        before = fleet.settings
        repository.config.unlink()
        await fleet.until(lambda: "there is no configuration" in fleet.last_error)
        assert fleet.settings is before
        repository.write(on("back"))
        await fleet.until(lambda: fleet.branch == "back")


async def test_the_whole_directory_goes_and_comes_back(repository: Repository) -> None:
    async with watched(repository) as fleet:
        shutil.rmtree(repository.root / ".fleet")
        await fleet.until(lambda: "there is no configuration" in fleet.last_error)
        (repository.root / ".fleet" / "prompts").mkdir(parents=True)
        repository.write(on("again"))
        await fleet.until(lambda: fleet.branch == "again")
        repository.write(on("still watched"))
        await fleet.until(lambda: fleet.branch == "still watched")


async def test_a_directory_in_the_files_place(repository: Repository) -> None:
    async with watched(repository) as fleet:
        repository.config.unlink()
        repository.config.mkdir()
        await fleet.until(lambda: "is a directory" in fleet.last_error)
        repository.config.rmdir()
        repository.write(on("main"))
        await fleet.until(lambda: fleet.branch == "main")


async def test_prompts_count(repository: Repository) -> None:
    async with watched(repository) as fleet:
        path = repository.root / ".fleet" / "prompts" / "dev.md"
        path.unlink()
        await fleet.until(lambda: "dev.md is missing" in fleet.last_error)
        repository.prompt("dev", "Another part.\n")
        await fleet.until(lambda: fleet.seen[-1].settings is not None)


async def test_the_users_own_file_counts(repository: Repository) -> None:
    async with watched(repository) as fleet:
        repository.user.write_text("ui: {theme: light}\n")
        await fleet.until(lambda: fleet.settings.ui.theme == "light")


async def test_other_files_do_not_count(repository: Repository) -> None:
    async with watched(repository) as fleet:
        (repository.root / "README.md").write_text("x")
        (repository.root / ".fleet" / "tickets").mkdir()
        (repository.root / ".fleet" / "notes.txt").write_text("x")
        repository.write(on("main"))
        await fleet.until(lambda: fleet.branch == "main")
        assert len(fleet.seen) == 1


async def test_a_burst_settles_into_its_last_state(repository: Repository) -> None:
    async with watched(repository) as fleet:
        for number in range(200):
            repository.write(on(f"b{number}") if number % 2 else "broken: [")
        await fleet.until(lambda: fleet.branch == "b199")
        assert len(fleet.seen) <= 2


async def test_cancelling_it_stops_nobody_else(repository: Repository) -> None:
    stop, fleet = asyncio.Event(), Fleet(repository)
    changes = watch_settings(repository.root, stop=stop, user_file=repository.user, environ={})
    task = asyncio.create_task(fleet.take(changes))
    repository.write(on("main"))
    await asyncio.to_thread(lambda: None)
    repository.write(on("next"))
    await fleet.until(lambda: fleet.branch == "next")
    task.cancel()
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not stop.is_set()


async def test_what_changed_between_loading_and_watching_is_not_lost(repository: Repository) -> None:
    before = repository.load()
    repository.write(on("meanwhile"))
    stop = asyncio.Event()
    changes = watch_settings(repository.root, stop=stop, user_file=repository.user, environ={}, since=before)
    async with asyncio.timeout(LIMIT_S):
        assert (await anext(changes)).require().target_branch == "meanwhile"
        await changes.aclose()


async def test_a_repository_that_is_not_there_yet(repository: Repository) -> None:
    shutil.rmtree(repository.root)
    shutil.rmtree(repository.user.parent)
    stop = asyncio.Event()
    changes = watch_settings(repository.root, stop=stop, user_file=repository.user, environ={})
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.to_thread(lambda: None)
    (repository.root / ".fleet").mkdir(parents=True)
    repository.write(on("main"))
    async with asyncio.timeout(LIMIT_S):
        assert (await waiting).require().target_branch == "main"
        stop.set()
        assert await anext(changes, None) is None


async def test_detection_rules_come_and_change(repository: Repository) -> None:
    """They are no settings, and yet a reason to look again: the person's own and the project's."""
    async with watched(repository) as fleet:
        for directory in (repository.user.parent / "detection", repository.root / ".fleet" / "detection"):
            directory.mkdir(parents=True)
            (directory / "codex.yaml").write_text("lines: 20\n")
            known = len(fleet.seen)
            await fleet.until(lambda known=known: len(fleet.seen) > known)  # type: ignore[misc]
            (directory / "codex.yaml").write_text("lines: 30\n")
            known = len(fleet.seen)
            await fleet.until(lambda known=known: len(fleet.seen) > known)  # type: ignore[misc]
