"""Text and keys into a pane, or nowhere: one guarded tmux command checks the pane's own uuid and sends."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence

from fleet_tui.domain.errors import FleetError, Refused, Uncertain
from fleet_tui.domain.keys import KEY_NAME
from fleet_tui.domain.states import MessageState
from fleet_tui.domain.text import SafeText, clean, one_line
from fleet_tui.tmux.server import UUID, PaneInfo, TmuxServer

Receipt = Callable[[MessageState], Awaitable[None]]

MOST_CHARACTERS = 200_000
DRAWS_S = 1.0
"""How long Enter waits, at most, for the program to begin to draw the pasted text."""
SETTLE_S = 3.0
"""And, at most, for it to have drawn it: its screen has stood still for ``QUIET_S``."""
QUIET_S = 0.3
"""Gemini CLI takes an Enter for a part of the paste until it has drawn once more, 40 ms after it."""
_LOOK_EVERY_S = 0.05
_FOLDED_LINES, _FOLDED_CHARACTERS = 3, 700
"""From so many line ends, or characters, on a paste may be folded."""
_ENTER = SafeText("\r")
_SENT, _NOT_SENT = "sent", "refused"


class WrongPane(Refused):
    """The pane is dead, or its id now belongs to another pane. Nothing was sent."""


class DeliveryUncertain(Uncertain):
    """tmux did not say whether the text arrived; it must be looked at, never sent again blindly."""


def pasteable(text: str) -> SafeText:
    """``text`` as it may be pasted: no control characters but newline and tab, so nothing can end the paste early."""
    return clean(text)


async def deliver(server: TmuxServer, pane: PaneInfo, text: str, *, on_receipt: Receipt, lead: str = "") -> None:
    """Paste ``text`` into ``pane`` and press Enter; ``on_receipt`` hears TYPED, then SUBMITTED.

    ``lead`` is typed before a long one, for programs that fold those and do not take them for the person's own words.

    Raises:
        ValueError: nothing is left of the text after cleaning, or it is too long.
        WrongPane: the pane is dead or another one; nothing was sent.
        DeliveryUncertain: it failed half-way: the text may be in the pane, submitted or not.
    """
    body = pasteable(text)
    if not body.strip() or len(body) > MOST_CHARACTERS:
        raise ValueError(f"a message has 1 to {MOST_CHARACTERS} characters")
    _check(pane)
    before = await _shown(server, pane)
    if lead and (body.count("\n") >= _FOLDED_LINES or len(body) > _FOLDED_CHARACTERS):
        await _paste(server, pane, clean(f"{one_line(lead)} "), bracketed=False)
    await _paste(server, pane, body, bracketed=True)
    await on_receipt(MessageState.TYPED)
    try:
        await _settled(server, pane, before)
        await _paste(server, pane, _ENTER, bracketed=False)
    except DeliveryUncertain:
        raise
    except FleetError as error:
        raise DeliveryUncertain(
            "delivery is uncertain", f"typed, but not submitted: {error}", "look at the pane before sending again"
        ) from error
    await on_receipt(MessageState.SUBMITTED)


async def send_keys(server: TmuxServer, pane: PaneInfo, keys: Sequence[str]) -> None:
    """Press named keys (``Enter``, ``C-c``, ``Up``, ``y``) in ``pane``.

    Raises:
        ValueError: something that is not the name of a key.
        WrongPane: the pane is dead or another one; nothing was sent.
    """
    wrong = [key for key in keys if not KEY_NAME.match(key)]
    if wrong or not keys:
        raise ValueError(f"not keys: {wrong!r}")
    _check(pane)
    await _guarded(server, pane, f"send-keys -t {pane.pane_id} -- {' '.join(keys)}")


def _check(pane: PaneInfo) -> None:
    if not UUID.match(pane.uuid) or not re.fullmatch(r"%\d+", pane.pane_id):
        raise ValueError("not a pane of the fleet")
    if pane.dead:
        raise WrongPane("the pane is dead", pane.session, "look at the run again")


async def _paste(server: TmuxServer, pane: PaneInfo, text: SafeText, *, bracketed: bool) -> None:
    buffer = f"fleet-{secrets.token_hex(8)}"
    loaded = await server.run("load-buffer", "-b", buffer, "-", stdin=text.encode("utf-8"))
    if loaded.code != 0:
        raise WrongPane("the text could not be handed to tmux", clean(loaded.err, 200), "see `fleet doctor`")
    flags = "-p -d -r" if bracketed else "-d -r"
    try:
        await _guarded(server, pane, f"paste-buffer {flags} -b {buffer} -t {pane.pane_id}")
    except WrongPane:
        await server.run("delete-buffer", "-b", buffer)
        raise


async def _guarded(server: TmuxServer, pane: PaneInfo, act: str) -> None:
    # Check and act are one command inside the server: between them no pane can change hands.
    ours = f"#{{&&:#{{==:#{{@fleet_uuid}},{pane.uuid}}},#{{==:#{{pane_dead}},0}}}}"
    # A person's copy mode must end first: in it keys go to tmux, and a paste is not bracketed.
    yes = f"copy-mode -q -t {pane.pane_id} ; {act} ; display-message -p {_SENT}"
    no = f"display-message -p {_NOT_SENT}"
    try:
        result = await server.run("if-shell", "-F", "-t", pane.pane_id, ours, yes, no)
    except FleetError as error:
        raise DeliveryUncertain("delivery is uncertain", str(error), "look at the pane before sending again") from error
    said = result.out.decode("ascii", "replace").strip()
    if said == _SENT:
        return
    if said == _NOT_SENT or result.unreachable or "can't find" in result.err:
        raise WrongPane("the pane is gone", f"{pane.pane_id} of {pane.session}", "look at the run again")
    raise DeliveryUncertain("delivery is uncertain", clean(result.err, 200), "look at the pane before sending again")


async def _settled(server: TmuxServer, pane: PaneInfo, before: bytes) -> None:
    """Some programs swallow an Enter that arrives while they still take the paste in. Until they begin to draw, nothing
    says whether they have: a screen that still is as ``before`` has not settled."""
    began = since = time.monotonic()
    last = before
    while True:
        shown, now = await _shown(server, pane), time.monotonic()
        if shown != last:
            last, since = shown, now
        over = now - began >= (DRAWS_S if last == before else SETTLE_S)
        if over or (last != before and now - since >= QUIET_S):
            return
        await asyncio.sleep(_LOOK_EVERY_S)


async def _shown(server: TmuxServer, pane: PaneInfo) -> bytes:
    return (await server.run("capture-pane", "-p", "-t", pane.pane_id)).out
