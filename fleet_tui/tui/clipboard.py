"""Text on its way out of the room: to the terminal's clipboard, to a buffer of tmux, to a file.

A terminal never answers whether it took a text into its clipboard, so of that way no more is claimed than that the
text was sent. What tmux holds is read back; a file is there or it is an error.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fleet_tui.domain.text import one_line
from fleet_tui.tui.notices import passes_through
from fleet_tui.tui.present.notices import through_tmux
from fleet_tui.tui.saving import home_short, write_private

MOST_BYTES = 74_994
"""Of UTF-8 for a terminal: 100 000 characters of an escape sequence with its frame, which common ones take."""
_LIMIT_S = 3.0


class Way(StrEnum):
    """The values of `ui.copy_to`."""

    TERMINAL = "terminal"
    TMUX = "tmux"
    FILE = "file"


class Route(StrEnum):
    """How a text gets to the terminal's clipboard."""

    PLAIN = "OSC 52"
    BUFFER = "tmux load-buffer -w"
    WRAPPED = "OSC 52 wrapped for tmux"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of the terminal. The fields below ``in_tmux`` are what tmux says, where the room runs in one."""

    term: str = ""
    in_screen: bool = False
    in_tmux: bool = False
    version: str = ""
    client: str = ""
    """TERM of the terminal that tmux draws on."""
    features: frozenset[str] = frozenset()
    """What tmux believes that terminal to have; ``clipboard`` is one of them."""
    passthrough: bool = False
    prefix: str = ""
    trouble: str = ""
    """Why tmux did not say."""

    @property
    def route(self) -> Route:
        """The way that has a chance here."""
        if self.in_tmux:
            if "clipboard" in self.features:
                return Route.BUFFER
            return Route.WRAPPED if self.passthrough else Route.NONE
        return Route.NONE if self.in_screen or self.term == "linux" else Route.PLAIN


@dataclass(frozen=True, slots=True)
class Went:
    """What came of one way. ``text`` is where it is or why it is not there, ``short`` the same in few words."""

    way: Way
    ok: bool
    text: str
    short: str


def sequence(text: str, *, wrapped: bool = False) -> str:
    """The escape sequence that asks a terminal to put ``text`` into its clipboard."""
    plain = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    return through_tmux(plain) if wrapped else plain


async def look(environ: Mapping[str, str]) -> Ground:
    """What is known of the terminal now. Inside tmux it is asked: its client may be another one than before."""
    ground = Ground(environ.get("TERM", ""), bool(environ.get("STY")) and not environ.get("TMUX"))
    if not environ.get("TMUX"):
        return ground
    ask = ["display-message", "-p", "#{version}|#{client_termname}|#{client_termfeatures}|", ";"]
    code, said, error = await _tmux([*ask, "show-options", "-gqv", "prefix"])
    facts, prefix = ([*said.splitlines(), "", ""])[:2]
    if code or facts.count("|") != 3:
        return Ground(ground.term, in_tmux=True, trouble=one_line(error or "tmux did not answer", 120))
    version, client, features, _ = facts.split("|")
    return Ground(
        ground.term,
        in_tmux=True,
        version=one_line(version, 20),
        client=one_line(client, 40),
        features=frozenset(features.split(",")),
        passthrough=await passes_through(environ.get("TMUX_PANE", "")),
        prefix=one_line(prefix, 12),
    )


async def copy(
    text: str, ways: Sequence[Way], ground: Ground, write: Callable[[str], bool], file: Path | None
) -> tuple[Went, ...]:
    """Take a clean ``text`` along all of ``ways`` that there are here, in that order. ``write`` writes to the terminal,
    if that is the room's now.

    Nothing is raised: what fails is told.
    """
    done: list[Went] = []
    for way in dict.fromkeys(ways):
        if way is Way.TERMINAL:
            done.append(await _to_terminal(text, ground, write))
        elif way is Way.TMUX and ground.in_tmux:
            done.append(await _to_buffer(text, ground))
        elif way is Way.FILE and file is not None:
            done.append(await asyncio.to_thread(_to_file, text, file))
    return tuple(done)


async def _to_terminal(text: str, ground: Ground, write: Callable[[str], bool]) -> Went:
    size, route = len(text.encode()), ground.route
    if size > MOST_BYTES:
        told = f"{-(-size // 1000)} kB are more than the terminal's {MOST_BYTES // 1000}"
        return _failed(Way.TERMINAL, "not sent to the terminal", told)
    if route is Route.NONE:
        return _failed(Way.TERMINAL, "not sent to the terminal", why_not(ground))
    if route is not Route.BUFFER:
        if not write(sequence(text, wrapped=route is Route.WRAPPED)):
            return _failed(Way.TERMINAL, "not sent to the terminal", "another program has it")
    else:
        # The buffer that tmux sends goes again: whether one is kept is another way's matter.
        name = f"fleet-{os.getpid()}"
        code, _, error = await _tmux(["load-buffer", "-w", "-b", name, "-", ";", "delete-buffer", "-b", name], text)
        if code:
            return _failed(Way.TERMINAL, "not sent to the terminal", error or "tmux failed")
    return Went(Way.TERMINAL, True, "sent to the terminal, cannot be verified", "terminal (unverified)")


async def _to_buffer(text: str, ground: Ground) -> Went:
    """A buffer without a name: it is what the prefix and ] pastes."""
    code, said, error = await _tmux(["load-buffer", "-", ";", "show-buffer"], text)
    if code:
        return _failed(Way.TMUX, "not in tmux", error or "tmux failed")
    if said != text:
        return _failed(Way.TMUX, "not in tmux", "its newest buffer is another")
    keys = f"{ground.prefix or 'prefix'} ]"
    return Went(Way.TMUX, True, f"tmux buffer, {keys} pastes", f"tmux ({keys})")


def _to_file(text: str, file: Path) -> Went:
    try:
        write_private(file, text)
    except OSError as error:
        return _failed(Way.FILE, f"not in {home_short(file)}", error.strerror or str(error))
    return Went(Way.FILE, True, f"file {home_short(file)}", home_short(file))


def _failed(way: Way, what: str, why: str) -> Went:
    return Went(way, False, f"{what}: {why}", what)


def why_not(ground: Ground) -> str:
    """Why nothing can be sent to this terminal's clipboard."""
    if ground.trouble:
        return ground.trouble
    if ground.in_tmux:
        return f"tmux knows of no clipboard of {ground.client or 'its terminal'}"
    return "GNU screen passes nothing on" if ground.in_screen else "the Linux console has no clipboard"


async def _tmux(words: Sequence[str], text: str = "") -> tuple[int, str, str]:
    """Exit code, output and error of the tmux that the room runs in; of one that does not answer in time, too."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec("tmux", *words, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        return 127, "", f"tmux: {error.strerror}"
    try:
        said, trouble = await asyncio.wait_for(process.communicate(text.encode()), _LIMIT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return 124, "", f"tmux did not answer within {_LIMIT_S:.0f} s"
    return process.returncode or 0, said.decode(errors="replace"), one_line(trouble.decode(errors="replace"), 120)
