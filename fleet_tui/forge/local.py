"""The local forge: tickets are files in the repository; pull requests live in the fleet's own log.

A ticket is ``NNNN-slug.md``; its comments are appended to ``NNNN-slug.comments.md``, so that the ticket itself stays
what people wrote and a comment never races with somebody's editor.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from watchfiles import Change, awatch

from fleet_tui.domain.errors import FleetError, UsageError
from fleet_tui.domain.ids import slugify
from fleet_tui.domain.text import clean, one_line
from fleet_tui.forge import files
from fleet_tui.forge.base import DEFAULT_PRIORITY, MAX_TITLE, NoSuchTicket, TicketRecord
from fleet_tui.forge.frontmatter import BadTicketFile, parse, render, with_labels

_NAME = re.compile(r"([0-9]{1,6})(?:-[^/]*)?\.md\Z")
_COMMENTS = ".comments.md"
_SEQUENCE = ".sequence"
_LOCK_LIMIT_S = 10.0
_LOOK_AGAIN_MS = 2000
MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_COMMENTS_BYTES = 16 * 1024 * 1024


class LocalForge:
    """Tickets under ``directory``."""

    def __init__(self, directory: Path, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.directory = directory
        self._now_ns = now_ns

    async def tickets(self) -> list[TicketRecord]:
        """Every ticket file, by number; one that cannot be used has a ``problem`` and stops no other."""
        return await asyncio.to_thread(self._load)

    async def create_ticket(
        self,
        title: str,
        body: str = "",
        labels: Sequence[str] = (),
        depends_on: Sequence[int] = (),
        priority: int = DEFAULT_PRIORITY,
        scope: Sequence[str] = (),
        repo: str = "",
    ) -> TicketRecord:
        """Write a new ticket file; numbers are never used twice, not even after a file was deleted.

        Raises:
            UsageError: empty title, title or body too long, priority not 1 to 9.
            FleetError: directory not writable.
        """
        name = one_line(title, len(title))
        text = clean(body)
        if not name:
            raise UsageError("ticket without a title", "the title is empty", "say in one line what is to be done")
        if len(name) > MAX_TITLE:
            told = f"{len(name)} characters of at most {MAX_TITLE}"
            raise UsageError("title too long", told, "say the rest in the body")
        if len(text.encode()) > MAX_BODY_BYTES:
            told = f"the body has more than {MAX_BODY_BYTES} bytes"
            raise UsageError("ticket too long", told, "put it into the repository and name the file")
        if not 1 <= priority <= 9:
            raise UsageError("no such priority", str(priority), "use 1 (most urgent) to 9")
        fields = (tuple(labels), tuple(depends_on), priority, tuple(scope), repo)
        return await asyncio.to_thread(self._create, name, text, *fields)

    async def set_labels(self, number: int, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Edit the labels of a ticket file; nothing else in it changes.

        Raises:
            FleetError: no such ticket, or its file is broken.
        """
        await asyncio.to_thread(self._set_labels, number, tuple(add), tuple(remove))

    async def comment(self, number: int, text: str) -> None:
        """Append to the ticket's comments.

        Raises:
            FleetError: no such ticket, or the comments are too long.
        """
        await asyncio.to_thread(self._comment, number, text)

    async def beginning_with(self, opening: str) -> list[int]:
        """The tickets whose text begins with ``opening``; a file is anybody's."""
        return [record.number for record in await self.tickets() if record.body.startswith(opening)]

    async def watch(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Yield after changes in the directory, also when it appears, goes or is replaced, until ``stop`` is set."""
        known = _identity(self.directory)
        while not stop.is_set():
            if known is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _LOOK_AGAIN_MS / 1000)
            else:
                async for _ in self._changes(stop, known):
                    yield
            current = _identity(self.directory)
            if current != known:
                known = current
                yield

    async def _changes(self, stop: asyncio.Event, known: tuple[int, int]) -> AsyncIterator[None]:
        """Changes as long as the directory is the same: a watch on a deleted one stays silent."""
        with contextlib.suppress(FileNotFoundError):
            async for batch in awatch(
                self.directory, watch_filter=_is_ticket, stop_event=stop, recursive=False,
                rust_timeout=_LOOK_AGAIN_MS, yield_on_timeout=True,
            ):  # fmt: skip
                if batch:
                    yield
                if _identity(self.directory) != known:
                    return

    # -- files -------------------------------------------------------------------------------------------------------

    def _paths(self) -> list[tuple[int, Path]]:
        """Ticket files by number and name."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.directory))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FleetError(
                "cannot read tickets", f"{self.directory}: {error.strerror}", "check its permissions"
            ) from error
        found = [(int(match[1]), self.directory / match[0]) for name in names if (match := _ticket_name(name))]
        return sorted(found, key=lambda pair: (pair[0], pair[1].name))

    def _load(self) -> list[TicketRecord]:
        paths = self._paths()
        uses = Counter(number for number, _ in paths)
        records = []
        for number, path in paths:
            with contextlib.suppress(FileNotFoundError):  # deleted since the directory was read
                record = _record(number, path)
                if uses[number] > 1:
                    record = replace(record, problem=_problem(path, 1, f"several files have the number {number}"))
                records.append(record)
        return records

    def _path_of(self, number: int) -> Path:
        paths = [path for found, path in self._paths() if found == number]
        if len(paths) != 1:
            what = "several files have" if paths else "no file has"
            kind = FleetError if paths else NoSuchTicket
            raise kind("no such ticket", f"{what} the number {number} in {self.directory}", "see `fleet ticket list`")
        return paths[0]

    def _create(
        self,
        title: str,
        body: str,
        labels: tuple[str, ...],
        depends_on: tuple[int, ...],
        priority: int,
        scope: tuple[str, ...],
        repo: str,
    ) -> TicketRecord:
        created = datetime.fromtimestamp(self._now_ns() // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with _guarded(self.directory), self._sequence() as sequence:
            number = max([_read_number(sequence), *(found for found, _ in self._paths())]) + 1
            text = render(number, title, body, labels, depends_on, priority, created, scope, repo)
            parsed = parse(text)
            path = self.directory / f"{number:04d}-{slugify(title)}.md"
            os.pwrite(sequence, b"%010d\n" % number, 0)
            os.fsync(sequence)
            if not files.create_exclusively(path, text.encode()):
                raise FleetError("ticket exists already", str(path), "try again")
        fields = (parsed.title, parsed.body, parsed.labels, parsed.depends_on, parsed.priority)
        return TicketRecord(number, *fields, scope=parsed.scope, repo=parsed.repo)

    def _set_labels(self, number: int, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        path = self._path_of(number)
        with _guarded(path), self._sequence():
            before = files.read_regular(path)
            text = before.decode("utf-8", "surrogateescape")
            try:
                edited = with_labels(text, add, remove)
            except BadTicketFile as error:
                raise FleetError(
                    "ticket file broken", _problem(path, error.line, error.message), "repair the file"
                ) from error
            if edited != text:
                files.replace(path, edited.encode("utf-8", "surrogateescape"))

    def _comment(self, number: int, text: str) -> None:
        ticket = self._path_of(number)
        path = ticket.with_name(ticket.name.removesuffix(".md") + _COMMENTS)
        when = datetime.fromtimestamp(self._now_ns() // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        entry = f"### {when}\n\n{clean(text).strip()}\n\n".encode()
        with _guarded(path):
            handle = os.open(
                path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644
            )
            with os.fdopen(handle, "ab") as file:
                if os.fstat(file.fileno()).st_size + len(entry) > MAX_COMMENTS_BYTES:
                    raise FleetError("comments too long", path.name, "move the file away")
                file.write(entry)
                file.flush()
                os.fsync(file.fileno())

    @contextmanager
    def _sequence(self) -> Iterator[int]:
        """The locked file with the last number given out: two processes that create at once wait for each other."""
        self.directory.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(self.directory / _SEQUENCE, flags, 0o644)
        try:
            _lock(handle, self.directory)
            yield handle
        finally:
            os.close(handle)


def _ticket_name(name: str) -> re.Match[str] | None:
    return None if name.endswith(_COMMENTS) else _NAME.match(name)


def _is_ticket(change: Change, path: str) -> bool:
    del change
    return _ticket_name(os.path.basename(path)) is not None  # noqa: PTH119 - called for every change


def _record(number: int, path: Path) -> TicketRecord:
    try:
        content = files.read_regular(path)
        parsed = parse(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return TicketRecord(number, path.stem, problem=_problem(path, line, "not UTF-8: save the file as UTF-8"))
    except BadTicketFile as error:
        return TicketRecord(number, path.stem, problem=_problem(path, error.line, error.message))
    except FleetError as error:
        return TicketRecord(number, path.stem, problem=_problem(path, 1, error.message))
    if parsed.number not in (None, number):
        return TicketRecord(
            number, parsed.title, problem=_problem(path, 1, f"id is {parsed.number}, but the file name says {number}")
        )
    fields = (parsed.title, parsed.body, parsed.labels, parsed.depends_on, parsed.priority)
    return TicketRecord(number, *fields, scope=parsed.scope, repo=parsed.repo)


def _problem(path: Path, line: int, message: str) -> str:
    return f"{one_line(path.name)}:{line}: {one_line(message)}"


def _read_number(handle: int) -> int:
    digits = os.pread(handle, 32, 0).strip()
    return int(digits) if digits.isdigit() else 0


def _lock(handle: int, directory: Path) -> None:
    deadline = time.monotonic() + _LOCK_LIMIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise FleetError(
                    "tickets are locked", str(directory), "another process holds them; try again"
                ) from None
            time.sleep(0.01)
        else:
            return


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """A failure of the file system, told as what, where and what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise FleetError("ticket is gone", str(path), "see `fleet ticket list`") from error
    except OSError as error:
        raise FleetError(
            "cannot write tickets", f"{path}: {error.strerror}", "check permissions and disk space"
        ) from error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino
