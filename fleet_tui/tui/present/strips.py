"""What the confirmation strip asks for each act: exactly what, to whom, with which effect, and by which key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from fleet_tui.domain.amounts import amount_for, show_amount
from fleet_tui.domain.conditions import describe, run_budget
from fleet_tui.domain.conditions import in_words as release_words
from fleet_tui.domain.model import Alarm
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.states import RiskBand
from fleet_tui.domain.text import SafeText, in_brief, one_line
from fleet_tui.governance.alarms import MOST_SHELVED_S, SHELVED_S, in_words, may_shelve
from fleet_tui.readmodel.accounts import AccountStatus
from fleet_tui.readmodel.alarms import AlarmRow
from fleet_tui.readmodel.values import AgentTile, ApprovalCard, NeedItem
from fleet_tui.tui.present.approvals import is_sensitive
from fleet_tui.tui.present.budgets import WINDOWS, amounts, step, to_extend
from fleet_tui.tui.present.text import badge, count, short
from fleet_widgets.lines import Line, Span
from fleet_widgets.strip import Confirm, Reading, StripRequest

REJECT_PRESETS = (
    "not what the ticket asks for",
    "too large: split it",
    "tests are missing",
    "wrong approach",
    "not now",
)
CHANGES_PRESETS = (
    "add tests for the new behaviour",
    "keep to the scope of the ticket",
    "explain the reason in the description",
    "handle the error cases",
    "follow the style of the surrounding code",
)


def _lines(*texts: str) -> tuple[Line, ...]:
    return tuple((Span(f" {text}"),) for text in texts if text)


def approve(card: ApprovalCard, seen: Collection[str], files: Sequence[str], hold_s: int) -> StripRequest:
    """One key when the risk is low and nothing sensitive is touched; else a word must be typed, and at a high risk the
    end of the very commit that is approved."""
    approval, change = card.approval, card.pull_request
    confirm, expected = how_confirmed(card)
    unseen = [path for path in files if path not in seen]
    exact = f"You approve exactly: PR {approval.pr}, head {short(approval.head_sha)}, base {short(approval.base_sha)}, "
    return StripRequest(
        title=f"APPROVE PR {approval.pr} {card.ticket_title}",
        lines=_lines(
            f"{exact}policy {one_line(approval.policy, 20)}.",
            f"Effect: merge into {one_line(change.target)}. Held {hold_s} s (u = undo), then irreversible.",
            f"Not seen by you: {len(unseen)} of {count(len(files), 'file')}"
            + (f" ({in_brief(unseen[0], 40)})" if unseen else ""),
            f"Risk {change.risk} {change.risk_band.upper()}." if change.risk_band is not RiskBand.LOW else "",
            f"To confirm, the last four of head {short(approval.head_sha)} are typed." if expected else "",
            *_asked_for(approval.reasons),
        ),
        confirm=confirm,
        expected=expected,
        opening_key="A",
        verb="approve",
        id=f"approve:{approval.id}",
    )


def how_confirmed(card: ApprovalCard) -> tuple[Confirm, str]:
    """What the strip asks for to approve ``card``, and the word, where it is not the same each time."""
    band = card.pull_request.risk_band
    if band.severity >= RiskBand.HIGH.severity:
        return "last4", short(card.approval.head_sha)[-4:]
    return ("yes", "") if band is RiskBand.MEDIUM or is_sensitive(card) else ("y", "")


def _asked_for(reasons: Sequence[str]) -> Iterator[str]:
    """Why a person is asked, each reason on a line: also those that are the cause of what must be typed."""
    yield from (f"Because: {in_brief(reason, 200)}" for reason in reasons)


def reject(card: ApprovalCard) -> StripRequest:
    return _with_reason(
        card, "reject", "REJECT", "R", "The pull request stops here and waits for a person.", REJECT_PRESETS
    )


def request_changes(card: ApprovalCard) -> StripRequest:
    effect = f"The reason goes to {card.pull_request.agent}, who works on it again."
    return _with_reason(card, "request_changes", "REQUEST CHANGES ON", "C", effect, CHANGES_PRESETS)


def _with_reason(
    card: ApprovalCard, op: str, title: str, key: str, effect: str, presets: tuple[str, ...]
) -> StripRequest:
    approval = card.approval
    return StripRequest(
        title=f"{title} PR {approval.pr} {card.ticket_title}",
        lines=_lines(f"Head {short(approval.head_sha)} by {card.pull_request.agent}. {effect}"),
        confirm="y",
        reason="required",
        presets=presets,
        opening_key=key,
        verb=op.replace("_", " "),
        id=f"{op}:{approval.id}",
    )


PAUSES = "What runs is frozen, and no new run starts. P again resumes."
RESUMES = "New runs may start again."
QUARANTINES = "Frozen at once; its identity is refused until a person releases it."
STOPS = "Its processes end; workspace, branch and log stay."
RESTARTS = "Its processes end, what a command was doing may be half done; the same work begins again, workspace stays."
"""What an act does to an agent, alone or as one of several."""


def pause(tile: AgentTile) -> StripRequest:
    op = "resume" if tile.paused else "pause"
    return _agent(tile, op, "P", RESUMES if tile.paused else PAUSES)


def interrupt(tile: AgentTile) -> StripRequest:
    return _agent(tile, "interrupt", "I", "Its vendor's key is pressed once, if it is at a turn; the run stays.")


def quarantine(tile: AgentTile) -> StripRequest:
    return _agent(tile, "quarantine", "Q", QUARANTINES)


def _agent(tile: AgentTile, op: str, key: str, effect: str) -> StripRequest:
    return StripRequest(
        title=f"{op.upper()} {tile.name}",
        lines=_lines(who(tile), effect),
        confirm="y",
        opening_key=key,
        verb=op,
        id=f"{op}:{tile.name}",
    )


def who(tile: AgentTile) -> str:
    """An agent, and what it is at."""
    work = f", on #{tile.ticket} {tile.ticket_title}" if tile.ticket is not None else ""
    return f"{tile.name} ({tile.role}), {tile.doing}{work}"


def release(tile: AgentTile) -> StripRequest:
    """Containing is easy, releasing is not: a reason, and the agent's own name typed."""
    return StripRequest(
        title=f"RELEASE {tile.name} FROM QUARANTINE",
        lines=_lines(
            f"Quarantined: {tile.reason}",
            "It may act again under a new identity. Conditions may follow the reason: `; budget 10m; risk 50`",
            "(a budget of each later run, and a least risk below the one that quarantines).",
        ),
        confirm="text",
        expected=tile.name,
        reason="required",
        opening_key="U",
        verb="release",
        reads=_conditions,
        id=f"release:{tile.name}",
    )


