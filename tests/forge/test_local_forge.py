"""Tickets on disk: creation from several processes, hostile files, labels, comments, watching."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.forge import files, local
from fleet_tui.forge.base import Forge, TicketRecord
from fleet_tui.forge.local import LocalForge

NOW_NS = 1_700_000_000_000_000_000


@pytest.fixture
def forge(tmp_path: Path) -> LocalForge:
    return LocalForge(tmp_path / ".fleet" / "tickets", now_ns=lambda: NOW_NS)


def _file(forge: LocalForge, number: int) -> Path:
    (path,) = [path for path in forge.directory.glob(f"{number:04d}*.md") if ".comments" not in path.name]
    return path


def _put(forge: LocalForge, name: str, content: str | bytes) -> Path:
    forge.directory.mkdir(parents=True, exist_ok=True)
    path = forge.directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


async def test_it_is_a_forge(forge: LocalForge) -> None:
    as_protocol: Forge = forge
    assert await as_protocol.tickets() == []
    assert not forge.directory.exists(), "looking creates nothing in the person's repository"


async def test_create_and_read(forge: LocalForge) -> None:
    made = await forge.create_ticket("Add search", "Body\n", ["ready"], [2, 3], 1)
    assert made == TicketRecord(1, "Add search", "Body", ("ready",), (2, 3), 1)
    assert await forge.tickets() == [made]
    assert _file(forge, 1).name == "0001-add-search.md"
    assert _file(forge, 1).read_text() == (
        '---\nid: 1\ntitle: "Add search"\nlabels: [ready]\ndepends_on: [2, 3]\npriority: 1\n'
        "created: 2023-11-14T22:13:20Z\n---\n\nBody\n"
    )


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("../../etc/passwd", "x"),
        ("$(id) `id` ;id |& #{q} #(id) %(x)", "$(id)"),
        ("--help", "---\nid: 9\n---\n"),
        ("title: {a: [", "\ufeff---\n...\n---"),
        ("日本語 😀", "😀" * 250_000),
        ("tab\tnul\x00bell\x07esc\x1b[2J", "nul\x00\r\ncrlf\rcr\u202e"),
        ("x" * 200, ""),
    ],
)
async def test_hostile_titles_and_bodies(forge: LocalForge, title: str, body: str) -> None:
    made = await forge.create_ticket(title, body)
    (read,) = await forge.tickets()
    assert read == made
    assert read.problem is None
    assert _file(forge, 1).parent == forge.directory
    assert not set(read.title + read.body) & set("\x00\x07\x1b\r\u202e")


async def test_refused_tickets(forge: LocalForge) -> None:
    for arguments, title in (
        ({"title": " \n"}, "ticket without a title"),
        ({"title": "x" * 201}, "title too long"),
        ({"title": "x", "body": "y" * 3_000_000}, "ticket too long"),
        ({"title": "x", "priority": 0}, "no such priority"),
    ):
        with pytest.raises(UsageError) as raised:
            await forge.create_ticket(**arguments)
        assert raised.value.title == title
        assert raised.value.hint
    assert await forge.tickets() == []


async def test_numbers_are_never_used_twice(forge: LocalForge) -> None:
    await forge.create_ticket("one")
    await forge.create_ticket("two")
    _file(forge, 2).unlink()
    assert (await forge.create_ticket("three")).number == 3
    _put(forge, "0010-by-hand.md", "---\ntitle: x\n---\n")
    assert (await forge.create_ticket("eleven")).number == 11
    (forge.directory / ".sequence").write_text("garbage")
    assert (await forge.create_ticket("twelve")).number == 12


_CREATOR = """
import asyncio, sys
from pathlib import Path
from fleet_tui.forge.local import LocalForge
async def main():
    forge = LocalForge(Path(sys.argv[1]))
    sys.stdin.read(1)
    for _ in range(10):
        print((await forge.create_ticket("same title")).number)
