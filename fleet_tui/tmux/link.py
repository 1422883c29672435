"""Our control-mode client of the private server: pipelined commands, exact replies, no output of any agent.

It is attached with ``no-output``: a client with output on that stops reading would stall the agents.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from fleet_tui.domain.errors import FleetError
from fleet_tui.tmux.command import LIMIT_S, environment
from fleet_tui.tmux.server import KEEPER, TmuxServer

Word = str | bytes

_BARE = re.compile(rb"[A-Za-z0-9_./:=@+,-]+\Z")
_SPECIAL = re.compile(rb"[^A-Za-z0-9 _./:=@%+,#{}()<>!?*&|^;-]")
_BEGIN = re.compile(rb"%begin \d+ (\d+) \d+\Z")
_END = re.compile(rb"%(end|error) \d+ (\d+) \d+\Z")
MOST_BYTES = 32 * 1024 * 1024
"""More than this in one reply is taken for a broken link."""


class LinkClosed(FleetError):
    """The control-mode client or its server is gone; make a new link."""


@dataclass(frozen=True, slots=True)
class Command:
    """One tmux command. ``seal`` (target pane, format) must be given when agents control lines of the output.

    Without it, a line such as ``%end 1 2 1`` on an agent's screen could pass for the end of the reply and what follows
    for other replies. A sealed reply ends at an unguessable line, which also carries the expanded format.
    """

    words: tuple[Word, ...]
    seal: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command: its output lines (when not ``ok``: the error) and the expanded format of its seal."""

    ok: bool
    lines: tuple[bytes, ...]
    seal: bytes = b""

    @property
    def text(self) -> str:
        return b"\n".join(self.lines).decode("utf-8", "replace")


@dataclass(slots=True)
class _Pending:
    future: asyncio.Future[Reply]
    nonce: bytes | None
    number: bytes = b""
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


def quote(word: Word) -> bytes:
    """``word`` as one argument on a control-mode line, whatever bytes it holds.

    Raises:
        ValueError: it holds a NUL.
    """
    data = word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word
    if b"\0" in data:
        raise ValueError("an argument cannot hold NUL")
    if _BARE.match(data):
        return data
    return b'"' + _SPECIAL.sub(lambda found: b"\\%03o" % found[0][0], data) + b'"'


