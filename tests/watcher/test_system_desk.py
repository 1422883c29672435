"""What the watcher tells of its configuration and of what it stands on."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.settings.load import load_settings
from fleet_tui.watcher.desks import system_desk
from tests.watcher.conftest import MakeFleet
from tests.watcher.watcher_support import Fleet, agent


async def test_errors_come_with_their_place_and_the_value_in_force(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / ".fleet").mkdir()
    text = "version: 1\nreviews:\n  max_rounds: many\nvendors:\n  claude-code: {env: {TOKEN: 5}}\n"
    (tmp_path / ".fleet" / "config.yaml").write_text(text)
    fleet.ctx.looked_at = load_settings(tmp_path, user_file=tmp_path / "none", environ={}, with_files=False)
    told = (await system_desk.describe(fleet.ctx, 60))["config"]
    assert told["rejected"]
    found = {problem["key"]: problem for problem in told["problems"]}
    rounds = found["reviews.max_rounds"]
    assert (rounds["line"], rounds["column"], rounds["text"]) == (3, 15, "many")
    assert rounds["in_force"] == str(fleet.ctx.settings.reviews.max_rounds)
    assert "> 3 |   max_rounds: many" in rounds["excerpt"]
    secret = next(problem for key, problem in found.items() if "env" in key)
    assert (secret["text"], secret["in_force"]) == ("", "")


async def test_the_parts_say_what_they_are(fleet: Fleet) -> None:
    told = await system_desk.describe(fleet.ctx, 60)
    assert told["watcher"]["uptime_s"] == 60
    assert told["store"]["events"] == fleet.ctx.store.reader.last_seq()
    assert told["store"]["bytes"] > 0
    assert told["git"]["base"] == await fleet.ctx.home.base()
    assert told["isolation"] == {"level": fleet.ctx.level.isolation, "why": fleet.ctx.level.why, "refusal": ""}
    assert "error" in told["tmux"] or told["tmux"]["socket"] == fleet.ctx.tmux.socket_name


async def test_what_works_with_the_vendors_of_the_agents_is_told(make_fleet: MakeFleet) -> None:
    team = [agent("dev", "developer"), agent("ana", "developer") | {"vendor": "claude-code"}]
    fleet = await make_fleet(team)
    told = (await system_desk.describe(fleet.ctx, 60))["vendors"]
    assert sorted(told) == ["claude-code", "shell"]
    assert (told["shell"]["guard"], told["shell"]["usage"], told["shell"]["interrupts"]) == ("none", "none", False)
    assert (told["claude-code"]["guard"], told["claude-code"]["resume"]) == ("closed", True)
    assert told["claude-code"]["interrupts"] is True
