"""Screen 7: templates chosen and searched, a form with what is known filled in, what would run, and the strip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleet_tui.catalogue.read import Catalogue
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import WatcherUnavailable
from fleet_tui.readmodel.catalogue import detail, offer, preview
from fleet_tui.settings.load import load_settings
from fleet_tui.tui.present.new_agent import Sketch, command_line, items
from fleet_tui.tui.screens.new_agent import NewAgentScreen
from fleet_tui.watcher.acts import creating
from tests.tui.tui_support import armed, opened

CONFIG = """\
version: 1
target_branch: main
agents:
  - {name: dev-1, role: developer, vendor: scripted, prompt: Do it.}
gates:
  - {name: test, run: make test}
"""


SHOWN = frozenset(
    [
        "documentation/technical-writer",
        "engineering/backend-developer",
        "engineering/bug-fixer",
        "engineering/developer",
        "engineering/frontend-developer",
        "maintenance/dependency-updater",
        "maintenance/refactorer",
        "product/triage",
        "quality/flaky-test-hunter",
        "quality/qa-engineer",
        "quality/test-author",
        "release/release-manager",
        "review/security-reviewer",
        "review/tech-lead",
    ]
)
"""Of the shipped templates those on these screens: what is drawn does not change with each that is added."""


class Few(creating.Grounds):
    def catalogue(self) -> Catalogue:
        found = super().catalogue()
        entries = tuple(entry for entry in found.entries if entry.source != "shipped" or entry.id in SHOWN)
        return Catalogue(entries, found.problems)


def offering(world: Any, place: Path) -> Path:
    """Let the watcher of ``world`` answer about templates as a real one does, of a repository in ``place``."""
    repository = place / "shop"
    (repository / ".fleet").mkdir(parents=True)
    (repository / ".fleet" / "config.yaml").write_text(CONFIG)
    settings = load_settings(repository, environ={}, user_file=place / "none").require()
    grounds = Few(repository, settings, world.store.reader.ticket, "L1", "8d10b77" + "0" * 33)
    world.answers |= {
        "templates": lambda args: creating.listing(grounds),
        "template": lambda args: creating.describe(grounds, args["template"], args["ticket"]),
        "preview_agent": lambda args: steady(creating.preview(grounds, creating.prepare(grounds, args))),
        "create_agent": lambda args: {"message": f"{args['agent']} is made"},
    }
    return repository


def steady(shown: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from machine to machine."""
    disk = [check | {"text": "disk 41 GB free"} if "disk" in check["text"] else check for check in shown["checks"]]
    return shown | {"checks": disk, "launch": "PLAYER --story minimal", "environment": ["FLEET_RUN", "LANG", "PATH"]}


@pytest.fixture
def shop(fleet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fleet with a ticket that waits, and a watcher that knows templates."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    fleet.add(ev.draft(ev.TicketCreated(44, "Cron drift", "Mend it.", "0" * 64, [], [], 0), "ticket:44"))
    offering(fleet, tmp_path)
    return fleet


async def on_screen(app: Any, pilot: Any, until: Any) -> NewAgentScreen:
    await pilot.press("7")
    await until(lambda: isinstance(app.screen, NewAgentScreen) and app.screen.draft.preview() is not None)
    await pilot.pause()
    screen: NewAgentScreen = app.screen
    return screen


async def test_u13_from_a_ticket_to_an_agent_in_fourteen_keys(shop: Any, until: Any, text: Any) -> None:
    async with opened(shop, until) as (app, pilot):
        keys = ["4", "slash", *"44", "enter", "7"]
        await pilot.press(*keys)
        await until(lambda: isinstance(app.screen, NewAgentScreen) and app.screen.draft.preview() is not None)
        assert app.screen.form.current == "name"
        tabs = 0
        while app.screen.form.current != "Create":
            await pilot.press("tab")
            tabs += 1
        await pilot.press("enter")
        await armed(app, until)
        shown = text(app)
        assert "CREATE AGENT cron-drift" in shown
        assert "Starts on ticket #44 Cron drift, and no other. The draft is made ready." in shown
        assert [op for op, _ in shop.calls].count("create_agent") == 0
        await pilot.press("y")
        await until(lambda: "create_agent" in [op for op, _ in shop.calls])
        # Typed text (the ticket's number) is not counted; two keys open and close the field that finds it.
        assert 1 + 2 + 1 + tabs + 1 <= 14
        args = dict(shop.calls)["create_agent"]
        assert (args["agent"], args["template"], args["ticket"]) == ("cron-drift", "engineering/developer", 44)
        assert args["fills"]["test_command"] == "make test"
        assert args["seen"] == app.screen.draft.preview().sha


@pytest.mark.parametrize("typed", ["new T-44", "new #44"])
async def test_u13_by_name(shop: Any, until: Any, text: Any, typed: str) -> None:
    async with opened(shop, until) as (app, pilot):
        await pilot.press("colon", *typed)
        await until(lambda: app.screen.query("CommandList") and app.screen.query_one("CommandList").option_count > 0)
        await pilot.pause()
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, NewAgentScreen) and app.screen.draft.preview() is not None)
        assert app.screen.form.current == "Create"
        await pilot.press("enter")
        await armed(app, until)
        assert "Starts on ticket #44 Cron drift" in text(app)
        await pilot.press("y")
        await until(lambda: "create_agent" in [op for op, _ in shop.calls])


