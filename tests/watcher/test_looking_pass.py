"""The screens of living runs: dialogs that only a person can answer are told, and so is what no rule knows."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fleet_tui.domain.model import Run
from fleet_tui.settings.schema import Settings
from fleet_tui.watcher.passes import looking, runs
from fleet_tui.watcher.runs import detection
from tests.watcher.watcher_support import Fleet, until

PROGRAM = """
import sys, time
path, title = sys.argv[1:]
shown = None
while True:
    text = open(path).read()
    if text != shown:
        sys.stdout.write("\\x1b]2;" + title + "\\x07\\x1b[2J\\x1b[H" + text); sys.stdout.flush()
        shown = text
    time.sleep(0.02)
"""
TRUST = " Quick safety check: Is this a project you created or one you trust?\n ❯ No, exit\n Enter to confirm · Esc\n"
PERMISSION = " Do you want to proceed?\n ❯ 1. Yes\n   2. No\n"
IDLE = f"● done\n{'─' * 40}\n❯ \n{'─' * 40}\n  ⏸ manual mode on\n"
RULES = "rules: {mine: {priority: 999, region: screen, pattern: 'nobody knows this', state: working}}\n"


class Looked:
    """A run of an agent of Claude Code in a real pane, whose program shows what stands in a file."""

    def __init__(self, fleet: Fleet, run: Run, file: Path) -> None:
        self.fleet, self.run, self._file = fleet, run, file

    @classmethod
    async def open(cls, fleet: Fleet, place: Path, screen: str, title: str = "x", program: str = PROGRAM) -> Looked:
        data = fleet.ctx.settings.model_dump(mode="json")
        data["agents"][0]["vendor"] = "claude-code"
        await fleet.use(Settings.model_validate(data))
        await fleet.ticket()
        await fleet.settle()
        run = await fleet.queued("dev")
        looked = cls(fleet, run, place / "screen")
        looked._file.write_text(screen)
        await fleet.ctx.tmux.ensure()
        argv = [sys.executable, "-c", program, str(looked._file), title]
        await fleet.ctx.tmux.spawn(run.session, argv, cwd=place, uuid=run.pane_uuid)
        await until(lambda: looked.shows(screen), 40)
        return looked

    async def show(self, screen: str) -> None:
        self._file.write_text(screen)
        await until(lambda: self.shows(screen), 40)

    async def shows(self, screen: str) -> bool:
        (pane,) = [pane for pane in await self.fleet.ctx.tmux.panes() or [] if pane.session == self.run.session]
        shown = await self.fleet.ctx.tmux.capture(pane)
        wanted = re.sub(r"\x1b\[[0-9;]*m", "", screen)
        return [line.rstrip() for line in shown.rstrip().split("\n")] == [
            line.rstrip() for line in wanted.rstrip().split("\n")
        ]

    async def look(self, *, after: float = 0) -> None:
        self.fleet.later(after)
        await looking.look(self.fleet.ctx)
        await self.fleet.ctx.jobs.idle()
        await looking.look(self.fleet.ctx)

    def dialogs(self) -> list[str]:
        return [alarm.title for alarm in self.fleet.alarms("dialog")]


async def test_a_dialog_that_holds_a_run_up_is_told_until_it_is_gone(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, TRUST)
    await looked.look(after=3)
    assert looked.dialogs() == [], "a picture may be half drawn"
    await looked.look(after=3)
    assert looked.dialogs() == ["dev: claude-code asks whether its workspace is trusted"]
    await looked.show(IDLE)
    await looked.look(after=3)
    assert looked.dialogs() == []


async def test_another_dialog_has_time_to_be_answered(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, PERMISSION)
    await looked.look(after=3)
    await looked.look(after=3)
    assert looked.dialogs() == []
    await looked.look(after=20)
    assert looked.dialogs() == ["dev: claude-code asks for a permission in its pane"]


async def test_who_asks_in_its_pane_has_not_ended_its_turn(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, PERMISSION)

    async def idle() -> list[str]:
        for _ in range(3):
            await looked.look(after=20)
        await runs.notice_idle(fleet.ctx, fleet.run(looked.run.id))
        return [alarm.title for alarm in fleet.alarms("idle")]

    assert await idle() == []
    assert fleet.run(looked.run.id).state_reason.startswith("asks for permission")
    await looked.show(IDLE)
    assert await idle() == ["dev ended its turn without handing its work over"]


async def test_what_no_rule_knows_is_counted_once_for_each_time(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, "nobody knows this")
    for _ in range(6):
        await looked.look(after=3)
    assert [(e.payload["vendor"], e.payload["run"]) for e in fleet.events("screen_unmatched")] == [
        ("claude-code", looked.run.id)
    ]
    await looked.show(IDLE)
    await looked.look(after=3)
    await looked.show("nor this")
    for _ in range(6):
        await looked.look(after=3)
    assert len(fleet.events("screen_unmatched")) == 2


async def test_the_title_counts_too(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, "nothing to see", "◐ dev #{pane_id}")
    await looked.look(after=3)
    view = fleet.ctx.views[looked.run.id]
    assert view.screen.title == "◐ dev #{pane_id}"
    assert view.observation is not None
    assert (view.observation.state, view.observation.region) == ("working", "title")


async def test_changed_rules_count_without_a_restart(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, "nobody knows this")
    await looked.look(after=3)
    assert fleet.ctx.views[looked.run.id].observation is None
    file = fleet.ctx.paths.repository / ".fleet" / "detection" / "claude-code.yaml"
    file.parent.mkdir()
    file.write_text(RULES)
    await detection.reload(fleet.ctx, fleet.ctx.settings)
    await looked.look(after=3)
    observation = fleet.ctx.views[looked.run.id].observation
    assert observation is not None
    assert observation.rule == "mine"
    file.write_text("rules: {mine: {pattern: '(a+)+'}}")
    await detection.reload(fleet.ctx, fleet.ctx.settings)
    (alarm,) = fleet.alarms("detection")
    assert ".fleet/detection/claude-code.yaml:1" in alarm.title
    file.unlink()
    await detection.reload(fleet.ctx, fleet.ctx.settings)
    assert fleet.alarms("detection") == []


async def test_a_run_that_has_ended_is_forgotten(fleet: Fleet, place: Path) -> None:
    looked = await Looked.open(fleet, place, TRUST)
    await looked.look(after=3)
    await looked.look(after=3)
    await fleet.end(looked.run)
    await looked.look(after=3)
    assert (looked.dialogs(), dict(fleet.ctx.views)) == ([], {})
