"""What a stand-in model says: per conversation a list of replies, found by what was asked; it keeps no state.

The next reply is the one after those that the conversation already holds, so a resumed session goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply, as vendors count them: ``fresh`` input, what was read from and written to the cache."""

    fresh: int = 100
    cache_read: int = 0
    cache_write: int = 0
    output: int = 10


@dataclass(frozen=True, slots=True)
class Tool:
    """A call that the model makes."""

    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: a text, calls, or both; ``status`` other than 200 is an error of the service instead, with ``headers``
    and what ``error`` says beside or instead of the stand-in's own words."""

    text: str = ""
    tools: tuple[Tool, ...] = ()
    usage: Usage = Usage()
    status: int = 200
    delay_s: float = 0.0
    """Between the start of the stream and its first word; of an answer that is no stream, before it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """``replies`` to every conversation that has ``when`` somewhere in what the user said first."""

    when: str
    replies: Sequence[Reply]


@dataclass(frozen=True, slots=True)
class Served:
    """One answered request: its id, the script it belonged to, and what it was said to cost."""

    request: str
    when: str
    model: str
    usage: Usage
    status: int


@dataclass(slots=True)
class Cast:
    """The scripts of a server, and what it served."""

    scripts: Sequence[Script] = ()
    served: list[Served] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """The bodies of the requests, as JSON."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, opening: str, said: int) -> tuple[str, Reply]:
        """The reply number ``said`` (from 0) to the conversation that ``opening`` began; below 0: a request of the
        program's own, such as for a title, which belongs to no script."""
        for script in self.scripts:
            if said >= 0 and script.when in opening:
                with self._lock:
                    number = said + self.failures.get(script.when, 0)
                    reply = script.replies[number] if number < len(script.replies) else Reply("Nothing is left to do.")
                    if reply.status != 200:  # it leaves nothing in the conversation: the next request is for the next
                        self.failures[script.when] = self.failures.get(script.when, 0) + 1
                return script.when, reply
        if said < 0:
            return "", Reply('{"title": "Work"}')
        with self._lock:
            self.unmatched.append(opening[:400])
        return "", Reply("ok")

    def note(self, served: Served) -> None:
        """Remember what was served."""
        with self._lock:
            self.served.append(served)

    def total(self, when: str) -> Usage:
        """What the conversations of ``when`` used in all."""
        of_it = [one.usage for one in self.served if one.when == when and one.status == 200]
        return Usage(
            sum(u.fresh for u in of_it),
            sum(u.cache_read for u in of_it),
            sum(u.cache_write for u in of_it),
            sum(u.output for u in of_it),
        )