async def test_it_is_tried_dry_before_it_is_made(shop: Any, until: Any, text: Any) -> None:
    """All that `fleet agent create --dry-run` tells, over the whole screen; then the same agent is made."""
    async with opened(shop, until, (120, 60)) as (app, pilot):
        screen = await on_screen(app, pilot, until)
        await pilot.press("enter", "delete", *"sam", "pagedown", "d")
        await until(lambda: "d: what it would be is not known yet" in app.message or screen.has_class("-dry"))
        await until(lambda: screen.draft.preview() is not None)
        if not screen.has_class("-dry"):
            await pilot.press("d")
        await until(lambda: "dry run of sam from" in text(app) and "templates" not in text(app))
        shown = text(app)
        assert "nothing has been written or started" in shown
        assert "PLAYER --story minimal" in shown
        assert "FLEET_RUN, LANG, PATH" in shown
        assert "note, claim" in shown
        assert "tokens at the start of each run" in shown
        assert "# How to work in this fleet" in shown
        assert "create_agent" not in [op for op, _ in shop.calls]
        await pilot.press("C")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: "create_agent" in [op for op, _ in shop.calls])
        assert dict(shop.calls)["create_agent"]["agent"] == "sam"
        assert not screen.has_class("-dry")


async def test_from_a_dry_run_back_to_the_form(shop: Any, until: Any, text: Any) -> None:
    """And the message line tells all of the field that has the cursor."""
    async with opened(shop, until, (80, 24)) as (app, pilot):
        screen = await on_screen(app, pilot, until)
        await pilot.press("enter", "down", "down", "down")
        await until(lambda: "Budget: 2h a day, $6.00 a week, none" in text(app))
        await pilot.press("pagedown", "right")
        for key in ("q", "d", "escape"):
            await pilot.press("enter")
            await until(lambda: screen.has_class("-dry") and "( Create )" not in text(app))
            await pilot.press(key)
            await until(lambda: "( Create )" in text(app))
            assert screen.form.has_focus


@pytest.mark.slow
async def test_what_is_known_stands_while_the_palette_lies_over_it(shop: Any, until: Any, text: Any) -> None:
    async with opened(shop, until) as (app, pilot):
        screen = await on_screen(app, pilot, until)
        asked = [op for op, _ in shop.calls].count("templates")
        await pilot.press("d", "colon")
        await until(lambda: app.screen is not screen)
        await pilot.press("escape")
        await until(lambda: app.screen is screen and "dry run of technical-writer" in text(app))
        await pilot.pause()
        assert [op for op, _ in shop.calls].count("templates") == asked
        await pilot.press("1", "7")
        await until(lambda: [op for op, _ in shop.calls].count("templates") == asked + 1)


async def test_enter_and_typing_alone_make_nothing(shop: Any, until: Any) -> None:
    async with opened(shop, until) as (app, pilot):
        screen = await on_screen(app, pilot, until)
        await pilot.press("enter", "pagedown", "enter", "enter", "enter")
        await pilot.pause()
        assert "create_agent" not in [op for op, _ in shop.calls]
        await pilot.press("escape")
        assert not screen.strip.request