asyncio.run(main())
"""


def test_processes_create_at_once(forge: LocalForge) -> None:
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _CREATOR, forge.directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(root)}, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    numbers = [int(line) for process in running for line in process.communicate("g", timeout=60)[0].split()]
    assert sorted(numbers) == list(range(1, 31))
    assert len(list(forge.directory.glob("*.md"))) == 30
    assert not list(forge.directory.glob("*.tmp"))


async def test_broken_files_stop_no_other(forge: LocalForge, tmp_path: Path) -> None:
    good = await forge.create_ticket("good")
    _put(forge, "0002-broken.md", "---\ntitle: x\nlabels: {}\n---\n")
    _put(forge, "0003-mismatch.md", "---\nid: 4\ntitle: x\n---\n")
    _put(forge, "0005-binary.md", b"\xff\xfe\x00\x01")
    _put(forge, "0006-huge.md", b"---\ntitle: x\n---\n" + b"x" * (files.MAX_BYTES + 1))
    (forge.directory / "0007-link.md").symlink_to("/etc/passwd")
    os.mkfifo(forge.directory / "0008-fifo.md")
    (forge.directory / "0009-dir.md").mkdir()
    (forge.directory / "0010-dangling.md").symlink_to(tmp_path / "absent")
    _put(forge, "0011-one.md", "---\ntitle: x\n---\n")
    _put(forge, "0011-two.md", "---\ntitle: y\n---\n")
    for ignored in ("README.md", "x.txt", ".0012-hidden.md", "0013-x.md~", "0001-good.comments.md"):
        _put(forge, ignored, "---\ntitle: x\n---\n")
    found = await asyncio.wait_for(forge.tickets(), 60)
    assert found[0] == good
    problems = {(record.number, record.problem) for record in found[1:]}
    assert {problem for _, problem in problems if problem and "0002" in problem} == {
        "0002-broken.md:3: labels must be a list, as in [a, b]"
    }
    assert [record.number for record in found] == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 11]
    assert all(record.problem for record in found[1:])
    assert all(number == int(str(problem)[:4]) for number, problem in problems)
    assert not [record for record in found if "root:" in record.body]


async def test_a_file_whose_text_would_be_altered_is_not_taken(forge: LocalForge) -> None:
    """What an agent reads is what the person wrote, or nothing."""
    _put(forge, "0001-latin.md", b"---\ntitle: x\n---\nfine\ncaf\xe9\n")
    _put(forge, "0002-long.md", "---\nid: 2\ntitle: " + "y" * 201 + "\n---\n")
    first, second = await forge.tickets()
    assert first.problem == "0001-latin.md:5: not UTF-8: save the file as UTF-8"
    assert second.problem == "0002-long.md:3: the title has 201 characters of at most 200"


async def test_labels(forge: LocalForge) -> None:
    await forge.create_ticket("x", "body", ["a"])
    await forge.set_labels(1, ["ready", "a"], ["gone"])
    await forge.set_labels(1, ["ready"], ["a"])
    assert (await forge.tickets())[0].labels == ("ready",)
    path = _put(forge, "0002-hand.md", b"---\r\n# note\r\ntitle: T # why\r\nmine: {a: 1}\r\n---\r\ncaf\xe9\r\n")
    path.chmod(0o600)
    await forge.set_labels(2, ["x"])
    assert path.read_bytes() == b"---\r\n# note\r\ntitle: T # why\r\nmine: {a: 1}\r\nlabels: [x]\r\n---\r\ncaf\xe9\r\n"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_labels_of_what_cannot_be_edited(forge: LocalForge, tmp_path: Path) -> None:
    broken = _put(forge, "0001-x.md", "---\ntitle: [\n---\n")
    target = tmp_path / "target.md"
    target.write_text("---\ntitle: x\n---\n")
    (forge.directory / "0002-link.md").symlink_to(target)
    for number, title in ((1, "ticket file broken"), (2, "cannot read the file"), (3, "no such ticket")):
        with pytest.raises(FleetError) as raised:
            await forge.set_labels(number, ["ready"])
        assert raised.value.title == title
    assert broken.read_text() == "---\ntitle: [\n---\n"
    assert target.read_text() == "---\ntitle: x\n---\n"


async def test_concurrent_label_edits_all_count(forge: LocalForge) -> None:
    await forge.create_ticket("x")
    await asyncio.gather(*(forge.set_labels(1, [f"l{number}"]) for number in range(12)))
    assert set((await forge.tickets())[0].labels) == {f"l{number}" for number in range(12)}


async def test_comments_leave_the_ticket_alone(
    forge: LocalForge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await forge.create_ticket("x", "body")
    before = _file(forge, 1).read_bytes()
    await asyncio.gather(*(forge.comment(1, f"number {n}\x1b[2J\r\n---\nid: 9") for n in range(5)))
    text = (forge.directory / "0001-x.comments.md").read_text()
    assert text.count("### 2023-11-14 22:13:20 UTC\n\nnumber ") == 5
    assert "\x1b" not in text
    assert _file(forge, 1).read_bytes() == before
    assert len(await forge.tickets()) == 1
    with pytest.raises(FleetError, match="no such ticket"):
        await forge.comment(2, "x")
    monkeypatch.setattr(local, "MAX_COMMENTS_BYTES", 10)
    with pytest.raises(FleetError, match="too long"):
        await forge.comment(1, "x")
    (forge.directory / "0001-x.comments.md").unlink()
    (forge.directory / "0001-x.comments.md").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FleetError, match="cannot write"):
        await forge.comment(1, "x")
    assert not (tmp_path / "elsewhere").exists()


async def test_unwritable_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FleetError, match="cannot write tickets"):
        await LocalForge(tmp_path / "file" / "tickets").create_ticket("x")


async def test_a_held_lock_is_told(forge: LocalForge, monkeypatch: pytest.MonkeyPatch) -> None:
    await forge.create_ticket("x")
    monkeypatch.setattr(local, "_LOCK_LIMIT_S", 0.05)
    with forge._sequence(), pytest.raises(FleetError, match="locked"):
        await forge.create_ticket("y")


def test_replace_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.replace(path, b"new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


# -- watching --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _watching(forge: LocalForge) -> AsyncIterator[asyncio.Queue[None]]:
    """Pokes as they come; touches a ticket file until the first arrives, so that the watch is known to be in force."""
    stop, pokes = asyncio.Event(), asyncio.Queue[None]()

    async def collect() -> None:
        async for _ in forge.watch(stop):
            pokes.put_nowait(None)

    task = asyncio.create_task(collect())
    try:
        yield pokes
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


async def _poked_by(pokes: asyncio.Queue[None], act: Path, content: str) -> None:
    """Write until a poke arrives: the watch may not be in force at the first write."""
    async with asyncio.timeout(60):
        while True:
            act.parent.mkdir(parents=True, exist_ok=True)
            act.write_text(content)
            try:
                await asyncio.wait_for(pokes.get(), 0.3)
            except TimeoutError:
                continue
            return


async def test_watch_sees_changes(forge: LocalForge) -> None:
    path = _put(forge, "0001-x.md", "---\ntitle: x\n---\n")
    async with _watching(forge) as pokes:
        await _poked_by(pokes, path, "---\ntitle: y\n---\n")
        while not pokes.empty():
            pokes.get_nowait()
        await forge.set_labels(1, ["ready"])
        await asyncio.wait_for(pokes.get(), 60)


async def test_watch_survives_a_replaced_directory(forge: LocalForge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_LOOK_AGAIN_MS", 100)
    async with _watching(forge) as pokes:
        path = forge.directory / "0001-x.md"
        await _poked_by(pokes, path, "---\ntitle: appeared\n---\n")
        forge.directory.rename(forge.directory.with_name("old"))
        await asyncio.wait_for(pokes.get(), 60)
        while not pokes.empty():
            pokes.get_nowait()
        await _poked_by(pokes, path, "---\ntitle: again\n---\n")


async def test_watch_stops_at_once(forge: LocalForge) -> None:
    for prepared in (False, True):
        if prepared:
            forge.directory.mkdir(parents=True)
        async with _watching(forge):
            pass


async def test_a_new_ticket_says_where_its_work_stays(forge: LocalForge) -> None:
    made = await forge.create_ticket("Parser", scope=["/src/a b.py", "/docs/: [x]/", '"*'])
    assert made.scope == ("/src/a b.py", "/docs/: [x]/", '"*')
    assert (await forge.tickets())[0].scope == made.scope
