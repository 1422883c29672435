"""Whether a text may be typed into a pane now: never over a dialog, into a turn, or into what a person has begun."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_tui.domain.events import MessageDelivered
from fleet_tui.domain.model import Message, Run
from fleet_tui.domain.states import MessageState
from fleet_tui.tmux.server import PaneInfo
from fleet_tui.tmux.sgr import Span, parse_rows
from fleet_tui.vendors.screens import RuleSet, Screen
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.runs.detection import rules_of

BUSY = ""
DIALOG = "waits: a dialog is open in its pane"
DRAFT = "waits: a draft stands in its input; send it or clear it there"
UNKNOWN = "waits: no detection rule knows its screen"
_TELL_NS = 5_000_000_000
_DRAWN = frozenset("─━│┃╭╮╰╯┌┐└┘❯›> ")


async def hindrance(ctx: Context, run: Run, pane: PaneInfo) -> str | None:
    """What keeps a text from being typed now; None: nothing. Empty: its turn runs, or it is not up yet."""
    rules, screen = rules_of(ctx, run), Screen(await ctx.tmux.capture(pane))
    seen = rules.classify(screen)
    if seen is None:
        if not screen.text.strip():
            return BUSY
        if rules.own:
            return UNKNOWN
    elif seen.state == "dialog":
        return DIALOG
    elif seen.state == "working":
        return BUSY
    return DRAFT if await _is_draft(ctx, rules, screen, pane) else None


async def _is_draft(ctx: Context, rules: RuleSet, screen: Screen, pane: PaneInfo) -> bool:
    """Whether somebody typed something that was not submitted; what a program proposes is drawn faintly."""
    typed = rules.typed(screen)
    if not typed or not (rules.own or screen.text.rstrip().endswith(typed)):
        return False  # by the common rules only the last line can be told from what a program wrote
    rows = (await ctx.tmux.capture(pane, colour=True)).encode().split(b"\n")
    strong = "\n".join(_strong(spans) for spans in parse_rows(tuple(rows)))
    return rules.typed(Screen(strong)) != ""


def _strong(spans: Iterable[Span]) -> str:
    """A row without what is drawn faintly, and without the character under the cursor, which may belong to that."""
    return "".join(
        "".join(char for char in span.text if char in _DRAWN) if span.style.dim or span.style.reverse else span.text
        for span in spans
    )


async def tell(ctx: Context, message: Message, run: Run, why: str) -> None:
    """Say why the message still waits, once the same reason has stood for a moment."""
    now_ns = ctx.now_ns()
    known, since_ns = ctx.waits.get(message.id, (why, now_ns))
    ctx.waits[message.id] = (why, since_ns if known == why else now_ns)
    fresh = ctx.reader.message(message.id)
    if fresh is None or fresh.state is not MessageState.QUEUED or fresh.reason == why:
        return
    if now_ns - ctx.waits[message.id][1] >= _TELL_NS:
        await ctx.say(MessageDelivered(message.id, run.id, MessageState.QUEUED.value, why), f"run:{run.id}")
