"""The approval queue, the evidence of one approval, and its diff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleet_tui.domain.model import Approval, Gate, Review
from fleet_tui.domain.states import ApprovalState, GateState, Verdict
from fleet_tui.domain.text import in_brief, one_line, reveal
from fleet_tui.readmodel.values import ApprovalCard, Other
from fleet_tui.tui.present.risk import risk_lines, risk_mark
from fleet_tui.tui.present.text import age, badge, duration, fact, paragraph, short, until
from fleet_widgets.diff_view import DiffFile, DiffHunk, DiffLine
from fleet_widgets.lines import Line, Span, column, fill, giving, line
from fleet_widgets.list_view import Item
from fleet_widgets.text_pane import Section

SENSITIVE = "touches "
"""How policy begins a reason that names sensitive paths."""


def is_sensitive(card: ApprovalCard) -> bool:
    """Whether policy asked for a person because of what is touched, not only because every merge needs one."""
    return any(reason.startswith(SENSITIVE) for reason in card.approval.reasons)


def card_item(card: ApprovalCard, now_ns: int, *, wide: bool = True, other: Other | None = None) -> Item:
    """The card in the list of what waits; ``other`` looks at it in another room."""
    pull_request = card.pull_request
    held = card.approval.state is ApprovalState.HELD
    first = line(
        badge(3, not held),
        Span(f" PR {pull_request.number} ", "strong"),
        # One line is cut at its end: what decides what must be typed stands before the title.
        *(() if wide else (*_danger(card),)),
        giving(card.ticket_title),
        *(() if wide else (Span("  "), *_counts(card))),
        fill(),
        *_beside(other),
        Span(_wait(card, now_ns), "warn" if held else "quiet"),
    )
    mark = Span("sensitive  " if is_sensitive(card) else "", "warn")
    risk = risk_mark(pull_request.risk, pull_request.risk_band)
    danger = (Span("    "), *risk, Span("  "), mark)  # what decides stands where nothing cuts it
    author = (Span(" by ", "quiet"), giving(pull_request.agent, "quiet"))
    second = line(*danger, *_counts(card), fill(), *author)
    return Item(card.id, (first, second) if wide else (first,))


def _beside(other: Other | None) -> tuple[Span, ...]:
    if other is None:
        return ()
    return (Span(" "), giving(in_brief(other.who, 40), "strong", rank=2), Span(f" {_does(other)} ", "strong"))


def _does(other: Other) -> str:
    return "DECIDES" if other.decides else "looks"


def beside_text(other: Other) -> str:
    """``kim (pts/3) DECIDES``."""
    return f"{in_brief(other.who, 40)} {_does(other)}"


def decided_text(approval: Approval, now_ns: int) -> str:
    """``already rejected by kim 4 s ago``; empty while nobody has decided."""
    words = {
        ApprovalState.HELD: "approved",
        ApprovalState.USED: "approved and landed",
        ApprovalState.DENIED: "rejected" if approval.verdict == "reject" else "sent back",
    }
    if approval.state not in words or approval.decided_by is None:
        return f"it is {approval.state}" if approval.state is not ApprovalState.REQUESTED else ""
    by, ago = in_brief(approval.decided_by.removeprefix("operator:"), 40), now_ns - (approval.decided_ns or now_ns)
    return f"already {words[approval.state]} by {by} {max(0, ago) // 1_000_000_000} s ago"


def _danger(card: ApprovalCard) -> tuple[Span, ...]:
    """``risk 30 MEDIUM, sensitive  ``; nothing for what is harmless."""
    pull_request = card.pull_request
    told = [span.text.strip() for span in risk_mark(pull_request.risk, pull_request.risk_band)]
    told += ["sensitive"] if is_sensitive(card) else []
    return (Span(f"{', '.join(told)}  ", "warn"),) if told else ()


def _wait(card: ApprovalCard, now_ns: int) -> str:
    if card.approval.state is ApprovalState.HELD and card.approval.hold_until_ns is not None:
        return f" lands in {until(card.approval.hold_until_ns, now_ns)} s"
    return f" {age(card.approval.requested_ns, now_ns):>3}"


def _counts(card: ApprovalCard) -> tuple[Span, ...]:
    current = [gate for gate in card.gates if card.gate_is_current(gate)]
    passed = sum(gate.state is GateState.PASSED for gate in current)
    verdicts = [one for one in card.reviews if card.is_current(one) and one.verdict is not Verdict.WITHDRAWN]
    agreed = sum(review.verdict is Verdict.APPROVED for review in verdicts)
    pull_request = card.pull_request
    return (
        Span(_persons(card.approval), "warn"),
        Span(f"gates {passed}/{len(current)}  ", "normal" if passed == len(current) else "warn"),
        Span(f"reviews {agreed}/{len(verdicts)}  "),
        Span(f"{pull_request.files}f +{pull_request.added} -{pull_request.deleted}", "quiet"),
    )


def _persons(approval: Approval) -> str:
    return f"persons {len(approval.votes)}/{approval.quorum}  " if approval.quorum > 1 else ""


def fate_text(approval: Approval) -> str:
    """What became of a granted approval; empty when it was taken back before."""
    number, by, why = approval.pr, in_brief(approval.decided_by or "", 40), one_line(approval.reason)
    match approval.state:
        case ApprovalState.USED:
            return f"PR {number} has landed"
        case ApprovalState.VOIDED if by:
            return f"PR {number} DOES NOT LAND: the approval by {by} is void ({why}); it needs a new one"
        case ApprovalState.DENIED:
            return f"PR {number} does not land: {by} decided otherwise ({why})"
        case _:
            return ""


def evidence(card: ApprovalCard, now_ns: int, hold_s: int = 10) -> tuple[Section, ...]:
    """What will happen, at which commit, gates, verdicts, why a person: in the order of good judgement."""
    approval, pull_request = card.approval, card.pull_request
    what = (
        fact("merge", f"PR {pull_request.number} {one_line(pull_request.title)} -> {pull_request.target}", "strong", 8),
        fact("head", f"{short(approval.head_sha)}  on {short(approval.base_sha)}", width=8),
        fact("result", f"tree {short(approval.tree)}", width=8),
        fact("author", f"{pull_request.agent}, round {pull_request.round}", width=8),
        fact("ticket", f"#{approval.ticket} {card.ticket_title}", width=8),
        *_persons_line(approval),
        fact("expires", f"in {duration(max(0, approval.expires_ns - now_ns) // 1_000_000)}", width=8),
        *_void_line(card),
    )
    # What counts stands above what no longer does.
    in_force = sorted(card.gates, key=lambda gate: not card.gate_is_current(gate))
    gates = tuple(gate_line(gate, card) for gate in in_force) or ((Span(" none configured", "quiet"),),)
    given = sorted(card.reviews, key=lambda review: not card.is_current(review))
    verdicts = [part for review in given for part in review_lines(review, card)]
    if card.release is not None:
        verdicts += _release_lines(card)
    reasons = tuple((Span(f" {in_brief(reason, 400)}"),) for reason in approval.reasons)
    risk = risk_lines(pull_request.risk, pull_request.risk_band, pull_request.risk_reasons)
    effect = (
        (Span(f" merge into {one_line(pull_request.target)}, if nothing changes"),),
        (Span(f" held {hold_s} s, u = undo; then irreversible"),),
    )
    return (
        Section("what", what),
        Section(f"gates on the merge result {short(approval.tree)}", gates),
        Section("verdicts", tuple(verdicts) or ((Span(" none", "quiet"),),)),
        *((Section(f"why risk {pull_request.risk}", risk),) if risk else ()),
        Section("why a person", reasons or ((Span(" policy", "quiet"),),)),
        Section("on approve", effect),
        Section("description", paragraph(reveal(pull_request.body[:6000]))),
    )


def _persons_line(approval: Approval) -> tuple[Line, ...]:
    """How many persons must approve and who has; nothing where one is enough."""
    if approval.quorum < 2:
        return ()
    who = f": {in_brief(', '.join(approval.votes), 80)}" if approval.votes else ""
    return (fact("persons", f"{len(approval.votes)} of {approval.quorum}{who}", "warn", 8),)


def _void_line(card: ApprovalCard) -> tuple[Line, ...]:
    if card.void is None:
        return ()
    told = f"approved by {in_brief(card.void.decided_by or '', 40)}, void: {one_line(card.void.reason)}"
    return (fact("before", told, "warn", 8),)


def gate_line(gate: Gate, card: ApprovalCard) -> Line:
    """A gate's result; one on another tree is stale and does not count."""
    sign, style = {GateState.PASSED: ("+", "normal"), GateState.FAILED: ("x", "p2-ack")}.get(gate.state, ("*", "quiet"))
    if not card.gate_is_current(gate):
        return (Span(f" ~ {column(in_brief(gate.name, 40), 16)} STALE, on tree {short(gate.tree)}", "stale"),)
    words = f"{gate.state}" if not gate.reason else f"{gate.state}: {in_brief(gate.reason, 60)}"
    return (Span(f" {sign} {column(in_brief(gate.name, 40), 16)} {words:<8} {duration(gate.duration_ms):>6}", style),)


