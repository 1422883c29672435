"""Releases on GitHub: the tag is pushed where there is none, the release says what landed, and nothing is half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.errors import Conflict, FleetError
from fleet_tui.domain.states import EffectState
from tests.github.fixture import Site
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_support import look, on_github
from tests.watcher.test_releases import tag
from tests.watcher.watcher_support import Fleet, git

pytestmark = pytest.mark.slow


@pytest.fixture
async def fleet(make_fleet: MakeFleet, github: Site) -> Fleet:
    """One pull request has landed on GitHub."""
    fleet = await on_github(make_fleet, github, forge={"reruns": 0})
    github.repository.issue("Say two", "Print two.", ["ready"])
    await fleet.settle()
    await fleet.author({"app.py": "print('two')\n"})
    await fleet.settle()
    await fleet.verdict("lee")
    await fleet.settle()
    await fleet.approve(fleet.open_approval())
    await fleet.settle()
    return fleet


async def test_the_tag_and_the_release_are_there(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    (pull,) = shop.pulls()
    told = await tag(fleet, dry_run=True)
    assert (told["ready"], told["forge"], shop.git("tag", "--list")) == (True, "github", "")
    answer = await tag(fleet)
    assert answer["message"].endswith("1 landed; tagged on GitHub")
    assert shop.git("rev-parse", "v1.0^{commit}") == shop.sha("main") == pull.merge_commit
    assert shop.git("cat-file", "-t", "v1.0") == "tag"
    release = shop.releases["v1.0"]
    assert release["body"] == f"**Landed**\n\n- `because` (#1, #{pull.number}): by `dev`; reviewed by `lee`"
    (event,) = fleet.events("release_tagged")
    assert event.payload["url"] == release["html_url"]
    with pytest.raises(Conflict, match="is there already"):
        await tag(fleet)
    user = fleet.ctx.paths.repository
    assert git(user, "tag", "--list") == "", "it comes as all else there, by a fetch"
    git(user, "fetch", "--quiet", str(shop.git_dir), "main", "tag", "v1.0")
    assert git(user, "rev-parse", "v1.0") == event.payload["tag_sha"]


async def test_a_tag_of_somebody_s_is_not_moved(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    shop.git("tag", "v1.0", "main~1")
    before = shop.git("rev-parse", "v1.0")
    with pytest.raises(Conflict, match=r"is there already \(GitHub\)"):
        await tag(fleet)
    assert shop.git("rev-parse", "v1.0") == before
    assert shop.releases == {}


async def test_a_tag_that_appears_at_the_last_moment_wins(
    fleet: Fleet, github: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, upstream = github.repository, fleet.ctx.upstream
    assert upstream is not None
    remote, looks = upstream.remote, upstream.remote.fetch

    async def late(branch: str) -> str | None:
        shop.git("tag", "v1.0", "main~1")
        return await looks(branch)

    monkeypatch.setattr(remote, "fetch", late)
    with pytest.raises(Conflict, match="tag exists"):
        await tag(fleet)
    assert (shop.git("rev-parse", "v1.0"), shop.releases) == (shop.git("rev-parse", "main~1"), {})
    assert fleet.events("release_tagged") == []


async def test_a_release_that_github_did_not_make_at_first_is_made_up_for(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    github.server.fail(r"POST .*/releases$", 502)
    answer = await tag(fleet)
    assert "not all of it is there yet" in answer["message"]
    assert (shop.git("tag", "--list"), shop.releases, fleet.events("release_tagged")) == ("v1.0", {}, [])
    await look(fleet)
    assert list(shop.releases) == ["v1.0"]
    (event,) = fleet.events("release_tagged")
    assert event.payload["by"] == "operator:kim"
    assert [effect.state for effect in fleet.ctx.reader.effects(name="tag")] == [EffectState.DONE]


async def test_a_repository_that_takes_no_tags(fleet: Fleet, github: Site) -> None:
    hook = Path(github.repository.git_dir) / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'tags are protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(FleetError, match="tags are protected"):
        await tag(fleet)
    assert [effect.state for effect in fleet.ctx.reader.effects(name="tag")] == [EffectState.READY], "to be tried again"
    hook.unlink()
    fleet.later(1)
    await tag(fleet)
    assert list(github.repository.releases) == ["v1.0"]
