"""Live panes for the control room: what changed on the visible rows, straight from tmux, at most so often.

One signal says which windows changed; one batch then re-arms their flags and captures their visible rows. Nothing runs
while nothing changes, and no client of ours ever takes an agent's output, so a slow reader cannot stall an agent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleet_tui.domain.errors import FleetError
from fleet_tui.tmux import command
from fleet_tui.tmux.capture import Captures, RawRows
from fleet_tui.tmux.floods import BESIDE_FLOOD_FPS, Floods
from fleet_tui.tmux.link import Command, Link, Reply
from fleet_tui.tmux.server import PANE_FORMAT, PaneInfo, TmuxServer, parse_pane
from fleet_tui.tmux.signals import PollSignal, PushSignal, Signal

WATCHDOG_S = 10.0
"""How often, at least, tmux is asked for the panes that had output of which we were not told."""
THOROUGH_S = 60.0
"""How often, at least, every visible pane is captured, whatever was said of it."""
SHARED_S = 2.0
"""The same while other rooms look at the server: their clearing of a flag can swallow a change before we hear of it."""
ATTACHED_S = 0.1
"""How often a pane is looked at while a person is attached to it: tmux sets no flag then."""
RETRY_S = 1.0
MOST_MISSES = 3
"""After so many rounds of the watchdog in a row that found changes while nothing was heard of any, the signal is not
trusted any more. One round may find many: what changed since the last look at the signal is not heard of yet."""
_VERSION = ("display-message", "-p", "tmux #{version}")
_SEAL = "#{@fleet_uuid} #{pane_width} #{pane_height} #{pane_dead} #{session_attached}"


@dataclass(frozen=True, slots=True)
class Rows:
    """Visible rows of a pane, both ends included, from 0 at the top; negative ones count from the bottom: (-12, -1)."""

    first: int
    last: int

    def within(self, height: int) -> tuple[int, int]:
        """The same rows as indexes from the top in a pane of ``height`` rows."""
        first = self.first if self.first >= 0 else height + self.first
        last = self.last if self.last >= 0 else height + self.last
        last = min(max(last, 0), height - 1)
        return min(max(first, 0), last), last


@dataclass(frozen=True, slots=True)
class Frame:
    """The visible rows of one pane, as captured (bytes with SGR, whose state carries over from row to row).

    ``first`` is the screen row of ``rows[0]``; ``changed`` are the indexes in ``rows`` that differ from the last frame
    of this pane; ``width`` and ``height`` are the pane's.
    """

    uuid: str
    first: int
    rows: tuple[bytes, ...]
    width: int
    height: int
    changed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """A watched pane's program ended (``dead``, the screen stays readable) or the pane is no more."""

    uuid: str
    dead: bool


@dataclass(frozen=True, slots=True)
class ServerLost:
    """tmux cannot be reached; the source goes on trying, and frames begin anew when it is back."""

    reason: str


Event = Frame | Gone | ServerLost


@dataclass(slots=True)
class _Seen:
    """What was last captured of a pane."""

    first: int
    raw: RawRows
    rows: tuple[bytes, ...]
    width: int
    height: int


