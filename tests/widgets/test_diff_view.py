"""The diff: nothing cut, numbers right, and *seen* means that the last row was painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fleet_widgets.diff_rows import file_rows
from fleet_widgets.diff_view import DiffFile, DiffHunk, DiffLine, DiffView
from fleet_widgets.lines import text_of, width_of
from fleet_widgets.palette import LINE_BOX


def added(path: str, lines: int, *, hunks: int = 1, text: str = "line") -> DiffFile:
    def hunk(h: int) -> DiffHunk:
        return DiffHunk(
            f"@@ -0,0 +{h * 1000 + 1},{lines} @@ def f{h}():",
            tuple(DiffLine("+", None, h * 1000 + n, f"{text} {n}") for n in range(1, lines + 1)),
        )

    return DiffFile(path, "added", tuple(hunk(h) for h in range(hunks)))


CHANGE = DiffFile(
    "app/auth/keys.py",
    "modified",
    (
        DiffHunk(
            "@@ -41,3 +41,4 @@ def rotate(self):",
            (
                DiffLine(" ", 41, 41, "def rotate(self):"),
                DiffLine("-", 42, None, "    key = self.keys[0]"),
                DiffLine("+", None, 42, "    key = self.pick(kid)"),
                DiffLine("+", None, 43, "    if key.expired:"),
                DiffLine("\\", None, None, " No newline at end of file"),
            ),
        ),
    ),
)


async def test_a_change_as_people_read_it(stage: Callable[..., Any]) -> None:
    async with stage(DiffView(), size=(80, 12)) as s:
        s.widget.set_files([CHANGE])
        await s.until(lambda: bool(s.of(DiffView.Seen)))
        rows = s.text()
        assert rows[0].startswith("─ app/auth/keys.py")
        assert rows[0].endswith("modified  file 1/1  seen ──")
        assert rows[1:7] == [
            "@@ -41,3 +41,4 @@ def rotate(self):",
            "  41  def rotate(self):",
            "  42 -    key = self.keys[0]",
            "  42 +    key = self.pick(kid)",
            "  43 +    if key.expired:",
            "     \\ No newline at end of file",
        ]
        assert [m.path for m in s.of(DiffView.Seen)] == ["app/auth/keys.py"]


@given(st.text(max_size=300), st.integers(12, 90))
def test_long_lines_wrap_and_lose_nothing(text: str, width: int) -> None:
    from fleet_widgets.cells import plain

    rows = file_rows(
        DiffFile("f", "modified", (DiffHunk("@@", (DiffLine("+", None, 7, text),)),)), width, LINE_BOX
    ).rows
    assert all(width_of(row) <= width for row in rows)
    body = [row[2:] for row in rows if text_of(row) != "@@"]
    assert "".join(text_of(row) for row in body) == plain(text)
    assert all(row[1].text == "+" for row in rows if text_of(row) != "@@")


async def test_a_file_is_seen_only_when_its_last_row_was_on_screen(stage: Callable[..., Any]) -> None:
    async with stage(DiffView(), size=(80, 10)) as s:
        s.widget.set_files([added("long.py", 30), added("b.py", 2)])
        await s.settle()
        assert s.widget.seen == frozenset()
        await s.pilot.press("pagedown", "pagedown")
        assert s.widget.seen == frozenset()
        await s.pilot.press("pagedown")
        await s.until(lambda: "long.py" in s.widget.seen)
        await s.pilot.press("G")
        await s.until(lambda: "b.py" in s.widget.seen)
        await s.settle()
        assert [m.path for m in s.of(DiffView.Seen)] == ["long.py", "b.py"]


async def test_jumping_over_a_file_does_not_make_it_seen(stage: Callable[..., Any]) -> None:
    async with stage(DiffView(), size=(80, 10)) as s:
        s.widget.set_files([added("a.py", 30), added("b.py", 30), added("c.py", 30)])
        await s.pilot.press("right_square_bracket", "right_square_bracket")
        await s.settle()
        assert s.widget.path == "c.py"
        assert s.widget.seen == frozenset()
        await s.pilot.press("left_square_bracket")
        assert s.widget.path == "b.py"
        await s.pilot.press("space")
        await s.settle()
        assert s.widget.seen == {"b.py"}
        assert s.widget.path == "c.py"
        assert s.widget.next_unseen() == "a.py"
        s.widget.mark_seen("a.py")
        s.widget.mark_seen("c.py")
        s.widget.mark_seen("unknown")
        assert s.widget.next_unseen() is None


async def test_a_hidden_view_sees_nothing(stage: Callable[..., Any]) -> None:
    view = DiffView()
    view.display = False
    async with stage(view, size=(80, 10), focus=False) as s:
        view.set_files([added("a.py", 2)])
        await s.settle()
        assert view.seen == frozenset()
        view.display = True
        await s.until(lambda: view.seen == {"a.py"})


async def test_hunk_jumps_cross_files(stage: Callable[..., Any]) -> None:
    async with stage(DiffView(), size=(80, 10)) as s:
        s.widget.set_files(
            [added("a.py", 20, hunks=2), DiffFile("x.bin", "modified", note="binary"), added("b.py", 20)]
        )
        await s.pilot.press("right_curly_bracket")
        assert s.text()[0].startswith("@@ -0,0 +1,20")
        await s.pilot.press("right_curly_bracket")
        assert s.text()[0].startswith("@@ -0,0 +1001,20")
        await s.pilot.press("right_curly_bracket")
        assert s.widget.path == "b.py"
        await s.pilot.press("left_curly_bracket")
        await s.settle()
        assert s.text()[0].startswith("@@ -0,0 +1001,20")
        last = s.of(DiffView.Moved)[-1]
        assert (last.path, last.file, last.files, last.hunk, last.hunks) == ("a.py", 1, 3, 2, 2)


async def test_scrolling_stops_at_both_ends(stage: Callable[..., Any]) -> None:
    async with stage(DiffView(), size=(80, 10)) as s:
        s.widget.set_files([added("a.py", 5), added("b.py", 20)])
        await s.pilot.press("k", "pageup")
        assert s.text()[0].startswith("─ a.py")
        await s.pilot.press("G", "j", "pagedown")
        assert s.text()[-1] == "  20 +line 20"
        await s.pilot.press("g")
        assert s.text()[0].startswith("─ a.py")
        s.widget.show("b.py")
        s.widget.show("unknown")
        assert s.widget.path == "b.py"


async def test_the_same_files_keep_the_place_and_seen_survives(stage: Callable[..., Any]) -> None:
    async with stage(DiffView(), size=(80, 10)) as s:
        files = [added("a.py", 30), added("b.py", 30)]
        s.widget.set_files(files, seen=["a.py", "gone.py"])
        assert s.widget.seen == {"a.py"}
        await s.pilot.press("pagedown")
        place = s.text()
        await s.quiet()
        s.widget.set_files(list(files), seen=[])
        await s.settle()
        assert s.redrawn == []
        assert s.text() == place
        s.widget.set_files([added("c.py", 30)])
        assert s.widget.path == "c.py"
        assert s.widget.seen == frozenset()
        s.widget.set_files([])
        await s.pilot.press("j", "G", "g", "right_square_bracket", "right_curly_bracket", "space")
        assert s.widget.path is None
        assert s.text() == [""] * 10


async def test_the_same_files_of_another_pull_request_begin_unseen(stage: Callable[..., Any]) -> None:
    async with stage(DiffView(), size=(80, 10)) as s:
        files = [added("a.py", 30), added("b.py", 30)]
        s.widget.set_files(files, key="1@abc", seen=["a.py"])
        s.widget.set_files(files, key="1@abc")
        assert s.widget.seen == {"a.py"}
        s.widget.set_files(files, key="2@def")
        assert s.widget.seen == frozenset()


async def test_only_files_near_the_screen_are_laid_out(stage: Callable[..., Any]) -> None:
    async with stage(DiffView(), size=(80, 20)) as s:
        s.widget.set_files([added(f"f{n}.py", 50) for n in range(2_000)])
        await s.pilot.press("pagedown", "G", "pageup", "right_square_bracket")
        await s.settle()
        assert len(s.widget._laid_out.keys()) < 10


async def test_nasty_diff(stage: Callable[..., Any], nasty: str) -> None:
    file = DiffFile(
        nasty or "x",
        nasty,
        (DiffHunk(nasty, (DiffLine("+", None, 1, nasty), DiffLine("-", 1, None, nasty))),),
        note=nasty,
    )
    async with stage(DiffView(), size=(80, 20)) as s:
        s.widget.set_files([file, added("ok.py", 3)])
        await s.pilot.press("pagedown", "right_curly_bracket", "G")
        await s.settle()
        assert "   3 +line 3" in s.text()
        await s.pilot.resize_terminal(9, 5)
        s.text()
