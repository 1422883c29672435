"""Screen 6: every budget, what is left of it and for how long; and more of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from textual import on
from textual.containers import Container, Vertical
from textual.widget import Widget

from fleet_tui.domain.costs import HEADINGS, By
from fleet_tui.domain.standing import Standing
from fleet_tui.readmodel.budgets import BudgetBoard, BudgetStory, identity, read_board, read_story
from fleet_tui.readmodel.values import AgentTile
from fleet_tui.tui.agent_acts import BY_HAND
from fleet_tui.tui.commands import Act
from fleet_tui.tui.keys.key import BUDGETS, Here
from fleet_tui.tui.keys.table import textual_bindings
from fleet_tui.tui.pace import Pace
from fleet_tui.tui.present import budget_table as present
from fleet_tui.tui.present import costs, strips
from fleet_tui.tui.present.copying import Offer, lines_text, offer
from fleet_tui.tui.present.text import count, rule
from fleet_tui.tui.screens.acts import AgentActs
from fleet_tui.tui.screens.list_detail import ListAndDetail
from fleet_widgets.frame_lines import FrameLine
from fleet_widgets.lines import Span
from fleet_widgets.list_view import LineList
from fleet_widgets.text_pane import Section, TextPane

FLEET_ROWS = 3
_MINUTE_NS = 60_000_000_000


class BudgetsScreen(ListAndDetail, AgentActs):
    """Rows keep their place until `,` or the next visit; what is extended is always the selected budget, by its id."""

    scope = BUDGETS
    heading = "6 BUDGETS"
    listed = "#budgets"
    CSS_PATH = "budgets.tcss"
    BINDINGS = textual_bindings(BUDGETS)

    def __init__(self) -> None:
        super().__init__()
        self._board = BudgetBoard()
        self._read_at = (-1, -1)
        self._pace = Pace()
        self._sorted = next(iter(present.ORDERS))
        self._by: By = "model"
        self._places: tuple[str, ...] = ()
        self._story: tuple[tuple[str, int, int], BudgetStory] | None = None

    def body(self) -> Iterator[Widget]:
        palette = self.room.context.look.palette
        yield Vertical(
            *(FrameLine(palette=palette, id=f"fleet-{row}", classes="fleet") for row in range(FLEET_ROWS)),
            Container(
                Vertical(
                    FrameLine(palette=palette, id="list-rule"),
                    FrameLine(palette=palette, id="columns"),
                    LineList(palette=palette, id="budgets"),
                    id="left",
                ),
                TextPane(palette=palette, id="detail"),
                id="panes",
            ),
        )

    def main_widget(self) -> Widget:
        return self.query_one(LineList)

    # -- showing -----------------------------------------------------------------------------------------------------

    def standing(self) -> Standing | None:
        return self._board.standing(self._chosen)

    def on_screen_resume(self) -> None:
        self._read(at_once=True)
        self._sort()
        if self.standing() is None:
            self._chosen = next(iter(self._places), None)
        super().on_screen_resume()

    def _sort(self) -> None:
        self._places = tuple(map(identity, present.in_order(self._board.standings, self._sorted)))

    def _read(self, *, at_once: bool = False) -> None:
        """Again with each picture, and each minute: what is left at the present rate depends on the time."""
        reader, snapshot, now_ns = self.room.reader(), self.snapshot, self.room.now_ns
        if reader is None or snapshot is None:
            return
        at = (snapshot.seq, now_ns // _MINUTE_NS)
        if at != self._read_at and (at_once or self._pace.may_read):
            with self._pace.reading():
                self._board, self._read_at = read_board(reader, now_ns), at

    def update_body(self) -> None:
        self._read()
        now_ns, width, box = self.room.now_ns, self.size.width, self.room.context.look.palette.box
        shown = present.in_order(self._board.standings, self._sorted, self._places)
        self._places = tuple(map(identity, shown))
        if self._chosen is None:  # nobody looks at one yet, so none slips from under the hand
            self._chosen = next(iter(self._places), None)
        listed = self.query_one("#budgets", LineList)
        listed.dimmed = bool(self.room.why_frozen)
        listed.set_items(present.items(shown, width, box))
        listed.select(self._chosen if self.standing() is not None else None)
        self._show_fleet(now_ns)
        self.set_line("columns", present.header(width) if shown else ())
        self.query_one("#detail", TextPane).set_sections(self._sections(now_ns))
        self.set_class(not shown, "-empty")
        self.show_focus()

    def _show_fleet(self, now_ns: int) -> None:
        found = present.fleet_lines(self._board, now_ns, self.size.width, self.room.context.look.palette.box)
        for row in range(FLEET_ROWS):
            self.query_one(f"#fleet-{row}").display = row < len(found)
            self.set_line(f"fleet-{row}", found[row] if row < len(found) else ())

    def _sections(self, now_ns: int) -> tuple[Section, ...]:
        standing, snapshot = self.standing(), self.snapshot
        if not self._board.standings:
            return (*present.empty(snapshot.tiles if snapshot else ()), *costs.sections(self._board.costs, self._by))
        if standing is None:
            return (Section("", ((Span("the one you looked at is no longer in force", "quiet"),),)),)
        told = present.detail(standing, self._story_of(standing), self._tile_of(standing), now_ns)
        return (*told, *costs.sections(self._board.costs_of(standing), self._by))

    def _story_of(self, standing: Standing) -> BudgetStory | None:
        """Read once for each budget and picture."""
        key, reader = (standing.key, *self._read_at), self.room.reader()
        if reader is not None and (self._story is None or self._story[0] != key):
            self._story = key, read_story(reader, standing)
        return self._story[1] if self._story is not None else None

    def _tile_of(self, standing: Standing | None) -> AgentTile | None:
        """The agent whose budget it is, or whose run."""
        if standing is None or self.snapshot is None:
            return None
        if standing.rule.scope == "agent":
            return self.snapshot.tile(standing.name)
        if standing.rule.scope == "run":
            return next((tile for tile in self.snapshot.tiles if tile.run == standing.name), None)
        return None

    def show_focus(self) -> None:
        spent = sum(standing.spent for standing in self._board.standings)
        title = f"{count(len(self._board.standings), 'budget')}, used up {spent}"
        has_focus = self.query_one("#budgets").has_focus
        self.set_line("list-rule", rule(title, f"by {self._sorted}", has_focus=has_focus))

    # -- keys --------------------------------------------------------------------------------------------------------

    def here(self) -> Here:
        standing = self.standing()
        return replace(self.here_on(self._tile_of(standing)), standing=standing)

    def copies(self) -> Iterator[Offer]:
        if self.standing() is not None:
            yield offer("f", "facts", lines_text(self.query_one("#detail", TextPane).lines()))

    def do_budget_sort(self) -> None:
        orders = list(present.ORDERS)
        self._sorted = orders[(orders.index(self._sorted) + 1) % len(orders)]
        self._sort()
        self.tick()
        self.room.say(f"sorted by {self._sorted}", "quiet")

    def do_cost_by(self) -> None:
        self._by = HEADINGS[(HEADINGS.index(self._by) + 1) % len(HEADINGS)]
        self.tick()
        self.query_one("#detail", TextPane).show(costs.title(self._by))
        self.room.say(f"costs by {self._by}", "quiet")

    def do_budget_extend(self) -> None:
        standing = self.standing()
        assert standing is not None
        rule, whose = standing.rule, present.name_of(standing)
        args = {"scope": rule.scope, "name": standing.name, "unit": rule.unit, "window": rule.window, "reason": BY_HAND}
        self._extending = identity(standing), standing.ceiling
        self.ask(strips.extend_by(standing, whose), Act("extend_budget", args, "extend the budget of", whose))

    _extending = ("", 0)
    """Which budget the strip is about, and the ceiling that the person saw."""

    def what_changed(self, act: Act) -> str:
        if act.op != "extend_budget":
            return super().what_changed(act)
        self._read(at_once=True)
        key, ceiling = self._extending
        standing = self._board.standing(key)
        if standing is None:
            return "it is no longer in force"
        return "" if standing.ceiling == ceiling else "it was extended meanwhile"

    @on(LineList.Opened)
    async def _opened(self) -> None:
        """The agent behind it."""
        tile = self._tile_of(self.standing())
        if tile is None:
            self.room.say("Enter: only the budget of an agent or a run leads to one", "quiet")
        else:
            await self.room.open_agent(tile.name)
