"""What the end of a run leaves for people: why it brought no result, and the last lines of its pane.

Pane text is evidence in the state directory, never a fact in the log.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from pathlib import Path

from fleet_tui.domain.errors import FleetError
from fleet_tui.domain.model import Run
from fleet_tui.domain.text import one_line
from fleet_tui.tmux.server import PaneInfo
from fleet_tui.watcher.context import Context

LINES = 200
_MOST_BYTES = 65_536
_AT_REST_S, _LOOK_S = 2.0, 0.02

log = logging.getLogger(__name__)


def without_result(why: str, exit_code: int | None, refusal: str) -> str:
    """The reason of an end without a result; ``refusal`` says why a hand-over was not accepted, if one was tried."""
    told = "it ended without handing its work over" if exit_code == 0 else why
    return one_line(f"{told}: {refusal}" if refusal else told, 400)


def how(run: Run) -> str:
    """How an ended run ended, in words."""
    code = f"signal {run.signal}" if run.signal else f"exit code {run.exit_code}" if run.exit_code else ""
    # The runner's own words say no more than the number does.
    reason = run.state_reason.removeprefix("exited").removeprefix("signalled").removeprefix(": ")
    return "; ".join(filter(None, [code, reason])) or "no reason is known"


async def keep_output(ctx: Context, run: Run) -> None:
    """Keep the last lines of the run's pane before it is removed; what hinders that does not hinder the end."""
    path = ctx.paths.run_output(run.id)
    try:
        pane = None if path.exists() else await _at_rest(ctx, run)
        if pane is not None:
            text = await ctx.tmux.capture(pane, history=LINES, joined=True)
            await asyncio.to_thread(_write, path, _last(text))
    except (FleetError, OSError) as error:
        log.warning("the last output of %s is not kept: %s", run.id, error)


async def _at_rest(ctx: Context, run: Run) -> PaneInfo | None:
    """The run's pane once tmux has taken in everything that was written to it; None when there is none."""
    deadline = time.monotonic() + _AT_REST_S
    while True:
        panes = await ctx.tmux.panes() or []
        pane = next((p for p in panes if p.session == run.session and p.uuid == run.pane_uuid), None)
        if pane is None or pane.dead or time.monotonic() > deadline:
            return pane
        await asyncio.sleep(_LOOK_S)


def _last(text: str) -> bytes:
    lines = [line.rstrip() for line in text.rstrip().splitlines()][-LINES:]
    data = "\n".join(lines).encode()
    if len(data) > _MOST_BYTES:
        data = data[-_MOST_BYTES:].partition(b"\n")[2] or data[-_MOST_BYTES:]
    return data.decode("utf-8", "ignore").encode() + b"\n"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)
