"""The rows of a pane's screen as commands for a control-mode link, and out of its replies.

Up to tmux 3.5 the server forgets to free what ``capture-pane -p`` prints to a control client: a wall at work would
make it grow by a gigabyte an hour. There each capture goes into one paste buffer of ours and is shown from it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Sequence

from fleet_tui.tmux.link import Command, Link, LinkClosed, Reply
from fleet_tui.tmux.sgr import SKINS_JOINED, skins_apart

FREES_CAPTURES = (3, 6)
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)")

RawRows = tuple[bytes, ...]
"""As tmux said them; the same rows are always said the same way. :meth:`Captures.rows` makes screen rows of them."""


class Captures:
    """How this tmux is asked. ``version`` is None for a build without a number, which is taken as new enough."""

    def __init__(self, version: tuple[int, int] | None) -> None:
        frees = version is None or version >= FREES_CAPTURES
        self._buffer = "" if frees else f"fleet-room-{os.getpid()}-{secrets.token_hex(4)}"
        self._skins_apart = version is not None and version < SKINS_JOINED
        self.commands_each = 1 if frees else 2
        """Replies for each capture."""

    def commands(self, pane_id: str, first: int, last: int, form: str) -> list[Command]:
        """Capture rows ``first`` to ``last``; the last reply is sealed with the format ``form`` of the pane."""
        what = ("-e", "-N", "-S", str(first), "-E", str(last), "-t", pane_id)
        if not self._buffer:
            return [Command(("capture-pane", "-p", *what), seal=(pane_id, form))]
        show = Command(("show-buffer", "-b", self._buffer), seal=(pane_id, form))
        return [Command(("capture-pane", "-b", self._buffer, *what)), show]

    def taken(self, replies: Sequence[Reply]) -> RawRows | None:
        """What the replies to :meth:`commands` hold; None when the pane could not be captured: the buffer may show
        another pane's rows then."""
        if not all(reply.ok for reply in replies):
            return None
        lines = replies[-1].lines
        return lines[:-1] if self._buffer else lines  # a buffer ends with a line's end

    def rows(self, raw: RawRows) -> tuple[bytes, ...]:
        """Screen rows, bytes with SGR."""
        plain = tuple(map(_unescaped, raw)) if self._buffer else raw
        return skins_apart(plain) if self._skins_apart else plain

    async def close(self, link: Link) -> None:
        """Leave no buffer behind."""
        if self._buffer:
            with contextlib.suppress(LinkClosed):
                await link.batch([Command(("delete-buffer", "-b", self._buffer))])


def _unescaped(row: bytes) -> bytes:
    """``show-buffer`` writes controls as three octal digits, and a backslash before itself and some dollars."""
    if b"\\" not in row:
        return row
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 8) & 0xFF]) if len(found[1]) == 3 else found[1], row)