_VERDICTS = {Verdict.APPROVED: "pass", Verdict.CHANGES_REQUESTED: "CHANGES", Verdict.WITHDRAWN: "-"}


def review_lines(review: Review, card: ApprovalCard) -> tuple[Line, ...]:
    """A verdict, by its lens (or role), at which commit, and what it says; on another head it is stale, uncounted."""
    words = _VERDICTS[review.verdict]
    where = column(f"{in_brief(review.lens or review.role, 14)} {in_brief(review.agent, 40)}", 22)
    if card.is_current(review):
        head = Span(f" {where} {words:<7} @{short(review.head_sha)}")
    else:
        head = Span(f" {where} STALE @{short(review.head_sha)}", "stale")
    said = in_brief(review.summary, 600)
    return ((head,), (Span(f'   "{said}"', "quiet"),)) if said else ((head,),)


def _release_lines(card: ApprovalCard) -> tuple[Line, ...]:
    release = card.release
    assert release is not None
    stale = release.head_sha != card.approval.head_sha
    words = f" {'release':<8} {column(in_brief(release.agent, 40), 15)} "
    words += (
        f"STALE @{short(release.head_sha)}" if stale else f"{in_brief(release.decision, 12)} {short(release.head_sha)}"
    )
    return ((Span(words, "stale" if stale else "normal"),), (Span(f'   "{in_brief(release.summary, 400)}"', "quiet"),))