class FrameSource:
    """The live pictures of the panes that are on the screen. Iterate :meth:`frames` in one task.

    A consumer that is behind lowers ``max_fps`` by :meth:`pace`.
    """

    def __init__(self, server: TmuxServer, *, max_fps: float = 30.0) -> None:
        self.max_fps = max_fps
        self._server = server
        self._rows: dict[str, Rows] = {}
        self._running = asyncio.Event()
        self._running.set()
        self._poke = asyncio.Event()
        self._signal_name = "connecting"
        self._captures = Captures(None)
        self._reset()

    def _reset(self) -> None:
        self._panes: dict[str, PaneInfo] = {}
        self._windows: dict[str, str] = {}
        self._seen: dict[str, _Seen] = {}
        self._gone: dict[str, bool] = {}  # uuid → whether its dead screen can still be read
        self._attached: set[str] = set()
        self._looked: dict[str, float] = {}  # uuid → the time of day, in seconds, when it was last captured
        self._thorough_at = 0.0
        self._floods = Floods()
        self._held: set[str] = set()  # changed panes in flood that wait for their time
        self._wanted: set[str] = set(self._rows)
        self._stale = True  # the list of panes must be read again
        self._misses = 0
        self._company = False

    @property
    def in_force(self) -> str:
        """How changes are learnt at present: ``push``, ``poll (why)``, ``connecting``, ``lost``, ``paused``."""
        return self._signal_name if self._running.is_set() else "paused"

    def watch(self, visible: Mapping[str, Rows]) -> None:
        """Set what is visible: pane uuid → rows, the most important first. Newly visible panes are captured at once."""
        self._wanted |= {uuid for uuid, rows in visible.items() if self._rows.get(uuid) != rows}
        self._rows = dict(visible)
        for uuid in [uuid for uuid in self._seen if uuid not in visible]:
            del self._seen[uuid]
        self._gone = {uuid: dead for uuid, dead in self._gone.items() if uuid in visible}
        self._poke.set()

    def pace(self, fps: float) -> None:
        """So many frames a second from now on; 0: what becomes visible and what :meth:`look` asks for, no more."""
        if fps != self.max_fps:
            self.max_fps = fps
            self._poke.set()

    def look(self) -> None:
        """Capture everything that is visible once more, at once."""
        self._wanted |= self._rows.keys()
        self._poke.set()

    def pause(self) -> None:
        """No captures until :meth:`resume`; changes meanwhile are not lost."""
        self._running.clear()
        self._poke.set()

    def resume(self) -> None:
        """Go on, beginning with everything that is visible."""
        self._wanted |= self._rows.keys()
        self._running.set()

    async def frames(self) -> AsyncGenerator[Event, None]:
        """What changes, until the caller stops: close the iterator (``contextlib.aclosing``) to free tmux's clients."""
        while True:
            reason = ""
            try:
                async with contextlib.aclosing(self._connected()) as events:
                    async for event in events:
                        yield event
            except (FleetError, OSError) as error:
                reason = str(error)
            if self._signal_name != "lost":
                self._signal_name = "lost"
                yield ServerLost(reason)
            self._reset()
            await asyncio.sleep(RETRY_S)

    async def _connected(self) -> AsyncGenerator[Event, None]:
        async with Link(self._server, on_notice=self._notice) as commands, Link(self._server) as waiting:
            version = command.parse_version(b" ".join(await commands.command(*_VERSION)).decode("ascii", "replace"))
            self._captures = Captures(version)
            push = PushSignal(commands, waiting)
            signal: Signal = push if await push.open() else PollSignal(why="no activity hooks")
            self._signal_name = signal.name
            try:
                async with contextlib.aclosing(self._loop(commands, signal)) as events:
                    async for event in events:
                        yield event
            finally:
                await push.close()
                await self._captures.close(commands)

    def _notice(self, line: bytes) -> None:
        if line.startswith((b"%sessions-changed", b"%unlinked-window", b"%window-add", b"%window-close")):
            self._stale = True
            self._poke.set()

    async def _loop(self, link: Link, signal: Signal) -> AsyncGenerator[Event, None]:
        clock = asyncio.get_running_loop().time
        watchdog = clock() + SHARED_S
        while True:
            await self._running.wait()
            self._poke.clear()
            started = clock()
            for gone in await self._refresh(link):
                yield gone
            due, known = await self._due(signal)
            checked = await self._unheard(link) - due if started >= watchdog else set()
            events = await self._capture(link, self._ordered(due | checked))
            signal, found = await self._judged(signal, events, checked), bool(events)
            for event in events:
                yield event
            if started >= watchdog:
                watchdog = clock() + (SHARED_S if await signal.tidy() else WATCHDOG_S)
            elif self._company:
                watchdog = min(watchdog, clock() + SHARED_S)
            self._company = False
            busy = found or bool(self._held) or bool(known and due)
            if busy:
                # Panes that keep changing are polled frame by frame; the push is for the first change after quiet.
                await self._paced(started)
            quiet = not (busy or self._wanted or self._stale or self._held)
            if quiet and not await signal.arm():
                await self._idle(signal, watchdog - clock())

    async def _paced(self, started: float) -> None:
        # The time of one frame, or until something is wanted at once.
        clock = asyncio.get_running_loop().time
        while not (self._wanted or self._stale):
            fps = min(self.max_fps, BESIDE_FLOOD_FPS) if self._held else self.max_fps
            left_s = started + 1.0 / fps - clock() if fps > 0 else None
            if left_s is not None and left_s <= 0:
                return
            self._poke.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._poke.wait()

    async def _due(self, signal: Signal) -> tuple[set[str], bool]:
        # Which panes to capture, and whether they are known to have changed.
        wanted, self._wanted = self._wanted, set()
        windows = await signal.dirty()
        if windows is None:
            return wanted | set(self._rows), bool(wanted)
        noted = {self._windows[window] for window in windows if window in self._windows}
        if noted:
            self._misses = 0
        self._company = len(noted) < len(windows)  # somebody attached to the keeper, perhaps another room
        due, now = wanted | noted | self._held | self._attached, asyncio.get_running_loop().time()
        self._held = {uuid for uuid in due - wanted if self._floods.rests(uuid, now) and uuid in self._rows}
        return due - self._held, bool(wanted or noted)

    async def _unheard(self, link: Link) -> set[str]:
        """Panes that may have changed though nobody said so: those that had output in the second in which they were
        captured, or later; now and then all of them."""
        clock = asyncio.get_running_loop().time
        if clock() >= self._thorough_at:
            self._thorough_at = clock() + THOROUGH_S
            return set(self._seen)
        lines = await link.command("list-windows", "-a", "-F", "#{window_id} #{window_activity}")
        active = {window: int(at or 0) for window, _, at in (line.decode().partition(" ") for line in lines)}
        return {
            uuid
            for window, uuid in self._windows.items()
            if uuid in self._seen and active.get(window, 0) >= int(self._looked.get(uuid, 0.0))
        }

    def _ordered(self, uuids: set[str]) -> list[str]:
        return [uuid for uuid in self._rows if uuid in uuids and uuid in self._panes]

    async def _judged(self, signal: Signal, events: Iterable[Event], checked: set[str]) -> Signal:
        """The signal to go on with, after these events, of which the watchdog was to find those of ``checked``."""
        changed = {event.uuid for event in events if isinstance(event, Frame)}
        if isinstance(signal, PollSignal) or not changed:
            return signal
        self._misses += not changed - checked
        if self._misses < MOST_MISSES:
            return signal
        await signal.close()  # its hooks would note changes that nobody reads, without end
        fallback = PollSignal(why="activity flag failed")
        self._signal_name = fallback.name
        return fallback

    async def _idle(self, signal: Signal, limit_s: float) -> None:
        if self._attached & self._rows.keys():
            limit_s = min(limit_s, ATTACHED_S)
        waits = [asyncio.ensure_future(signal.wait()), asyncio.ensure_future(self._poke.wait())]
        try:
            done, _ = await asyncio.wait(waits, timeout=max(0.0, limit_s), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        for wait in done:
            wait.result()

    # -- panes ---------------------------------------------------------------------------------------------------------

    async def _refresh(self, link: Link) -> list[Gone]:
        unknown = self._rows.keys() - self._panes.keys() - self._gone.keys()
        if not self._stale and not unknown:
            return []
        self._stale = False
        lines = await link.command("list-panes", "-a", "-F", f"#{{window_id}} {PANE_FORMAT}")
        panes, windows = {}, {}
        for line in lines:
            window, _, rest = line.decode("utf-8", "replace").partition(" ")
            pane = parse_pane(rest)
            if pane is not None:
                panes[pane.uuid], windows[window] = pane, pane.uuid
        lost = [uuid for uuid in self._rows if uuid not in panes]
        came = (panes.keys() - self._panes.keys()) & self._rows.keys()
        self._wanted |= came
        self._gone = {uuid: dead for uuid, dead in self._gone.items() if uuid not in came}
        self._panes, self._windows = panes, windows
        self._attached = {pane.uuid for pane in panes.values() if pane.attached}
        return [gone for uuid in lost if (gone := self._lose(uuid, dead=False))]

    def _lose(self, uuid: str, *, dead: bool) -> Gone | None:
        if self._gone.get(uuid) in {False, dead}:
            return None
        self._gone[uuid] = dead
        self._attached.discard(uuid)
        return Gone(uuid, dead)

    async def _capture(self, link: Link, uuids: list[str]) -> list[Event]:
        if not uuids:
            return []
        asked = {uuid: self._rows[uuid] for uuid in uuids}
        self._looked |= dict.fromkeys(uuids, time.time())
        replies = await link.batch([command for uuid in uuids for command in self._commands(uuid)])
        events: list[Event] = []
        each = 1 + self._captures.commands_each
        for at, uuid in enumerate(uuids):
            # Another view may have come up meanwhile: what it wants is captured next, and these rows are not that.
            if self._rows.get(uuid) == asked[uuid]:
                events.extend(self._compared(uuid, replies[at * each + 1 : (at + 1) * each]))
        return events

    def _commands(self, uuid: str) -> Iterable[Command]:
        pane = self._panes[uuid]
        first, last = self._rows[uuid].within(pane.height)
        # Clear the flag first: output between the two is then seen twice, never missed.
        yield Command(("kill-session", "-C", "-t", f"={pane.session}"))
        yield from self._captures.commands(pane.pane_id, first, last, _SEAL)

    def _compared(self, uuid: str, replies: Sequence[Reply]) -> list[Event]:
        fields, raw = replies[-1].seal.decode("ascii", "replace").split(" "), self._captures.taken(replies)
        if raw is None or len(fields) != 5 or fields[0] != uuid:
            self._panes.pop(uuid, None)  # the id may have passed to another pane
            self._stale = True
            gone = self._lose(uuid, dead=False)
            return [gone] if gone else []
        width, height, dead, attached = (int(field or 0) for field in fields[1:])
        events: list[Event] = []
        frame = self._frame(uuid, raw, width, height)
        changed = len(frame.changed) if frame is not None else 0
        self._floods.note(uuid, changed, len(raw), asyncio.get_running_loop().time())
        if frame is not None:
            events.append(frame)
        (self._attached.add if attached else self._attached.discard)(uuid)
        if dead and (gone := self._lose(uuid, dead=True)):
            events.append(gone)
        return events

    def _frame(self, uuid: str, raw: RawRows, width: int, height: int) -> Frame | None:
        pane, seen = self._panes[uuid], self._seen.get(uuid)
        first, _ = self._rows[uuid].within(pane.height)
        if height != pane.height:
            self._stale = True  # rows counted from the bottom are others now
            self._wanted.add(uuid)
        same_place = seen is not None and (seen.first, seen.width, seen.height) == (first, width, height)
        if seen is not None and same_place and seen.raw == raw:
            return None
        if seen is not None and same_place and len(seen.raw) == len(raw):
            changed = tuple(index for index, row in enumerate(raw) if row != seen.raw[index])
            fresh = iter(self._captures.rows(tuple(raw[index] for index in changed)))
            differs = frozenset(changed)
            rows = tuple(next(fresh) if index in differs else seen.rows[index] for index in range(len(raw)))
        else:
            changed, rows = tuple(range(len(raw))), self._captures.rows(raw)
        self._seen[uuid] = _Seen(first, raw, rows, width, height)
        return Frame(uuid, first, rows, width, height, changed)
