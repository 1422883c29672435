"""What an event says, in one line: for the event log on the screen and for `fleet log`."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fleet_tui.domain.amounts import show_amount
from fleet_tui.domain.conditions import describe
from fleet_tui.domain.costs import UNTOLD
from fleet_tui.domain.events import Event
from fleet_tui.domain.text import SafeText, one_line

Facts = dict[str, Any]

_ASKED_FOR = frozenset({"finished", "stopped"})
"""Ends that the fleet wanted: with which number the program left then says nothing."""


def gist(event: Event, limit: int = 200) -> SafeText:
    """The one thing that matters in ``event``; clean and on one line."""
    tell = _TELLERS.get(event.kind, _anything)
    try:
        text = tell(event.payload)
    except (KeyError, TypeError, ValueError):
        text = _anything(event.payload)  # written by another version: show what is there
    return one_line(text, limit)


def _short(sha: Any) -> str:
    return str(sha or "")[:8]


def _at(level: Any) -> str:
    return f" at {level}" if level else ""


def _seconds(milliseconds: Any) -> str:
    return f"{int(milliseconds) / 1000:.1f} s"


def _anything(facts: Facts) -> str:
    return " ".join(f"{name}={value}" for name, value in facts.items() if value not in (None, "", [], {}))


def _ended(facts: Facts) -> str:
    outcome = facts.get("outcome", "crashed")
    how = "" if outcome in _ASKED_FOR else f" (signal {facts['signal']})" if facts.get("signal") else ""
    if not how and outcome not in _ASKED_FOR and facts.get("exit_code") is not None:
        how = f" (exit {facts['exit_code']})"
    # The runner's own words for an end as it was to be say nothing more.
    told = "" if facts.get("reason") in {"exited", "stopped", outcome} else facts.get("reason")
    return f"{outcome}{how} after {_seconds(facts['active_ms'])}" + (f": {told}" if told else "")


def _queued(facts: Facts) -> str:
    about = (
        f"PR {facts['pr']}" if facts.get("pr") else f"ticket #{facts['ticket']}" if facts.get("ticket") else "no ticket"
    )
    again = f", attempt {facts['attempt']}" if facts.get("attempt", 1) > 1 else ""
    return f"{facts['agent']} ({facts['role']}) on {about} by {facts['trigger']}, round {facts.get('round', 1)}{again}"


def _lost(facts: Facts) -> str:
    where = "on the host when it was restarted" if facts.get("cause") == "host" else "in it"
    return f"{len(facts['runs'])} run(s) were {where}" + ("; a person restores them" if facts.get("asks") else "")


def _megabytes(ceiling: int | None) -> str:
    return "no ceiling on its memory" if ceiling is None else f"at most {ceiling} MB of memory"


def _why_again(facts: Facts) -> str:
    return f"as {facts['by']} wished" if facts.get("by") else f"attempt {facts['attempt']}"


def _held_stop(facts: Facts) -> str:
    at = datetime.fromtimestamp(facts["until_ns"] // 1_000_000_000, UTC).strftime("%H:%M:%S UTC")
    return f"{'begins again' if facts.get('again') else 'stops'} at {at} unless that is taken back: {facts['reason']}"


def _pull_request(facts: Facts) -> str:
    lines = f"{facts['files']} file(s) +{facts['added']} -{facts['deleted']}"
    title = f"  {facts['title']}" if facts.get("title") else ""
    return f"{_short(facts['head_sha'])} on base {_short(facts['base_sha'])}, {lines}{title}"


def _on_conditions(facts: Facts) -> str:
    words = describe(facts.get("run_budgets") or [], facts.get("risk_floor") or 0)
    return f"{facts['agent']}: {facts['reason']}" + (f" ({words})" if words else "")


def _reason(facts: Facts) -> str:
    return str(facts["reason"])


def _usage(facts: Facts) -> str:
    tokens = sum(facts[name] for name in ("input_tokens", "output_tokens", "cache_read", "cache_write"))
    if not tokens and facts["turn"]:
        return f"{facts['agent']} begins turn {facts['turn']}"
    if facts["cost_source"] == UNTOLD:
        return f"{facts['agent']}: a request was broken off, nobody says what it used ({facts['model']})"
    money = facts["cost_microusd"]
    cost = "cost unknown" if money is None else show_amount("money", money)
    return f"{facts['agent']} {show_amount('tokens', tokens)}, {cost} ({facts['model']}, {facts['cost_source']})"


def _context(facts: Facts) -> str:
    window = "an unknown window" if facts["window"] is None else show_amount("tokens", facts["window"])
    return f"{facts['agent']}'s context holds {show_amount('tokens', facts['used'])} of {window} ({facts['source']})"


def _account(facts: Facts) -> str:
    reset_ns = facts["reset_ns"]
    over = datetime.fromtimestamp(reset_ns // 1_000_000_000, UTC).strftime("until %d %b %H:%M UTC") if reset_ns else ""
    return f"{facts['agent']} met the usage limit of {facts['account']} {over}".rstrip()


def _budget(facts: Facts) -> str:
    if "scope" not in facts:  # of an older version
        return f"{facts['agent']} used {facts['used_s']} of {facts['ceiling_s']} s"
    unit = facts["unit"]
    amounts = f"{show_amount(unit, facts['used'])} of {show_amount(unit, facts['ceiling'])}"
    return f"{facts['scope']} {facts['name']} used {amounts} ({facts['window']})"


def _extended(facts: Facts) -> str:
    if not facts.get("name"):
        return f"{facts['agent']} +{facts['extra_s']} s: {facts['reason']}"
    return f"{facts['scope']} {facts['name']} +{show_amount(facts['unit'], facts['extra'])}: {facts['reason']}"


def _seconded(facts: Facts) -> str:
    whose, unit, *_window = str(facts["standing"]).rsplit(":", 4)
    wanted = f"{show_amount(unit, facts['amount'])} more for {whose.replace(':', ' ')}"
    return f"{facts['by']} wants {wanted}: {facts['reason']}; it takes {facts['quorum']} persons"


def _release(facts: Facts) -> str:
    since = f" since {facts['previous']}" if facts["previous"] else ""
    there = f", {facts['url']}" if facts["url"] else ""
    prs = f"{len(facts['prs'])} pull request{'' if len(facts['prs']) == 1 else 's'}"
    return (
        f"{facts['version']} is {_short(facts['commit'])} on {facts['target']}: {prs}{since}, by {facts['by']}{there}"
    )


def _risk(facts: Facts) -> str:
    reasons = f": {'; '.join(facts['reasons'])}" if facts["reasons"] else ""
    return f"{facts['agent']}: risk {facts['score']} {facts['band']}, was {facts['previous']}{reasons}"


def _gate(facts: Facts) -> str:
    why = facts.get("reason") or (f"exit {facts['exit_code']}" if facts.get("exit_code") else "")
    last = str(facts.get("tail", "")).strip().splitlines()
    return f"{facts['name']} in {_seconds(facts['duration_ms'])} on tree {_short(facts['tree'])}" + (
        f": {why}  {last[-1] if last else ''}" if why else ""
    )


def to_read(pr: int, gate: str, tree: str) -> str:
    """The command that prints what a gate said on a tree, of which events hold the end only."""
    return f"fleet pr gate-log {pr} {shlex.quote(one_line(gate))} --tree {_short(tree)}"


def _revised(facts: Facts) -> str:
    rows = facts["revisions"]
    told = ", ".join(map(_revision, rows[:5])) + (" …" if len(rows) > 5 else "")
    return f"{facts['act']}: revision of {told}" + (f", as {facts['of']} was" if facts.get("of") else "")


def _revision(row: Facts) -> str:
    return f"{row['agent']} {row['revision']}" + ("" if row["definition"] else " (it is no more)")


def _teams(facts: Facts) -> str:
    rows = facts["revisions"]
    told = "; ".join(_team(row) for row in rows[:3]) + (" …" if len(rows) > 3 else "")
    return f"{facts['act']}: {told}" + (f", as {facts['of']} was" if facts.get("of") else "")


def _team(row: Facts) -> str:
    members = "is no more" if row["agents"] is None else ", ".join(row["agents"]) or "nobody"
    return f"team {row['team']} {row['revision']}: {members}"


def _effect(facts: Facts) -> str:
    return f"{facts['effect'][-8:]} attempt {facts['fence']} {facts.get('error') or facts.get('result') or ''}"


_TELLERS: dict[str, Callable[[Facts], str]] = {
    "ticket_created": lambda f: f"{f['title']}  [{', '.join(f['labels'])}]",
    "ticket_changed": lambda f: f"{f['title']}  [{', '.join(f['labels'])}]",
    "ticket_ready": lambda _: "may be taken",
    "ticket_withdrawn": lambda _: "held back",
    "ticket_claimed": lambda f: f"taken by {f['agent']}",
    "ci_passed": lambda f: f"at {_short(f['head_sha'])}: {', '.join(f['checks'])}",
    "ci_failed": lambda f: f"at {_short(f['head_sha'])}: {', '.join(f['checks'])}",
    "claim_decided": lambda f: "taken on GitHub" if f["won"] else f"not taken: {f['reason']}",
    "ticket_blocked": lambda f: f"waits for a person: {f['reason']}",
    "ticket_unblocked": lambda f: f"goes on: {f['reason']}",
    "ticket_shipped": lambda f: f"landed with PR {f['pr']} as {_short(f['merge_sha'])}",
    "ticket_split": lambda f: f"is done as {', '.join(f'#{number}' for number in f['parts'])}",
    "ticket_completed": lambda f: f"all its parts have shipped: {', '.join(f'#{number}' for number in f['parts'])}",
    "ticket_closed": lambda f: str(f["reason"]),
    "run_queued": _queued,
    "run_started": lambda f: f"on {f['branch'] or _short(f['base_sha'])}, isolation {f['isolation']}",
    "screen_unmatched": lambda f: f"no rule knows what {f['vendor']} shows",
    "run_interrupt_requested": lambda f: f"{f['key']} into its pane, once",
    "run_state_changed": lambda f: f"{f['state']} by {f['source']}" + (f": {f['reason']}" if f.get("reason") else ""),
    "run_memory_limited": lambda f: f"{f['agent']}: {_megabytes(f['memory_mb'])} ({f['reason']})",
    "memory_exhausted": lambda f: f"{f['agent']} takes {f['used_mb']} MB of {f['memory_mb']} MB",
    "run_metered": lambda f: f"{f['agent']}: {int(f['charged_ms']) // 1000} s bought",
    "run_finished": _ended,
    "run_stop_held": _held_stop,
    "run_stop_undone": lambda f: f"goes on{': ' + f['reason'] if f.get('reason') else ''}",
    "run_crashed": _ended,
    "run_restored": lambda f: f"{f['agent']} goes on with what {f['previous'][-8:]} was at",
    "agent_respawned": lambda f: f"{f['agent']} again, {_why_again(f)}",
    "agent_quarantined": lambda f: f"{f['agent']}: {f['reason']} (rule {f['rule']})",
    "evidence_removed": lambda f: (
        f"{len(f['names'])} kept long enough, {f['bytes'] // 1024} KiB: {', '.join(f['names'])}"
    ),
    "agents_revised": _revised,
    "teams_revised": _teams,
    "agent_released": _on_conditions,
    "agent_conditions_changed": _on_conditions,
    "blocker": lambda f: f"{f['agent']} asks: {f['summary']}",
    "question_answered": lambda f: str(f["text"]),
    "question_withdrawn": lambda f: str(f["reason"]),
    "message_sent": lambda f: f"{f['purpose']}: {f['text'][:120]}",
    "message_delivered": lambda f: f"{f['state']} {f.get('reason') or ''}",
    "pr_created": _pull_request,
    "pr_updated": _pull_request,
    "hand_over_refused": _reason,
    "pr_needs_review": lambda f: f"at {_short(f['head_sha'])}, round {f['round']}",
    "pr_approved": lambda f: f"{f['agent']} ({f['role']}) at {_short(f['head_sha'])}: {f['summary']}",
    "pr_changes_requested": lambda f: f"{f['agent']} ({f['role']}) at {_short(f['head_sha'])}: {f['summary']}",
    "review_withdrawn": lambda f: f"{f['agent']} at {_short(f['head_sha'])}: {f['reason']}",
    "pr_state_changed": lambda f: f"{f['state']}: {f['reason']}",
    "release_decided": lambda f: f"{f['agent']}: {f['decision']}, {f['summary']}",
    "release_requested": lambda f: f"{f['agent']} asks for {f['version']} at {_short(f['commit'])}: {f['summary']}",
    "release_seconded": lambda f: f"{f['version']} at {_short(f['commit'])}, by {f['by']}; it takes more persons",
    "release_declined": lambda f: f"{f['version']} is not released, by {f['by']}: {f['reason']}",
    "release_tagged": _release,
    "pr_published": lambda f: f"{_short(f['head_sha'])} is shown as {f['url']}",
    "pr_merged": lambda f: f"{_short(f['merge_sha'])} on {f['target']}, tree {_short(f['tree'])}",
    "merge_failed": lambda f: str(f["reason"]),
    "gate_started": lambda f: f"{f['name']}{_at(f.get('isolation'))}: {f['command']}",
    "gate_passed": _gate,
    "gate_failed": _gate,
    "approval_requested": lambda f: f"{_short(f['head_sha'])} on {_short(f['base_sha'])}: {'; '.join(f['reasons'])}",
    "approval_seconded": lambda f: f"by {f['by']}; it takes more persons",
    "approval_granted": lambda f: f"by {f['by']}",
    "approval_undone": lambda f: f"taken back by {f['by']}",
    "approval_denied": lambda f: f"{f['verdict']} by {f['by']}: {f['reason']}",
    "approval_voided": lambda f: str(f["reason"]),
    "fleet_halted": lambda f: f"ALL STOP: {f['reason']}; {len(f['paused'])} agents paused",
    "fleet_resumed": lambda f: f"all stop lifted: {f['reason']}",
    "evidence_kept": lambda f: f"evidence of {f['agent']} in {f['folder']}, {f['files']} files",
    "work_discarded": lambda f: (
        f"work of {f['agent']} on #{f['ticket']} discarded ({f['reason']}); kept at {f['backup_ref']}"
    ),
    "alarm_shelved": lambda f: f"shelved by {f['by']}: {f['reason']}",
    "alarm_unshelved": lambda f: f"back in sight: {f['reason']}",
    "act_allowed": lambda f: f"{f['act']}: allowed once by a person",
    "policy_denied": lambda f: f"{f['act']}: {f['reason']}",
    "risk_changed": _risk,
    "usage_reported": _usage,
    "context_filled": _context,
    "account_limited": _account,
    "account_run_released": lambda facts: f"{facts['agent']} goes on after the limit of {facts['account']}",
    "account_resumed": lambda facts: f"{facts['account']} may be used again: {facts['reason']}",
    "account_doubted": lambda facts: (
        f"{facts['agent']} alone says that {facts['account']} is at its limit: the others go on"
        if facts["stands"]
        else f"{facts['account']} is at its limit, as {facts['agent']} said"
    ),
    "account_reopened": lambda facts: f"nobody waits for {facts['account']} any more",
    "budget_warning": _budget,
    "budget_exhausted": _budget,
    "budget_report_asked": lambda f: f"{f['agent']} is asked what is done and left, within {f['grace_s']} s",
    "budget_extended": _extended,
    "budget_extension_seconded": _seconded,
    "alarm_raised": lambda f: f"P{f['priority']} {f['title']}  -> {f['response']}",
    "alarm_cleared": lambda f: str(f["reason"]),
    "alarm_acknowledged": lambda f: f"by {f['by']}",
    "workspace_created": lambda f: f"{f['branch']} at {_short(f['base_sha'])}",
    "workspace_removed": lambda f: f"{f['reason']}; kept at {f['backup_ref']}",
    "target_moved": lambda f: f"{f['target']} {_short(f['old_sha'])} -> {_short(f['new_sha'])} ({f['source']})",
    "target_published": lambda f: f"{f['target']} at {_short(f['sha'])}, your {f['how']}",
    "effect_planned": lambda f: f"{f['name']} ({f['effect_class']}) {f['effect'][-8:]}",
    "effect_attempted": _effect,
    "effect_done": _effect,
    "effect_failed": _effect,
    "effect_uncertain": _effect,
    "config_loaded": lambda f: f"{len(f['agents'])} agents, policy {f['policy']}",
    "config_rejected": lambda f: "; ".join(f["problems"]),
    "watcher_started": lambda f: f"pid {f['pid']} on {f['host']}, version {f['version']}, isolation {f['isolation']}",
    "isolation_changed": lambda f: f"{f['isolation']}: {f['why']}",
    "watcher_stopped": lambda f: str(f["reason"]),
    "tmux_lost": _lost,
    "schedule_fired": lambda f: f"{f['agent']} by {f['schedule']}",
    "note": lambda f: str(f["summary"]),
    "claim": lambda f: str(f["summary"]),
    "handoff": lambda f: f"to {', '.join(f['to'])}: {f['summary']}",
    "artifact": lambda f: str(f["summary"]),
}