def diff_files(answer: Mapping[str, Any], first: Sequence[str] = ()) -> tuple[DiffFile, ...]:
    """The watcher's answer to ``diff`` as files; hidden characters are shown, so that what is seen is what lands.

    Files whose path is in ``first`` (sensitive ones) come before the others; order is otherwise as answered.
    """
    files = [_diff_file(entry) for entry in answer.get("files", ())]
    if answer.get("truncated"):
        files.append(DiffFile("(more)", "truncated", note="the diff is longer than what is shown here"))
    wanted = set(first)
    return tuple(sorted(files, key=lambda file: file.path not in wanted))


def _diff_file(entry: Mapping[str, Any]) -> DiffFile:
    old, path = entry.get("old_path"), reveal(str(entry.get("path", "")))
    status = str(entry.get("status", ""))
    if old and old != entry.get("path"):
        status = f"{status} from {reveal(str(old))}"
    note = "binary file" if entry.get("binary") else "cut: too long to show whole" if entry.get("truncated") else ""
    return DiffFile(path, status, tuple(_hunk(hunk) for hunk in entry.get("hunks", ())), note)


def _hunk(hunk: Mapping[str, Any]) -> DiffHunk:
    lines = tuple(DiffLine(str(kind), old, new, reveal(str(text))) for kind, old, new, text in hunk.get("lines", ()))
    return DiffHunk(reveal(str(hunk.get("header", ""))), lines)
