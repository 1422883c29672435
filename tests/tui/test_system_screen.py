"""Screen 8: errors of the configuration with their place and the editor, and the parts of the system."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.cli.room import config_files
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.paths import FleetPaths
from fleet_tui.settings.load import PROJECT_FILE, load_settings
from fleet_tui.tui.editor import editor_argv
from fleet_tui.tui.screens.system import SystemScreen
from tests.tui.tui_support import opened

CLAUDE = {"guard": "closed", "permission": "relay", "usage": "live", "money": "prices", "inject": "paste",
          "resume": True, "interrupts": True}  # fmt: skip
BARE = {"guard": "none", "permission": "none", "usage": "none", "money": "none", "inject": "paste", "resume": False,
        "interrupts": False}  # fmt: skip
BROKEN = "version: 1\nreviews:\n  max_rounds: many\nlimits:\n  max_runnin: 4\n"


def answer_for(repository: Path, text: str) -> dict[str, Any]:
    """What a watcher tells that found ``text`` in the project's file."""
    (repository / ".fleet").mkdir(parents=True, exist_ok=True)
    (repository / PROJECT_FILE).write_text(text)
    loaded = load_settings(repository, user_file=repository / "none", environ={}, with_files=False)
    problems = [{**p.as_dict(), "excerpt": loaded.excerpt(p), "in_force": "3"} for p in loaded.problems]
    return {
        "config": {"policy": "v-77c0aa", "since_ns": 47_560 * 10**9, "rejected": True, "problems": problems},
        "watcher": {"pid": 4121, "version": "1.0", "uptime_s": 22_320, "host": "box"},
        "tmux": {"version": "3.3a", "socket": "fleet-x", "sessions": 3},
        "git": {"error": "git is missing"},
        "store": {"events": 48_112, "bytes": 61_000_000, "free_bytes": 41_000_000_000},
        "isolation": {"level": "L0", "why": "no bubblewrap\x1b[2J here", "refusal": ""},
        "vendors": {"claude-code": CLAUDE, "mine\x1b[2J": BARE, "gone": {"error": "no such story: it is missing"}},
    }


@pytest.fixture
def broken(fleet: Any, tmp_path: Path) -> Any:
    fleet.answers["system"] = answer_for(tmp_path, BROKEN)
    fleet.answers["status"] = {"pid": 4121, "isolation": "L0", "round_age_s": 1}
    rejected = [f"{PROJECT_FILE}:3:15: reviews.max_rounds: expected a whole number"]
    fleet.add(ev.draft(ev.ConfigRejected(rejected), "fleet"), ev.draft(ev.AlarmCleared("alm-1", "x"), "agent:dev-3"))
    return fleet


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
async def test_every_error_has_its_place_what_counts_and_a_way_out(
    broken: Any, until: Any, text: Callable[[Any], str], size: tuple[int, int]
) -> None:
    async with opened(broken, until, size) as (app, pilot):
        await pilot.press("8")
        await until(lambda: "configuration: 2 errors, 0 warnings" in text(app))
        shown = text(app)
        assert f'>x {PROJECT_FILE}:3:15  read "many"' in shown
        assert "in force: 3" in shown
        assert "config has 1 error: running on the last good version" in shown.splitlines()[1]
        await pilot.press("enter")
        assert "> 3 |   max_rounds: many" in text(app)
        assert "    |               ^^^^" in text(app)
        detail = app.screen.query_one("#detail")
        detail.show("parts")
        await pilot.pause()
        assert "4121" in text(app)
        for _ in range(30):
            await pilot.press("j")
        assert "your terminal" in text(app)


async def test_the_parts_are_named_with_what_is_wrong(broken: Any, until: Any, text: Callable[[Any], str]) -> None:
    async with opened(broken, until, (120, 40)) as (app, pilot):
        await pilot.press("8")
        await until(lambda: "up 6h12, last round 1s ago" in text(app))
        shown = text(app)
        assert "git        x git is missing" in shown
        assert "48112 events, 61.0 MB, disk 41.0 GB free" in shown
        assert "L0: no bubblewrap here" in shown
        assert "120x40" in shown