def _conditions(text: str) -> Reading:
    """What the watcher would take for conditions; what only looks like one is told before the name is asked for."""
    reason, budgets, floor = release_words(text)
    if not reason:
        return Reading("a reason comes first", ok=False)
    if floor is not None and floor >= _CRITICAL:
        return Reading(f"a least risk of {floor} would quarantine it again: at most {_CRITICAL - 1}", ok=False)
    looks = [part.strip() for part in reason.split(";")[1:] if part.strip().lower().startswith(("budget", "risk"))]
    if looks:
        return Reading(f"not understood: `{looks[-1]}`; write `budget 10m` or `risk 50`", ok=False)
    told = describe([run_budget(amount) for amount in budgets], floor or 0)
    return Reading(told or "without conditions")


def until_undone(hold_s: int) -> str:
    """What is said of an act that is held; empty where nothing is."""
    return f"Held {hold_s} s (u = undo), it goes on meanwhile." if hold_s else ""


def stop(tile: AgentTile, hold_s: int) -> StripRequest:
    return StripRequest(
        title=f"STOP THE RUN OF {tile.name}",
        lines=_lines(who(tile), STOPS, until_undone(hold_s)),
        confirm="text",
        expected=tile.name,
        reason="optional",
        opening_key="X",
        verb="stop",
        id=f"stop:{tile.name}",
    )


def restart(tile: AgentTile, hold_s: int) -> StripRequest:
    lines = _lines(who(tile), RESTARTS, until_undone(hold_s))
    return replace(_agent(tile, "restart", "R", ""), title=f"RESTART THE RUN OF {tile.name}", lines=lines)


def extend(tile: AgentTile, standing: Standing) -> StripRequest:
    rule = standing.rule
    shared = {"fleet": "THE WHOLE FLEET", "role": f"EVERY {standing.name}", "ticket": f"TICKET #{standing.name}"}
    run = f"THE RUN OF {tile.name}" if rule.scope == "run" else tile.name
    others = len(tile.budgets) - 1
    return StripRequest(
        title=f"EXTEND THE BUDGET OF {shared.get(rule.scope, run)}",
        lines=_lines(
            f"{amounts(standing)} used ({WINDOWS[rule.window]}).",
            f"Adds {show_amount(rule.unit, step(standing))}, half of what was configured. Another amount: screen 6.",
            f"{tile.name} spends from {count(others, 'more budget')}: they are on screen 6." if others else "",
        ),
        confirm="yes",
        reason="optional",
        opening_key="B",
        verb="extend",
        id=f"extend_budget:{tile.name}",
    )


def budget(tile: AgentTile) -> str:
    """The budget that stops an agent first, and by how much `B` extends it."""
    standing = to_extend(tile.budgets)
    if standing is None:
        return f"{tile.name}: no budget"
    more = show_amount(standing.rule.unit, step(standing))
    return f"{tile.name}: {amounts(standing)} used ({WINDOWS[standing.rule.window]}), adds {more}"


def unblock(item: NeedItem) -> StripRequest:
    return StripRequest(
        title=f"LET TICKET #{item.id} GO ON",
        lines=_lines(item.title, "It goes back to where it can be worked on."),
        confirm="y",
        reason="optional",
        opening_key="T",
        verb="unblock",
        id=f"unblock:{item.id}",
    )


