"""Usage limits of which nothing but a dialog in the pane tells: the run is parked with the dialog open, and when its
account goes on the same request is made again by the dialog's own choice."""

from __future__ import annotations

import re

from fleet_tui.domain.events import RunStateChanged
from fleet_tui.domain.model import Run
from fleet_tui.domain.states import RunState
from fleet_tui.tmux.delivery import send_keys
from fleet_tui.vendors.limits import reset_ns
from fleet_tui.watcher.context import Context, View
from fleet_tui.watcher.passes.messages import pane_of
from fleet_tui.watcher.runs import accounts

_AGAIN = re.compile(r"^[\s│●❯>]*(\d)\. +(?:Keep trying|Try again|Retry)[\s│]*$", re.IGNORECASE | re.MULTILINE)
"""The choice that makes the request once more, and changes nothing else."""


async def take_in(ctx: Context, run: Run, view: View) -> None:
    """A dialog about a usage limit stands on the screen of ``run``.

    After its account was opened the dialog is the one of before: it is answered, once. One that comes after that is a
    limit that was met again. Where no choice just tries again, a person chooses: another model is not ours to take.
    """
    released_ns = accounts.released_ns(ctx, run)
    key = f"again:{run.id}:{released_ns}"
    if released_ns is not None and not ctx.reader.has_key(key):
        again = _AGAIN.search(view.screen.text)
        pane = await pane_of(ctx, run) if again is not None else None
        if again is not None and pane is not None:
            how = "its dialog makes the request again"
            told = RunStateChanged(run.id, RunState.RUNNING.value, accounts.SOURCE, how)
            await ctx.say(told, f"run:{run.id}", key=key)  # first: at most once
            await send_keys(ctx.tmux, pane, [again[1]])
        return
    if accounts.has_met(ctx, run):
        return
    seen = view.observation
    region = "\n".join(line.strip(" │") for line in view.screen.text.splitlines())
    over = reset_ns(region[-2_000:], view.at_ns)
    line = seen.line.strip(" │") if seen is not None else ""
    await accounts.met(ctx, run, over, accounts.DIALOG, line, key=f"limit-screen:{run.id}:{view.since_ns}")