async def test_a_template_is_searched_chosen_and_shown(shop: Any, until: Any, text: Any) -> None:
    async with opened(shop, until) as (app, pilot):
        screen = await on_screen(app, pilot, until)
        await pilot.press("slash", *"misuse", "enter")
        await pilot.pause()
        assert "templates 1 of 14: misuse" in text(app)
        await until(lambda: screen.draft.preview() is not None and "(reviewer)" in text(app))
        assert screen._chosen == "review/security-reviewer"
        assert "pr_needs_review" in text(app)
        assert "Ticket" not in [field.label for field in screen.form.fields]
        await pilot.press("slash", *"zzz", "enter")
        await pilot.pause()
        assert "no template says" in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "templates 14" in text(app)
        await pilot.press("escape")
        await until(lambda: app.current_mode == "wall")


async def test_what_is_typed_is_checked_when_the_field_is_left_and_kept(shop: Any, until: Any, text: Any) -> None:
    async with opened(shop, until) as (app, pilot):
        screen = await on_screen(app, pilot, until)
        await pilot.press("enter", "delete", *"dev-1", "tab")
        await until(lambda: "the name is taken" in text(app))
        await pilot.press("escape", "C")
        await until(lambda: "C: the name is taken" in app.message)
        await pilot.press("1", "7")
        await pilot.pause()
        assert "[dev-1]" in text(app)
        assert "draft kept" in text(app)
        await pilot.press("enter", "delete", *"sam", "escape")
        await until(lambda: screen.draft.preview() is not None)
        await pilot.press("C")
        await armed(app, until)
        assert "CREATE AGENT sam" in text(app)


async def test_letters_are_text_in_a_field_and_commands_elsewhere(shop: Any, until: Any, text: Any) -> None:
    async with opened(shop, until) as (app, pilot):
        screen = await on_screen(app, pilot, until)
        await pilot.press("enter", "delete", *"q1Cw", "left", "left", "x", "backspace", "home", "a")
        await pilot.pause()
        assert screen.form.fields[2].value == "aq1Cw"
        assert "Esc leaves, kept" in text(app)
        await pilot.press("pagedown", "1")
        await until(lambda: app.current_mode == "wall")


async def test_a_template_changed_while_one_looks_makes_nothing(shop: Any, until: Any, text: Any) -> None:
    """The strip sends exactly what was shown."""
    async with opened(shop, until) as (app, pilot):
        await on_screen(app, pilot, until)
        await pilot.press("C")
        strip = await armed(app, until)
        shop.add(ev.draft(ev.ConfigLoaded("9" * 64, "v", [_row("technical-writer")], []), "fleet"))
        app.feed.poke()
        await until(lambda: strip._state is not None and strip._state.field == "changed")
        assert "there is an agent technical-writer now" in text(app)
        await pilot.press("y")
        await pilot.pause()
        assert "create_agent" not in [op for op, _ in shop.calls]


def _row(name: str) -> dict[str, Any]:
    return {"name": name, "role": "developer", "vendor": "scripted", "model": None, "enabled": True,
            "max_concurrent": 1, "department": None, "reports_to": None, "subscribes_to": []}  # fmt: skip


async def test_when_the_agent_is_there_the_form_begins_anew(shop: Any, until: Any) -> None:
    async with opened(shop, until) as (app, pilot):
        screen = await on_screen(app, pilot, until)
        await pilot.press("enter", "delete", *"sam", "escape")
        await until(lambda: screen.draft.preview() is not None)
        await pilot.press("C")
        await armed(app, until)
        await pilot.press("y")
        await until(lambda: "sam is made" in app.message)
        shop.add(ev.draft(ev.ConfigLoaded("9" * 64, "v", [_row("sam")], []), "fleet"))
        app.feed.poke()
        await until(lambda: screen.draft.typed == {})
        await pilot.press("1")
        await until(lambda: app.current_mode == "wall")


def test_the_command_that_makes_the_same_in_a_shell() -> None:
    asked = {"agent": "sam", "template": "house/painter", "ticket": {"number": 4, "state": "draft"}}
    sketch = Sketch(
        {"name": "sam", "budget": "$6.00 a week", "fill:run": "make 'x'", "fill:other": "y", "starts": "note, claim"}
    )
    template = detail({"form": {"fills": [{"name": "run"}, {"name": "unsaid"}]}})
    told = command_line(preview(asked), template, sketch, ("fleet",))
    assert told == (
        "fleet agent create sam --template house/painter --budget '$6.00 a week' --ticket 4 --ready "
        "--set 'run=make '\"'\"'x'\"'\"'' --on note --on claim"
    )