def resume_account(status: AccountStatus) -> StripRequest:
    name = one_line(status.account.id, 60)
    waiting = ", ".join(in_brief(agent, 40) for agent in status.waiting)
    return StripRequest(
        title=f"LET THE AGENTS OF {name} GO ON NOW",
        lines=_lines(
            f"Waiting: {waiting or 'no run; new ones do not begin'}.",
            "One after the other, without waiting for the limit to be over; who meets it again waits again.",
        ),
        confirm="y",
        reason="optional",
        opening_key="T",
        verb="go on",
        id=f"resume_account:{status.account.id}",
    )


def shelve(row: AlarmRow) -> StripRequest:
    """One's own books: the text and Enter, which alone does nothing."""
    alarm = row.alarm
    return StripRequest(
        title=f"SHELVE {in_brief(alarm.title, 100)}",
        lines=_lines(f"About {row.about}, priority {alarm.priority}. {SHELVES[0]}", SHELVES[1]),
        confirm="reason",
        reason="required",
        opening_key="s",
        verb="shelve",
        label="time and reason",
        reads=lambda text: shelf((alarm,), text),
        id=f"shelve:{alarm.id}",
    )


def hold(number: int, title: SafeText) -> StripRequest:
    return _ticket("hold", number, f"HOLD TICKET #{number} BACK", title, "No agent takes it until it is ready again.")


def ready(number: int, title: SafeText) -> StripRequest:
    return _ticket("ready", number, f"MAKE TICKET #{number} READY", title, "An agent may take it at once.")


def _ticket(op: str, number: int, heading: str, title: SafeText, effect: str) -> StripRequest:
    return StripRequest(
        title=heading, lines=_lines(title, effect), confirm="y", opening_key="P", verb=op, id=f"{op}:{number}"
    )


SHELVES = (
    "Out of sight for a while; it still stands and comes back.",
    f"Write for how long and why: `2h the gate is being mended`. At most {MOST_SHELVED_S // 3600}h; without a "
    f"time {SHELVED_S // 60}m.",
)


def shelf(alarms: Sequence[Alarm], text: str) -> Reading:
    """For how long, and why; or what is missing for one of ``alarms``."""
    for_s, reason = in_words(text)
    not_all = next(filter(None, (may_shelve(one, for_s) for one in alarms)), None)
    why_not = not_all or (None if reason else "and why may it wait?")
    return Reading(why_not, ok=False) if why_not else Reading(f"for {show_amount('seconds', for_s)}: {reason}")


def alarm(row: AlarmRow) -> str:
    """One of several alarms: its badge without colour, whom it is about, what it is."""
    title = in_brief(row.alarm.title, 100)
    about = "" if title.startswith(row.about) else f"{row.about} "
    return f"{badge(row.alarm.priority, row.alarm.acknowledged_by is None).text} {about}{title}"


def extend_by(standing: Standing, whose: str) -> StripRequest:
    """How much more is typed, and then that it is meant."""
    return StripRequest(
        title=f"EXTEND THE BUDGET OF {whose}",
        lines=_lines(
            f"{amounts(standing)} used ({WINDOWS[standing.rule.window]}).",
            f"Write how much to add: {_EXAMPLES[standing.rule.unit]}. Whoever waits for it goes on.",
        ),
        confirm="yes",
        reason="required",
        opening_key="B",
        verb="extend",
        label="amount",
        reads=lambda text: _more(standing, text),
        id=f"extend_budget:{standing.key}",
    )


_CRITICAL = 80
"""The critical band as shipped; the watcher has the last word where it is configured."""
_EXAMPLES = {"seconds": "`30m` or `2h`", "tokens": "`200k` or `1M`", "money": "`$5.00`", "turns": "`10`"}


def _more(standing: Standing, text: str) -> Reading:
    """``old $6.00, new $9.00``."""
    unit, old = standing.rule.unit, standing.ceiling
    try:
        amount = amount_for(unit, text)
    except ValueError as error:
        return Reading(str(error), ok=False)
    return Reading(f"old {show_amount(unit, old)}, new {show_amount(unit, old + amount)}")


def halt(running: int) -> StripRequest:
    return StripRequest(
        title="ALL STOP",
        lines=_lines(
            f"{count(running, 'run')} frozen at once, every agent paused; nothing starts and nothing lands.",
            "Nothing is lost: ! again lets them go on.",
        ),
        confirm="text",
        expected="stop",
        opening_key="exclamation_mark",
        verb="stop all",
        id="halt:fleet",
    )


def lift(reason: str) -> StripRequest:
    return StripRequest(
        title="LIFT THE ALL STOP",
        lines=_lines(f"Stopped: {in_brief(reason, 200)}", "Whom the stop paused goes on; starts and landings go on."),
        confirm="text",
        expected="lift",
        opening_key="exclamation_mark",
        verb="lift",
        id="lift:fleet",
    )
