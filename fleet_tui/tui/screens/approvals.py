"""Screen 2: what waits for a decision, with everything a decision needs: evidence, verdicts, the whole diff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from textual import on
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from fleet_tui.domain.states import ApprovalState
from fleet_tui.readmodel.values import AgentTile, ApprovalCard, NeedItem, NeedKind
from fleet_tui.tui.commands import Act
from fleet_tui.tui.diff_side import DiffSide
from fleet_tui.tui.keys.key import APPROVALS, Here
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.present import approvals as present
from fleet_tui.tui.present import strips
from fleet_tui.tui.present.copying import Offer, diff_text, lines_text, offer
from fleet_tui.tui.present.frame import MEDIUM
from fleet_tui.tui.present.text import age, count, rule, short
from fleet_tui.tui.screens.decide_in_turn import DecideInTurn
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Line, Span
from fleet_widgets.list_view import LineList
from fleet_widgets.strip import StripRequest
from fleet_widgets.text_pane import Section, TextPane


class ApprovalsScreen(DecideInTurn):
    """Opens on the head of the queue; `w` steps on. What is decided is always the selected card, by its id."""

    scope = APPROVALS
    heading = "2 APPROVALS"
    CSS_PATH = "approvals.tcss"
    BINDINGS = textual_bindings(APPROVALS)

    def __init__(self) -> None:
        super().__init__()
        self._chosen: str | None = None

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            FrameLine(palette=palette, id="list-rule"),
            LineList(palette=palette, id="cards"),
            Horizontal(
                TextPane(palette=palette, id="evidence"),
                DiffSide(palette, id="diff-side"),
                id="panes",
            ),
        )

    def main_widget(self) -> Widget:
        return self.diff.view

    # -- showing -----------------------------------------------------------------------------------------------------

    def cards(self) -> tuple[ApprovalCard, ...]:
        return self.snapshot.approvals if self.snapshot else ()

    def card(self) -> ApprovalCard | None:
        return self.snapshot.card(self._chosen) if self.snapshot and self._chosen else None

    def on_screen_resume(self) -> None:
        if self.card() is None:
            self._choose_first()
        super().on_screen_resume()

    def _choose_first(self) -> None:
        waiting = (card.id for card in self.cards() if card.approval.state is ApprovalState.REQUESTED)
        self._chosen = next(waiting, self._chosen)

    def select(self, approval: str) -> None:
        """Show one approval, as somebody asked; an unknown id selects nothing."""
        self._chosen = approval
        self.came_by_itself("")
        if self.stands:
            self.query_one(LineList).select(approval)
            self.tick()

    def update_body(self) -> None:
        now_ns, cards = self.room.now_ns, self.cards()
        if self._chosen is None:  # nobody looks at one yet, so none slips from under the hand
            self._choose_first()
        elif not cards:
            self._chosen = None
        elif self.is_over(self._chosen):
            self._choose_first()
            self.came_by_itself(self._chosen)
        self.retell()
        wide = self.size.width >= MEDIUM
        beside = self.room.picture.health.beside
        items = [present.card_item(card, now_ns, wide=wide, other=beside(card.id)) for card in cards]
        self.query_one(LineList).set_items(items)
        self.query_one(LineList).select(self._chosen)
        self.query_one(LineList).styles.height = max(1, len(cards) * (2 if wide else 1))
        for widget in (self.query_one(LineList), self.diff.view):
            widget.dimmed = bool(self.room.why_frozen)
        self._show_card(now_ns)
        self.show_focus()

    def show_focus(self) -> None:
        cards, now_ns = self.cards(), self.room.now_ns
        oldest = min((card.approval.requested_ns for card in cards), default=now_ns)
        waiting = f"waiting for you {len(cards)}, oldest {age(oldest, now_ns)}"
        title = waiting if cards else "nothing waits for your decision"
        self.set_line("list-rule", rule(title, has_focus=self.query_one(LineList).has_focus))
        self.diff.show_rule()

    def _show_card(self, now_ns: int) -> None:
        card = self.card()
        self.note_on_show(card.id if card is not None else "")
        evidence = self.query_one("#evidence", TextPane)
        if card is None:
            gone = (
                "the one you looked at is decided or void; w goes to the next" if self._chosen else "select one with w"
            )
            evidence.set_sections((Section("", ((Span(gone if self.cards() else "", "quiet"),),)),))
            self.diff.bring(None)
            return
        evidence.set_sections(present.evidence(card, now_ns, self.room.context.hold_s))
        self.diff.bring((card.approval.pr, card.approval.head_sha, card.approval.base_sha))

    @on(DiffSide.SeenChanged)
    def _seen_changed(self) -> None:
        self.show_message()

    def idle_message(self) -> str:
        card = self.card()
        if self.room.why_frozen or card is None or not self.diff.files:
            return super().idle_message()
        files = count(len(self.diff.files), "file")
        seen = len(self.diff.seen_paths())
        told = f"seen {seen} of {files} of PR {card.approval.pr} @{short(card.approval.head_sha)}"
        keys = self.turn_in_words()
        return f"{told}  {keys}" if keys else f"you have {told}"

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        card = self.card()
        return replace(super().here(), card=card, tile=self._author(card))

    def copies(self) -> Iterator[Offer]:
        yield offer("d", "diff", diff_text(self.diff.files))
        yield offer("f", "facts", lines_text(self.query_one("#evidence", TextPane).lines()))

    def paged(self) -> Offer | None:
        """The evidence where it has the keys, else the diff."""
        diff, evidence = self.copies()
        return evidence if self.query_one("#evidence").has_focus else diff

    def current_need(self) -> NeedItem | None:
        """The approval on show, also when it was chosen without `w`."""
        return self.need_with(f"{NeedKind.APPROVAL}:{self._chosen}", f"{NeedKind.HELD}:{self._chosen}")

    def _author(self, card: ApprovalCard | None) -> AgentTile | None:
        return self.snapshot.tile(card.pull_request.agent) if self.snapshot and card else None

    @on(LineList.Selected)
    def _selected(self) -> None:
        # The list also tells of a vanished key: what was chosen stays chosen, so that no card slips under the hand.
        # What counts is where its cursor is now: the message may be older than the choice.
        key = self.query_one(LineList).selected
        if key is not None and key != self._chosen:
            self._chosen = key
            self.tick()

    @on(LineList.Opened)
    def _opened(self) -> None:
        self.diff.view.focus()

    def do_pane_next(self) -> None:
        order = [self.query_one(LineList), self.query_one("#evidence", TextPane), self.diff.view]
        index = next((i for i, widget in enumerate(order) if widget.has_focus), -1)
        target = order[(index + 1) % len(order)]
        self.set_class(target.id == "evidence", "-evidence")
        target.focus()

    def do_room_refresh(self) -> None:
        """A diff that is here stays: what its commits differ in never changes."""
        self.diff.try_again()
        super().do_room_refresh()
        self.tick()

    def do_approval_approve(self) -> None:
        card = self.card()
        assert card is not None
        paths = [file.path for file in self.diff.files]
        seen = self.diff.seen_paths()
        if self.diff.shown is None or self.diff.shown[1] != card.approval.head_sha or not self.diff.files:
            self.room.say(lambda: f"A: no diff yet: {self.diff.state()}" if not self.diff.files else "", "warn")
            return
        approval = card.approval
        shown = {
            "pr": approval.pr,
            "head": approval.head_sha,
            "base": approval.base_sha,
            "tree": approval.tree,
            "gates": approval.gates,
            "policy": approval.policy,
            "files": len(paths),
            "seen": sorted(seen),
        }
        args = {"approval": approval.id, "head": approval.head_sha, "shown": shown}
        act = Act("approve", args, "approve", _named(card))
        self._ask(strips.approve(card, seen, paths, self.room.context.hold_s), act)

    def do_approval_reject(self) -> None:
        card = self.card()
        assert card is not None
        args = {"approval": card.id, "reason": ""}
        self._ask(strips.reject(card), Act("reject", args, "reject", _named(card)))

    def do_approval_changes(self) -> None:
        card = self.card()
        assert card is not None
        args = {"approval": card.id, "reason": ""}
        self._ask(strips.request_changes(card), Act("request_changes", args, "request changes on", _named(card)))

    def _ask(self, request: StripRequest, act: Act) -> None:
        """With who else looks at it in another room: the first valid decision counts."""
        why = self.too_early()
        if why:
            self.room.say(lambda: f"{request.opening_key}: {why}" if self.too_early() else "", "quiet")
            return
        other = self.room.picture.health.beside(act.args["approval"])
        told: tuple[Line, ...] = ()
        if other:
            told = ((Span(f" In another room: {present.beside_text(other)}", "strong"),),)
        self.ask(replace(request, lines=(*told, *request.lines)), act)

    def what_changed(self, act: Act) -> str:
        """An approval is bound to head, base, gates and policy: when one moves the watcher voids it and asks anew."""
        if "approval" not in act.args or self.snapshot is None:
            return super().what_changed(act)
        card = self.snapshot.card(act.args["approval"])
        if card is None:
            return self._successor(act)
        if card.approval.state is not ApprovalState.REQUESTED:
            return present.decided_text(card.approval, self.room.now_ns)
        if act.op == "approve" and card.approval.head_sha != act.args["head"]:
            return f"head {short(act.args['head'])} -> {short(card.approval.head_sha)}"
        return ""

    def _successor(self, act: Act) -> str:
        newer = next((card for card in self.cards() if _named(card) == act.target), None)
        reader = self.room.reader()
        old = reader.approval(act.args["approval"]) if reader is not None else None
        if newer is None or (old is not None and old.decided_by is not None):
            told = present.decided_text(old, self.room.now_ns) if old is not None else ""
            return told or "it was decided by somebody else, or is void"
        return (
            f"head {short(act.args.get('head'))} -> {short(newer.approval.head_sha)}"
            if "head" in act.args
            else "there is a newer one"
        )


def _named(card: ApprovalCard) -> str:
    """What acts on ``card`` are about."""
    return f"PR {card.approval.pr}"
