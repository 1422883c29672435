"""What the room writes down when a person asks: the screen, and a note for the next shift."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.readmodel.handover import read_handover
from fleet_tui.tui.present.handover import foreign, handover_text
from fleet_tui.tui.written import without_fetches
from tests.tui.test_copying import opened

HOUR_NS = 3_600 * 10**9


async def typed(app: Any, pilot: Any, until: Any, words: str) -> None:
    """Behind the colon, as a person does it."""
    await pilot.press("colon", *("space" if letter == " " else letter for letter in words), "enter")
    await until(lambda: len(app.screen_stack) == 1)


async def test_a_snapshot_is_the_screen_as_text_and_as_a_picture(
    fleet: Any, until: Any, text: Any, tmp_path: Path
) -> None:
    async with opened(fleet, until, tmp_path) as (app, pilot):
        await pilot.press("3")
        await pilot.pause()
        before = text(app).splitlines()
        await typed(app, pilot, until, "snapshot")
        await until(lambda: app.message.startswith("snapshot: "))
        written, picture = sorted(tmp_path.glob("alarms-*.txt")), sorted(tmp_path.glob("alarms-*.svg"))
        assert app.message == f"snapshot: {written[0]} and .svg; y w copies it"
        rows = written[0].read_text().splitlines()
        assert rows[0] == before[0]
        assert "secret pattern in a diff" in "\n".join(rows)
        drawn = "".join(ElementTree.fromstring(picture[0].read_text()).itertext()).replace("\xa0", " ")
        assert "secret pattern in a diff" in drawn
        assert "3 ALARMS" in drawn
        assert "url(" not in picture[0].read_text().replace("url(#", "")  # whoever looks at it fetches nothing
        assert {path.stat().st_mode & 0o777 for path in (*written, *picture)} == {0o600}
        await pilot.press("y", "w")
        await until(lambda: (tmp_path / "clip").exists())
        assert (tmp_path / "clip").read_text() == written[0].read_text()


async def test_a_handover_is_written_and_can_be_copied(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, tmp_path) as (app, pilot):
        await typed(app, pilot, until, "handover 1h")
        await until(lambda: "y w copies it" in app.message)
        (note,) = tmp_path.glob("handover-*.md")
        assert str(note) in app.message
        assert "## Needs a person: 3" in note.read_text()
        await pilot.press("y", "w")
        await until(lambda: (tmp_path / "clip").exists())
        assert (tmp_path / "clip").read_text() == note.read_text()


async def test_what_cannot_be_written_is_told(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, None) as (app, pilot):
        await typed(app, pilot, until, "snapshot")
        await until(lambda: app.message == "snapshot: this room has no directory to write to")
        await typed(app, pilot, until, "handover soon")
        await until(lambda: "a time such as 8h or 1d; usage: handover [TIME]" in app.message)
    (tmp_path / "saved").write_text("")
    async with opened(fleet, until, tmp_path / "saved") as (app, pilot):
        await typed(app, pilot, until, "handover")
        await until(lambda: f"handover: not written to {tmp_path}/saved" in app.message)


async def test_a_copy_for_trial_goes_all_ways(fleet: Any, until: Any, tmp_path: Path) -> None:
    async with opened(fleet, until, tmp_path) as (app, pilot):
        await typed(app, pilot, until, "copy test")
        await until(lambda: (tmp_path / "clip").exists())
        assert (tmp_path / "clip").read_text().startswith("fleet copy test ")


async def test_the_note_says_who_is_at_what_what_stands_and_what_was_done(fleet: Any) -> None:
    fleet.add(
        ev.draft(
            ev.ApprovalGranted("apr-2-c", 2, "operator:kim", fleet.now_ns() + 8 * 10**9), "pr:2", actor="operator:kim"
        ),
        ev.draft(ev.AlarmAcknowledged("alm-1", "operator:kim"), "agent:dev-3", actor="operator:kim"),
        ev.draft(ev.AgentPaused("dev-1", "looking"), "agent:dev-1", actor="operator:kim"),
        ev.draft(ev.AlarmRaised("alm-2", "loop", 2, "x <b>[y](http://z)|", "see", "ticket:1"), "ticket:1"),
    )
    now_ns = fleet.now_ns()
    note = handover_text(read_handover(fleet.store.reader, now_ns, now_ns - HOUR_NS), "shop")
    for line in (
        "# Handover: shop",
        "- PR 2 Rotate the keys, approved by operator:kim: in 8 s",
        "## Who is at what: 5 agents",
        "| rev (reviewer) | o IDLE |",
        "ticket #1 Add paging |",
        "- **P1** 0s dev-3: secret pattern in a diff; seen by operator:kim",
        r"ticket #1: x \<b\>\[y\](http://z)\|; nobody has acknowledged it",
        "0 landed, 2 handed over, 2 alarms, 2 approvals asked for, 0 runs ended.",
        "(`fleet approval show 1`)",
        "approval_granted PR 2: ",
        "(operator:kim)",
    ):
        assert line in note, line
    assert "run_metered" not in note
    (row,) = [line for line in note.splitlines() if line.startswith("| dev-1 ")]
    assert "PAUS" in row
    later = handover_text(read_handover(fleet.store.reader, now_ns + HOUR_NS, now_ns + HOUR_NS), "shop")
    assert "0 landed, 0 handed over, 0 alarms" in later
    assert "approval_granted" not in later


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n# b", "a # b"),
        ("`x` *y*", r"\`x\` \*y\*"),
        ("<script>", r"\<script\>"),
        ("a|b", r"a\|b"),
        ("\x1b[2Jq\u202e", "q"),
        ("[a](b)\\", r"\[a\](b)\\"),
    ],
)
def test_the_words_of_others_are_no_markup(text: str, shown: str) -> None:
    assert foreign(text) == shown


def test_text_on_the_screen_is_no_style_of_the_picture() -> None:
    """Rows of an agent between what looks like a font and its end stay."""
    style, screen = "\n.a { fill: red }</style>", "<text>@font-face{</text>ALARM<text>}</text>"
    drawn = without_fetches(f"<svg><style>@font-face {{ src: url(https://x) }}{style}{screen}</svg>")
    assert drawn == f"<svg><style>{style}{screen}</svg>"