class Link:
    """``async with Link(server) as link``: a control-mode client attached to the hidden keeper session."""

    def __init__(self, server: TmuxServer, *, on_notice: Callable[[bytes], None] | None = None) -> None:
        self._server = server
        self._on_notice = on_notice
        self._pending: deque[_Pending] = deque()
        self._open: _Pending | None = None
        self._skip: bytes | None = None  # number of a block that is not ours: the attach itself
        self._transport: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None
        self._said = b""  # the last line of such a block: why the attach failed
        self._settled = asyncio.Event()  # attached, or failed to
        self._ended = asyncio.Event()
        self._rest = b""
        self._why = "not connected"

    async def __aenter__(self) -> Self:
        # -N: attaching must not start a server, least of all one without a watcher.
        argv = self._server.argv("-N", "-C", "attach-session", "-f", "no-output,ignore-size", "-t", f"={KEEPER}")
        self._why = ""
        self._transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Wire(self),
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )
        into = self._transport.get_pipe_transport(0)
        self._input = into if isinstance(into, asyncio.WriteTransport) else None
        try:
            await self._attach()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _attach(self) -> None:
        # tmux reads commands before it has attached; those would run without a session, so none is sent until then.
        try:
            async with asyncio.timeout(LIMIT_S):
                await self._settled.wait()
        except TimeoutError:
            self._fail(f"not attached within {LIMIT_S} s")
        if self._why:
            raise LinkClosed("cannot attach to tmux", self._why, "is the fleet up?")

    async def close(self) -> None:
        """Detach; every waiting command fails with LinkClosed."""
        self._fail("closed")
        transport, self._transport = self._transport, None
        if transport is None:
            return
        if self._input is not None:
            self._input.close()  # the client detaches by itself
        try:
            async with asyncio.timeout(0.5):
                await self._ended.wait()
        except TimeoutError:
            pass
        finally:
            # A stuck server holds the client's pipes open, so waiting for their end could take for ever.
            transport.close()

    async def command(self, *words: Word, limit_s: float | None = LIMIT_S) -> list[bytes]:
        """Run one command; its output lines.

        Raises:
            FleetError: tmux refused it.
            LinkClosed: the link is gone, or no answer came within ``limit_s`` seconds (the link is closed then).
        """
        (reply,) = await self.batch([Command(words)], limit_s=limit_s)
        if not reply.ok:
            raise FleetError(f"tmux {words[0]!r} failed", reply.text)
        return list(reply.lines)

    async def batch(self, commands: Sequence[Command], *, limit_s: float | None = LIMIT_S) -> list[Reply]:
        """Run ``commands`` in order, in one write; one reply each. A refused command does not stop the others.

        Raises:
            LinkClosed: as for :meth:`command`.
        """
        futures = self.send(commands)
        try:
            async with asyncio.timeout(limit_s):
                return [await future for future in futures]
        except TimeoutError:
            self._fail("no answer in time")
            await self.close()
            raise LinkClosed("tmux does not answer", f"no reply within {limit_s} s") from None

    def send(self, commands: Sequence[Command]) -> list[asyncio.Future[Reply]]:
        """Like :meth:`batch` without waiting: one future per command."""
        if self._why or self._input is None:
            raise LinkClosed("the tmux link is closed", self._why)
        loop = asyncio.get_running_loop()
        lines, futures = [], []
        for command in commands:
            lines.append(b" ".join(quote(word) for word in command.words))
            nonce = None
            if command.seal is not None:
                nonce = secrets.token_hex(16).encode()
                target, form = command.seal
                seal = ("display-message", "-p", "-t", target, nonce + b" " + form.encode())
                lines.append(b" ".join(quote(word) for word in seal))
            pending = _Pending(loop.create_future(), nonce)
            # A waiter that was cancelled leaves its future behind; its late error must not be reported as unheard.
            pending.future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._pending.append(pending)
            futures.append(pending.future)
        if lines:
            self._input.write(b"\n".join(lines) + b"\n")
        return futures

    # -- reading -------------------------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Take in what tmux wrote."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > MOST_BYTES:
            self._fail("a line without end")

    def closed(self) -> None:
        """tmux has closed its end."""
        self._fail("tmux closed the connection")

    def exited(self) -> None:
        """The client process is gone."""
        self._ended.set()
        self._fail("the tmux client ended")

    def _line(self, line: bytes) -> None:
        if self._open is not None:
            self._inside(self._open, line)
        elif self._skip is not None:
            self._skipped(line)
        elif (begin := _BEGIN.match(line)) is not None:
            self._begin(begin[1], line)
        elif line.startswith(b"%") and self._on_notice is not None:
            self._on_notice(line)

    def _skipped(self, line: bytes) -> None:
        end = _END.match(line)
        if end is None or end[2] != self._skip:
            self._said = line
            return
        self._skip = None
        if end[1] == b"error" and not self._settled.is_set():
            self._fail(self._said.decode("utf-8", "replace"))
        self._settled.set()

    def _begin(self, number: bytes, line: bytes) -> None:
        # Flag 1 marks a command that this client typed; 0 is the attach on the command line.
        if line.endswith(b" 0") or not self._pending:
            self._skip = number
            return
        self._open = self._pending.popleft()
        self._open.number = number

    def _inside(self, pending: _Pending, line: bytes) -> None:
        if pending.nonce is None:
            end = _END.match(line)
            if end is not None and end[2] == pending.number:
                self._done(pending, Reply(end[1] == b"end", tuple(pending.lines)))
                return
        elif line.startswith(pending.nonce):
            self._unseal(pending, line[len(pending.nonce) + 1 :])
            return
        pending.lines.append(line)
        pending.size += len(line)
        if pending.size > MOST_BYTES:
            self._fail("a reply without end")

    def _unseal(self, pending: _Pending, seal: bytes) -> None:
        # Going back from the seal, the first end of our block is the real one: an agent's line can only come before it.
        begin = _BEGIN.match(pending.lines[-1]) if pending.lines else None
        for index in range(len(pending.lines) - 2, -1, -1):
            end = _END.match(pending.lines[index])
            if end is not None and end[2] == pending.number and begin is not None:
                self._skip = begin[1]
                self._done(pending, Reply(end[1] == b"end", tuple(pending.lines[:index]), seal))
                return
        self._fail("a reply that cannot be understood")

    def _done(self, pending: _Pending, reply: Reply) -> None:
        self._open = None
        if not pending.future.done():
            pending.future.set_result(reply)

    def _fail(self, why: str) -> None:
        self._why = self._why or why
        waiting = [self._open] if self._open is not None else []
        self._open = None
        for pending in (*waiting, *self._pending):
            if not pending.future.done():
                pending.future.set_exception(LinkClosed("the tmux link is closed", self._why))
        self._pending.clear()
        self._settled.set()


class _Wire(asyncio.SubprocessProtocol):
    """Hands what the client process does to its link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._link.received(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        if fd == 1:
            self._link.closed()

    def process_exited(self) -> None:
        self._link.exited()
