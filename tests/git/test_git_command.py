"""The one way to run git, and the small things beside it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_tui import processes
from fleet_tui.domain.errors import FleetError
from fleet_tui.git import command, trees
from fleet_tui.git.command import GitError, environment, git, object_id
from fleet_tui.git.config_text import config_text

from .conftest import Repo, names


async def test_failure_says_what_where_and_what_to_do(user: Repo) -> None:
    with pytest.raises(GitError) as raised:
        await git("rev-parse", "--verify", "no\x1b[31msuch", cwd=user.path)
    assert raised.value.code == 128
    assert "git rev-parse --verify" in raised.value.message
    assert "\x1b" not in str(raised.value)
    (user.path / ".git" / "index.lock").write_text("")
    with pytest.raises(GitError) as raised:
        await git("add", "a.txt", cwd=user.path)
    assert "lock" in raised.value.hint


async def test_missing_directory_and_missing_git(user: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GitError, match="exit 127"):
        await git("version", cwd=tmp_path / "absent")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError) as raised:
        await git("version", cwd=user.path)
    assert "install git" in raised.value.hint


async def test_accepted_exit_codes(user: Repo) -> None:
    result = await git("rev-parse", "--verify", "--quiet", "refs/none", cwd=user.path, ok=(0, 1))
    assert (result.code, result.text) == (1, "")


async def test_output_limit(user: Repo) -> None:
    user.commit({"big": "x" * 300_000})
    result = await git("cat-file", "blob", "HEAD:big", cwd=user.path, max_bytes=1000)
    assert result.truncated
    assert result.out == b"x" * 1000


async def test_a_command_that_is_stopped_with_full_pipes_ends(user: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio stops reading when its buffer is full, and waits for the end of the pipes before it tells of any end."""
    read = processes._read

    async def read_slowly(stream: asyncio.StreamReader, max_bytes: int | None) -> tuple[bytes, bool]:
        found = await read(stream, max_bytes)
        while not stream._paused:  # type: ignore[attr-defined]  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        return found

    monkeypatch.setattr(processes, "_read", read_slowly)
    user.commit({"big": "x" * 1_000_000})
    assert (await git("cat-file", "blob", "HEAD:big", cwd=user.path, max_bytes=1000, time_limit_s=20)).truncated


async def test_input_larger_than_a_pipe(user: Repo) -> None:
    data = os.urandom(1_000_000)
    stored = await git("hash-object", "-w", "--stdin", cwd=user.path, input=data)
    assert (await git("cat-file", "blob", stored.text, cwd=user.path)).out == data
    # A command that does not read its input must not hang or fail because of it.
    assert (await git("version", cwd=user.path, input=data)).code == 0


async def test_time_limit_kills_the_whole_group(user: Repo, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(FleetError, match="took too long"):
        await git("hash-object", str(fifo), cwd=user.path, time_limit_s=0.3)
    # A process still holding the FIFO open for reading would make this open succeed.
    with pytest.raises(OSError, match="No such device"):
        os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)


async def test_cancelling_kills_it_too(user: Repo, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    task = asyncio.create_task(git("hash-object", str(fifo), cwd=user.path))
    handle = await asyncio.wait_for(asyncio.to_thread(os.open, fifo, os.O_WRONLY), 60)  # returns when git reads
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(BrokenPipeError):
        os.write(handle, b"x")
    os.close(handle)


@pytest.mark.parametrize("then", ["sleep 100", "exit 0"])
async def test_who_left_the_group_and_holds_the_pipes_is_not_waited_for(user: Repo, tmp_path: Path, then: str) -> None:
    script = f"echo $$ >{tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 100"
    held = f"alias.hold=!setsid sh -c '{script}' & until [ -e {tmp_path}/pid ]; do sleep 0.01; done; {then};:"
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - names only
    try:
        async with asyncio.timeout(60):
            with pytest.raises(FleetError, match="took too long"):
                await git("hold", cwd=user.path, config=(held,), time_limit_s=2.0)
        await asyncio.sleep(0)  # what is closed is taken from the loop in its next round
        assert len(os.listdir("/dev/fd")) <= before  # noqa: PTH208
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_environment_is_an_allow_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/x")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("LD_PRELOAD", "/x.so")
    for user_config in (False, True):
        names = set(environment(user_config=user_config))
        assert not names & {"GIT_DIR", "SECRET_TOKEN", "LD_PRELOAD"}
    assert environment()["GIT_CONFIG_GLOBAL"] == os.devnull
    assert "GIT_CONFIG_GLOBAL" not in environment(user_config=True)


async def test_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await command.version() >= command.MINIMUM_VERSION
    monkeypatch.setattr(command, "MINIMUM_VERSION", (99, 0))
    with pytest.raises(FleetError, match="too old"):
        await command.version()


@given(st.text(max_size=70))
def test_only_hexadecimal_ids_pass(text: str) -> None:
    try:
        assert object_id(text) == text
    except FleetError:
        return
    assert len(text) in (40, 64)
    assert set(text) <= set("0123456789abcdef")


_VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
_MIDDLES = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(_MIDDLES, _VALUES, max_size=3), _VALUES)
def test_config_text_is_read_back_as_written(branches: dict[str, str], name: str) -> None:
    wanted = {"user.name": name} | {f"branch.{middle}.merge": value for middle, value in branches.items()}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
        file.write(config_text(wanted))
        file.flush()
        listed = subprocess.run(["git", "config", "--file", file.name, "-z", "--list"], capture_output=True, check=True)
    entries = [entry.split(b"\n", 1) for entry in listed.stdout.split(b"\0") if entry]
    assert {key.decode(): value.decode() for key, value in entries} == wanted


async def test_remove_tree(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("keep")
    doomed = tmp_path / "-rf doomed"
    deep = doomed
    for _ in range(300):
        deep = deep / "deeper"
    deep.mkdir(parents=True)
    (doomed / "link").symlink_to(outside)
    (doomed / "closed").mkdir(mode=0o000)
    os.mkfifo(doomed / "fifo")
    await trees.remove_tree(doomed)
    await trees.remove_tree(doomed)
    link = tmp_path / "link"
    link.symlink_to(outside)
    await trees.remove_tree(link)
    assert names(tmp_path) == ["home", "outside"]
    assert (outside / "file").read_text() == "keep"