async def test_what_must_be_said_is_named(shop: Any, until: Any, text: Any, tmp_path: Path) -> None:
    (tmp_path / "shop" / ".fleet" / "config.yaml").write_text(CONFIG.partition("gates")[0])
    settings = load_settings(tmp_path / "shop", environ={}, user_file=tmp_path / "none").require()
    grounds = creating.Grounds(tmp_path / "shop", settings, shop.store.reader.ticket)
    shop.answers["template"] = lambda args: creating.describe(grounds, args["template"], args["ticket"])
    async with opened(shop, until) as (app, pilot):
        await pilot.press("4", "slash", *"44", "enter", "7")
        await until(lambda: "must be said" in text(app))
        assert "x Test command: must be said" in text(app)
        await pilot.press("escape", "C")
        await until(lambda: "C: Test command: must be said" in app.message)


def test_names_are_whole_where_there_is_room_and_what_is_called_so_comes_first() -> None:
    names = (
        "data/go-between",
        "engineering/browser-extension-developer",
        "engineering/go-developer",
        "review/tech-lead",
    )
    rows = [dict(_ROW, id=name, category=name.split("/")[0], name=name.split("/")[1]) for name in names]
    given = offer({"templates": rows})

    def lines(words: str, width: int) -> list[str]:
        return ["".join(span.text for span in item.lines[0]) for item in items(given, words, width)]

    assert lines("", 47)[3] == "  browser-extension-devel… medium 4h/day    3x"
    assert lines("", 80)[3] == "  browser-extension-developer    cost medium  4h a day     used 3x"
    for width in (36, 40, 47, 57, 58, 80):
        assert max(map(len, lines("", width))) <= width
    assert [line.split()[0] for line in lines("go-dev", 47)] == ["engineering", "go-developer"]
    assert [line.split()[0] for line in lines("go", 47)] == ["data", "go-between", "engineering", "go-developer"]
    assert [line.split()[0] for line in lines("developer go", 47)][:2] == ["engineering", "go-developer"]


_ROW = {"title": "", "purpose": "", "role": "", "cost": "medium", "budget": "4h a day", "risk": "low", "used": 3}


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_without_the_watcher_it_says_what_can_be_done(fleet: Any, until: Any, text: Any, size: Any) -> None:
    fleet.answers["templates"] = WatcherUnavailable("the watcher is not running", "nobody listens", "fleet up")
    async with opened(fleet, until, size) as (app, pilot):
        await pilot.press("7")
        await until(lambda: "the watcher is not running" in text(app))
        if size[0] == 80:
            await pilot.press("tab")
            await pilot.pause()
        assert "fleet template list" in text(app)
        await pilot.press("C")
        await until(lambda: "C: what it would be is not known yet" in app.message)


async def test_it_asks_again_when_the_watcher_is_back(shop: Any, until: Any, text: Any) -> None:
    real = shop.answers["templates"]
    shop.answers["templates"] = WatcherUnavailable("the watcher is not running", "nobody listens", "fleet up")
    async with opened(shop, until) as (app, pilot):
        await pilot.press("7")
        await until(lambda: "the watcher is not running" in text(app))
        shop.answers["templates"] = real
        shop.add(ev.draft(ev.Note("something happened"), "fleet"))
        app.feed.poke()
        await until(lambda: "templates 14" in text(app))


async def test_a_broken_template_is_told_in_the_list(shop: Any, until: Any, text: Any, tmp_path: Path) -> None:
    place = tmp_path / "shop" / ".fleet" / "templates" / "house"
    place.mkdir(parents=True)
    (place / "a.yaml").write_text("title: [red]x[/]\n")
    (place / "a.md").write_text("x\n")
    async with opened(shop, until) as (app, pilot):
        await on_screen(app, pilot, until)
        await pilot.press("G")
        await pilot.pause()
        assert "cannot be used" in "\n".join(str(item.lines) for item in app.screen.query_one("#templates").items)


async def test_small_screens_show_one_part_at_a_time(shop: Any, until: Any, text: Any) -> None:
    async with opened(shop, until, (60, 16)) as (app, pilot):
        await on_screen(app, pilot, until)
        assert "templates 14" in text(app)
        assert "what will run" not in text(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "Technical writer" in text(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "( Create )" in text(app) or "Template" in text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "templates 14" in text(app)