EDITOR = """#!/bin/sh
printf '%s\\n' "$@" > {seen}
sed -i 's/many/7/; s/max_runnin: 4/max_running: 4/' "$2"
"""


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An editor that mends the file and tells how it was called."""
    program, seen = tmp_path / "vi", tmp_path / "seen"
    program.write_text(EDITOR.format(seen=seen))
    program.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(program))
    return seen


async def test_u15_two_keys_open_the_error_shown_in_the_editor(
    broken: Any, until: Any, text: Callable[[Any], str], tmp_path: Path, editor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / PROJECT_FILE
    app = broken.room(config_files=lambda: {PROJECT_FILE: file})
    suspended: list[bool] = []

    @contextmanager
    def suspend() -> Any:
        suspended.append(True)
        yield

    monkeypatch.setattr(app, "suspend", suspend)  # a test has no terminal that could be handed over
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.press("8")
        await until(lambda: isinstance(app.screen, SystemScreen) and app.screen.fault() is not None)
        await pilot.press("e")
        await until(lambda: app.message.startswith("back from vi"))
        assert suspended == [True]
        assert editor.read_text().split() == ["+3", str(file)]
        broken.answers["system"] = answer_for(tmp_path, file.read_text())
        broken.offset_ns = 3_000_000_000  # the log need not tell: what is wrong with a file may change in silence
        await until(lambda: "configuration: no errors" in text(app))


async def test_a_file_that_is_not_the_fleets_is_not_opened(broken: Any, until: Any, editor: Path) -> None:
    broken.answers["system"]["config"]["problems"][0]["file"] = "/etc/passwd"
    app = broken.room(config_files=lambda: {PROJECT_FILE: Path("/nowhere")})
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: app.picture.snapshot is not None and app.picture.health.fresh_ns > 0)
        await pilot.press("8")
        await until(lambda: isinstance(app.screen, SystemScreen) and app.screen.fault() is not None)
        await pilot.press("e")
        await until(lambda: app.message == "e: /etc/passwd is no configuration file of this fleet")
    assert not editor.exists()


def test_a_project_file_that_leads_out_of_the_repository_is_none_to_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_STATE_HOME", str(tmp_path / "state"))
    repository, outside = tmp_path / "repo", tmp_path / "outside.yaml"
    (repository / ".fleet").mkdir(parents=True)
    outside.write_text("version: 1\n")
    paths = FleetPaths.of(repository)
    assert PROJECT_FILE in config_files(paths)
    (repository / PROJECT_FILE).symlink_to(outside)
    assert PROJECT_FILE not in config_files(paths)
    agents = repository / ".fleet" / "agents"
    agents.mkdir()
    (agents / "sam.yaml").write_text("role: developer\n")
    (agents / "out.yaml").symlink_to(outside)
    files = config_files(paths)
    assert files[".fleet/agents/sam.yaml"] == paths.repository / ".fleet/agents/sam.yaml"
    assert ".fleet/agents/out.yaml" not in files


def test_the_editor_is_the_persons_and_gets_the_line_where_it_takes_one() -> None:
    file = Path("/r/.fleet/config.yaml")
    assert editor_argv({"EDITOR": "code --wait"}, file, 3) == ["code", "--wait", str(file)]
    assert editor_argv({"VISUAL": "/usr/bin/nano -w", "EDITOR": "ed"}, file, 3)[-2:] == ["+3", str(file)]
    assert editor_argv({"EDITOR": "vim"}, file, 0) == ["vim", str(file)]
    with pytest.raises(FleetError, match="cannot be read"):
        editor_argv({"EDITOR": "vi 'x"}, file, 1)


# -- what works with each vendor ---------------------------------------------------------------------------------------


async def test_what_does_not_work_with_each_vendor_stands_on_screen_8(
    broken: Any, until: Any, text: Callable[[Any], str]
) -> None:
    async with opened(broken, until, (120, 60)) as (app, pilot):
        await pilot.press("8")
        await until(lambda: "vendors: what does not work with them" in text(app))
        rows = [" ".join(row.split()) for row in text(app).splitlines()]
        assert "claude-code nothing that is known" in rows
        assert "gone x no such story: it is missing" in rows
        (mine,) = [at for at, row in enumerate(rows) if row.startswith("mine")]
        told = " ".join(rows[mine : mine + 2])
        assert "no hooks: acts are not asked about; tokens and money are not counted; after a crash" in told


@pytest.mark.parametrize(("works", "says"), [(CLAUDE, "works"), (BARE, "not")])
async def test_an_agent_s_page_says_what_works_with_its_vendor(
    fleet: Any, until: Any, text: Callable[[Any], str], works: Any, says: str
) -> None:
    fleet.answers["system"] = {"vendors": {"claude-code": works}}
    async with opened(fleet, until, (200, 60)) as (app, pilot):
        await pilot.press("w")
        await until(lambda: "─ vendor claude-code ─" in text(app))
        rows = [row.partition("│")[2] or row for row in text(app).splitlines()]
        shown = " ".join(" ".join(rows).split())
        assert ("no hooks: acts are not asked about" in shown) == (says == "not")
        assert ("acts are asked about first" in shown) == (says == "works")
        assert "fleet vendor show claude-code" in shown


async def test_of_a_vendor_that_nobody_told_of_nothing_is_said(
    fleet: Any, until: Any, text: Callable[[Any], str]
) -> None:
    fleet.answers["system"] = {"vendors": {"another": CLAUDE}}
    async with opened(fleet, until, (200, 60)) as (app, pilot):
        await pilot.press("w")
        await until(lambda: app.parts.report is not None and "─ budget" in text(app))
        assert "─ vendor" not in text(app)


async def test_an_agent_s_page_says_nothing_of_a_watcher_that_does_not_tell(
    fleet: Any, until: Any, text: Callable[[Any], str]
) -> None:
    """It is about something else; who asks on screen 8 is told."""
    asked: list[str] = []

    def refuse(args: Any) -> Any:
        asked.append("system")
        raise FleetError("no answer", "it is busy")

    fleet.answers["system"] = refuse
    async with opened(fleet, until, (200, 60)) as (app, pilot):
        await pilot.press("w")
        await until(lambda: bool(asked) and not app.parts._asking)
        before = app.message
        app.tick()
        app.tick()
        await pilot.pause()
        assert (app.message, asked) == (before, ["system"])
        assert "no answer" not in text(app)
        await pilot.press("8")
        await until(lambda: "no answer: it is busy" in app.message)


async def test_the_forge_says_when_it_is_looked_at_and_what_went_wrong(
    broken: Any, until: Any, text: Callable[[Any], str]
) -> None:
    async with opened(broken, until, (120, 40)) as (app, pilot):
        told = {"repo": "acme/shop", "login": "fleet-bot", "left": 4990, "limit": 5000}
        broken.answers["system"]["forge"] = {**told, "due_ns": app.now_ns + 12 * 10**9, "refusal": ""}
        await pilot.press("8")
        await until(lambda: "acme/shop on GitHub, as fleet-bot, 4990 of 5000 requests left, next look in" in text(app))
        trouble = "GitHub cannot be reached: no such host\x1b[2J"
        broken.answers["system"]["forge"] = {**told, "due_ns": 0, "refusal": trouble}
        await pilot.press("r")
        await until(lambda: "x GitHub cannot be reached: no such host  acme/shop" in text(app))
        assert "looking now" in text(app)
        assert "poll" in [call[0] for call in broken.calls]


async def test_each_repository_there_says_how_it_is(broken: Any, until: Any, text: Callable[[Any], str]) -> None:
    async with opened(broken, until, (120, 40)) as (app, pilot):
        told = {"repo": "acme/shop", "login": "fleet-bot", "left": 4990, "limit": 5000, "refusal": ""}
        home = {**told, "due_ns": app.now_ns + 12 * 10**9}
        api = {**told, "name": "api", "repo": "acme/api", "due_ns": app.now_ns + 40 * 10**9}
        gone = {**api, "name": "web", "repo": "acme/web", "refusal": "not on GitHub: acme/web\x1b[2J"}
        broken.answers["system"] |= {"forge": home, "forges": [api, gone]}
        await pilot.press("8")
        await until(lambda: "acme/shop on GitHub" in text(app))
        assert "api: acme/api on GitHub, as fleet-bot, 4990 of 5000 requests left, next look in 40s" in text(app)
        assert "x web: not on GitHub: acme/web  acme/web on GitHub" in text(app)
