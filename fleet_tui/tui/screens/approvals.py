"""Screen 2: what waits for a decision, with everything a decision needs: evidence, verdicts, the whole diff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from fleet_tui.domain.errors import FleetError, WatcherUnavailable
from fleet_tui.domain.states import ApprovalState
from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.values import AgentTile, ApprovalCard, Health, NeedItem, NeedKind
from fleet_tui.tui import commands
from fleet_tui.tui.bindings import APPROVALS, Here, textual_bindings
from fleet_tui.tui.commands import Act
from fleet_tui.tui.present import approvals as present
from fleet_tui.tui.present import strips
from fleet_tui.tui.present.frame import MEDIUM
from fleet_tui.tui.present.text import count, rule, short, since
from fleet_tui.tui.screens.acts import AgentActs
from fleet_widgets.diff_view import DiffFile, DiffView
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Span
from fleet_widgets.list_view import LineList
from fleet_widgets.text_pane import Section, TextPane

DiffKey = tuple[int, str, str]
"""Pull request, head and base: what these differ in never changes."""
_DIFFS_KEPT = 8


class ApprovalsScreen(AgentActs):
    """Opens on the head of the queue; `w` steps on. What is decided is always the selected card, by its id."""

    scope = APPROVALS
    heading = "2 APPROVALS"
    CSS_PATH = "approvals.tcss"
    BINDINGS = textual_bindings(APPROVALS)

    def __init__(self) -> None:
        super().__init__()
        self._chosen: str | None = None
        self._shown: DiffKey | None = None
        """Whose diff is on screen, or comes there when it is here."""
        self._diffs: dict[DiffKey, tuple[DiffFile, ...]] = {}
        """The diffs that were fetched last."""
        self._loading: DiffKey | None = None
        self._trouble = ""
        """Why the diff is not here."""
        self._away: Health | None = None
        """How the watcher was when it did not answer: as soon as it is well again, the diff is fetched by itself."""
        self._position = ""

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            FrameLine(palette=palette, id="list-rule"),
            LineList(palette=palette, id="cards"),
            Horizontal(
                TextPane(palette=palette, id="evidence"),
                Vertical(
                    FrameLine(palette=palette, id="diff-rule"), DiffView(palette=palette, id="diff"), id="diff-side"
                ),
                id="panes",
            ),
        )

    def main_widget(self) -> Widget:
        return self.query_one(DiffView)

    # -- showing -----------------------------------------------------------------------------------------------------

    def cards(self) -> tuple[ApprovalCard, ...]:
        return self.snapshot.approvals if self.snapshot else ()

    def card(self) -> ApprovalCard | None:
        return self.snapshot.card(self._chosen) if self.snapshot and self._chosen else None

    def on_screen_resume(self) -> None:
        waiting = [card for card in self.cards() if card.approval.state is ApprovalState.REQUESTED]
        if self.card() is None and waiting:
            self._chosen = waiting[0].id
        super().on_screen_resume()

    def select(self, approval: str) -> None:
        """Show one approval; an unknown id selects nothing."""
        self._chosen = approval
        if self.stands:
            self.query_one(LineList).select(approval)
            self.tick()

    def update_body(self) -> None:
        now_ns, cards = self.room.now_ns, self.cards()
        wide = self.size.width >= MEDIUM
        self.query_one(LineList).set_items([present.card_item(card, now_ns, wide=wide) for card in cards])
        self.query_one(LineList).select(self._chosen)
        self.query_one(LineList).styles.height = max(1, len(cards) * (2 if wide else 1))
        for widget in (self.query_one(LineList), self.query_one(DiffView)):
            widget.dimmed = bool(self.room.why_frozen)
        self._show_card(now_ns)
        self.show_focus()

    def show_focus(self) -> None:
        cards, now_ns = self.cards(), self.room.now_ns
        oldest = min((card.approval.requested_ns for card in cards), default=now_ns)
        waiting = f"waiting for you {len(cards)}, oldest {since(oldest, now_ns)}"
        title = waiting if cards else "nothing waits for your decision"
        self.set_line("list-rule", rule(title, has_focus=self.query_one(LineList).has_focus))
        self._show_diff_rule()

    def _show_card(self, now_ns: int) -> None:
        card = self.card()
        evidence = self.query_one("#evidence", TextPane)
        if card is None:
            gone = (
                "the one you looked at is decided or void; w goes to the next" if self._chosen else "select one with w"
            )
            evidence.set_sections((Section("", ((Span(gone if self.cards() else "", "quiet"),),)),))
            if self._shown is not None:
                self._show_diff(None)
            return
        evidence.set_sections(present.evidence(card, now_ns, self.room.context.hold_s))
        self._bring_diff((card.approval.pr, card.approval.head_sha, card.approval.base_sha))

    # -- the diff ----------------------------------------------------------------------------------------------------

    @property
    def _files(self) -> tuple[DiffFile, ...]:
        """The files on screen; none while the diff is not here."""
        return self._diffs.get(self._shown, ()) if self._shown is not None else ()

    def _bring_diff(self, wanted: DiffKey) -> None:
        """Show the diff that is here, also while the watcher is away; fetch the one that is not."""
        if wanted != self._shown:
            self._trouble = ""
            self._show_diff(wanted)
        if wanted in self._diffs or self._loading == wanted:
            return
        health = self.room.picture.health
        is_back = self._away is not None and health is not self._away and health.missed == 0
        if not self._trouble or is_back:
            self._load(wanted)

    def _show_diff(self, shown: DiffKey | None) -> None:
        self._shown, self._position = shown, ""
        seen = self.room.seen.get(shown[1], frozenset()) if shown else frozenset()
        self.query_one(DiffView).set_files(self._files, seen=seen, key=":".join(map(str, shown or ())))

    @work(group="diff", exclusive=True, exit_on_error=False)
    async def _load(self, wanted: DiffKey) -> None:
        self._loading, self._trouble, self._away = wanted, "", None
        pull_request, head, base = wanted
        args = {"pr": pull_request, "head": head, "base": base}
        try:
            answer = await commands.ask(self.room.context.operator_socket, "diff", args)
            files = present.diff_files(answer)
        except (FleetError, ValueError, TypeError, AttributeError) as error:
            self._trouble = str(error)
            self._away = self.room.picture.health if isinstance(error, WatcherUnavailable) else None
        else:
            self._diffs = dict([*self._diffs.items(), (wanted, files)][-_DIFFS_KEPT:])
            if self._shown == wanted and self.stands:
                self._show_diff(wanted)
        finally:
            if self._loading == wanted:
                self._loading = None
        if self.stands:
            self._show_diff_rule()

    def _diff_state(self) -> str:
        """Where in the diff the view is, or why there is none."""
        if self._files or self._shown in self._diffs:
            return self._position
        if self._loading is not None:
            return "loading"
        if self._away is not None:
            return "comes when the watcher is back"
        return f"not here, r tries again: {self._trouble}" if self._trouble else ""

    def _show_diff_rule(self) -> None:
        card = self.card()
        seen = len(self.seen_paths())
        where = f"{short(card.approval.head_sha)} on {short(card.approval.base_sha)}" if card else ""
        text = one_line(f"diff {where}  {self._diff_state()}", 160)
        tally = f"seen {seen}/{len(self._files)}" if self._files else ""
        self.set_line("diff-rule", rule(text, tally, has_focus=self.query_one(DiffView).has_focus))

    def seen_paths(self) -> frozenset[str]:
        head = self._shown[1] if self._shown else ""
        return self.room.seen.get(head, frozenset()) & {file.path for file in self._files}

    @on(DiffView.Seen)
    def _seen(self, message: DiffView.Seen) -> None:
        if self._shown is not None:
            head = self._shown[1]
            self.room.seen[head] = self.room.seen.get(head, frozenset()) | {message.path}
            self._show_diff_rule()
            self.show_message()

    @on(DiffView.Moved)
    def _moved(self, message: DiffView.Moved) -> None:
        self._position = f"file {message.file}/{message.files}  hunk {message.hunk}/{message.hunks}"
        self._show_diff_rule()

    def idle_message(self) -> str:
        card = self.card()
        if self.room.why_frozen or card is None or not self._files:
            return super().idle_message()
        files = count(len(self._files), "file")
        return (
            f"you have seen {len(self.seen_paths())} of {files} of #{card.approval.pr} @{short(card.approval.head_sha)}"
        )

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        card = self.card()
        return replace(super().here(), card=card, tile=self._author(card))

    def current_need(self) -> NeedItem | None:
        """The approval on show, also when it was chosen without `w`."""
        return self.need_with(f"{NeedKind.APPROVAL}:{self._chosen}", f"{NeedKind.HELD}:{self._chosen}")

    def _author(self, card: ApprovalCard | None) -> AgentTile | None:
        return self.snapshot.tile(card.pull_request.agent) if self.snapshot and card else None

    @on(LineList.Selected)
    def _selected(self, message: LineList.Selected) -> None:
        # The list also tells of a vanished key: what was chosen stays chosen, so that no card slips under the hand.
        if message.key is not None and message.key != self._chosen:
            self._chosen = message.key
            self.tick()

    @on(LineList.Opened)
    def _opened(self) -> None:
        self.query_one(DiffView).focus()

    def do_pane_next(self) -> None:
        order = [self.query_one(LineList), self.query_one("#evidence", TextPane), self.query_one(DiffView)]
        index = next((i for i, widget in enumerate(order) if widget.has_focus), -1)
        target = order[(index + 1) % len(order)]
        self.set_class(target.id == "evidence", "-evidence")
        target.focus()

    def _diff(self) -> DiffView:
        """The diff, in sight: at small size the evidence may cover it."""
        diff = self.query_one(DiffView)
        if not diff.size.width:
            self.remove_class("-evidence")
            diff.focus()
        return diff

    def do_approval_unseen(self) -> None:
        if self._diff().next_unseen() is None:
            self.room.say("every file was on screen", "quiet")

    def do_approval_next_file(self) -> None:
        self._diff().action_file(1)

    def do_approval_previous_file(self) -> None:
        self._diff().action_file(-1)

    def do_approval_next_hunk(self) -> None:
        self._diff().action_hunk(1)

    def do_approval_previous_hunk(self) -> None:
        self._diff().action_hunk(-1)

    def do_approval_seen(self) -> None:
        self._diff().action_mark_seen()

    def do_room_refresh(self) -> None:
        """A diff that is here stays: what its commits differ in never changes."""
        self._trouble = ""
        super().do_room_refresh()
        self.tick()

    def do_approval_approve(self) -> None:
        card = self.card()
        assert card is not None
        paths = [file.path for file in self._files]
        seen = self.seen_paths()
        if self._shown is None or self._shown[1] != card.approval.head_sha or not self._files:
            self.room.say(lambda: f"A: no diff yet: {self._diff_state()}" if not self._files else "", "warn")
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
        act = Act("approve", args, "approve", f"#{approval.pr}")
        self.ask(strips.approve(card, seen, paths, self.room.context.hold_s), act)

    def do_approval_reject(self) -> None:
        card = self.card()
        assert card is not None
        args = {"approval": card.id, "reason": ""}
        self.ask(strips.reject(card), Act("reject", args, "reject", f"#{card.approval.pr}"))

    def do_approval_changes(self) -> None:
        card = self.card()
        assert card is not None
        args = {"approval": card.id, "reason": ""}
        self.ask(
            strips.request_changes(card), Act("request_changes", args, "request changes on", f"#{card.approval.pr}")
        )

    def what_changed(self, act: Act) -> str:
        """An approval is bound to head, base, gates and policy: when one moves the watcher voids it and asks anew."""
        if "approval" not in act.args or self.snapshot is None:
            return super().what_changed(act)
        card = self.snapshot.card(act.args["approval"])
        if card is None:
            return self._successor(act)
        if card.approval.state is not ApprovalState.REQUESTED:
            return f"it is {card.approval.state} already, by {one_line(card.approval.decided_by or 'somebody', 40)}"
        if act.op == "approve" and card.approval.head_sha != act.args["head"]:
            return f"head {short(act.args['head'])} -> {short(card.approval.head_sha)}"
        return ""

    def _successor(self, act: Act) -> str:
        number = act.target.removeprefix("#")
        newer = next((card for card in self.cards() if str(card.approval.pr) == number), None)
        if newer is None:
            return "it was decided by somebody else, or is void"
        return (
            f"head {short(act.args.get('head'))} -> {short(newer.approval.head_sha)}"
            if "head" in act.args
            else "there is a newer one"
        )
