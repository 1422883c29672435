"""Bad days of one of several repositories on GitHub, and what people change in the middle: nothing is lost, done twice,
or sent to the wrong place."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.states import PullRequestState, RunState, TicketState
from fleet_tui.watcher.context import Context
from fleet_tui.watcher.passes import dispatch, tickets
from fleet_tui.watcher.upstream import claiming
from tests.github.fixture import Site
from tests.github.state import Repository
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_several_support import SERVES, fleet, there
from tests.watcher.github_support import look, on_github
from tests.watcher.several_support import CHECKED, TEAM, api, reviewed, to_landing, written
from tests.watcher.watcher_support import Fleet, git

__all__ = ["api", "fleet", "there"]

pytestmark = pytest.mark.slow


async def started_again(fleet: Fleet, **repos: object) -> None:
    """Another watcher of the same fleet, with ``repos`` in its configuration."""
    ctx = fleet.ctx
    config = ctx.paths.repository / ".fleet" / "config.yaml"
    document = yaml.safe_load(config.read_text())
    if repos:
        document["repos"] = repos
    config.write_text(yaml.safe_dump(document, sort_keys=False))
    clock = fleet.clock_ns
    await fleet.close()
    again = await Fleet.open(ctx.paths.repository)
    fleet.ctx, fleet.desk, fleet.person, fleet.stops = again.ctx, again.desk, again.person, again.stops
    again.clock_ns = clock
    fleet.ctx.now_ns = lambda: fleet.clock_ns


async def test_an_issue_that_could_not_be_closed_is_closed_later(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    github.server.fail("PATCH /repos/acme/shop/issues/1$", 502, times=1)
    await to_landing(fleet, 1, SERVES)
    await look(fleet)
    assert fleet.of_ticket(1).state is TicketState.SHIPPED
    assert shop.item(1).state == "open"
    await started_again(fleet)
    for _ in range(3):
        fleet.ctx.jobs._failures.clear()
        await look(fleet)
    assert shop.item(1).state == "closed"
    with github.server.counting() as seen:
        await look(fleet)
    assert [str(one) for one in seen if "/issues/1" in one.path] == []


async def test_an_issue_whose_closing_was_not_written_down_is_closed_once(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    github.server.fail("PATCH /repos/acme/shop/issues/1$", drop=True, after=True)
    with github.server.counting() as seen:
        await to_landing(fleet, 1, SERVES)
        await look(fleet)
        assert shop.item(1).state == "closed"
        await started_again(fleet)
        await look(fleet)
        await look(fleet)
    assert len([one for one in seen if one.method == "PATCH" and one.path.endswith("/issues/1")]) == 1
    shop.reopen(shop.item(1))
    shop.add_label(shop.item(1), "ready")
    await look(fleet)
    await look(fleet)
    assert shop.item(1).state == "open"


async def test_who_opens_again_what_somebody_else_closed_has_a_reason_to(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    pr = await written(fleet, 1, SERVES)
    await fleet.settle()
    await reviewed(fleet, pr)
    shop.close(shop.item(1))
    await look(fleet)
    await fleet.approve(fleet.open_approval(pr))
    await look(fleet)
    await look(fleet)
    assert fleet.pr(pr).state is PullRequestState.MERGED
    shop.reopen(shop.item(1))
    shop.add_label(shop.item(1), "ready")
    await look(fleet)
    await look(fleet)
    assert shop.item(1).state == "open"


async def test_a_landing_in_doubt_is_not_repeated_here_when_its_place_there_is_taken_away(
    fleet: Fleet, github: Site, there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = fleet.ctx.others["api"].upstream
    assert upstream is not None
    merge = upstream.forge.pulls.merge

    async def killed(*args: Any) -> Any:
        await merge(*args)
        github.hub.delete(there)
        raise asyncio.CancelledError  # the watcher is killed before it can write down what became of it

    monkeypatch.setattr(upstream.forge.pulls, "merge", killed)
    pr = await to_landing(fleet, 1, SERVES)
    before = await fleet.ctx.others["api"].control.target_sha()
    await fleet.settle()
    (pull,) = there.pulls()
    assert pull.merged
    await started_again(fleet, api=CHECKED)
    await look(fleet)
    assert await fleet.ctx.others["api"].control.target_sha() == before
    (alarm,) = fleet.alarms("land")
    assert (alarm.about, "acme/api" in alarm.response) == (f"pr:{pr}", True)
    github.hub.restore(there)
    await started_again(fleet, api=CHECKED | {"github": "acme/api", "remote": str(there.git_dir)})
    await look(fleet)
    await look(fleet)
    assert fleet.pr(pr).state is PullRequestState.MERGED
    assert fleet.pr(pr).merge_sha == pull.merge_commit
    assert fleet.alarms() == []


async def test_nothing_is_sent_to_another_repository_that_the_configuration_names(
    fleet: Fleet, github: Site, there: Repository
) -> None:
    other, place = github.hub.create("acme/other"), fleet.ctx.others["api"].user.path
    other.default_branch = "trunk"
    git(place, "push", "--quiet", str(other.git_dir), "trunk")
    there.git_dir.rename(there.git_dir.with_suffix(".away"))
    pr = await written(fleet, 1, SERVES)
    await fleet.settle()
    assert fleet.ctx.jobs.failures("publish:1")
    await started_again(fleet, api=CHECKED | {"github": "acme/other", "remote": str(other.git_dir)})
    await look(fleet)
    await look(fleet)
    assert list(other.heads()) == ["main", "trunk"]
    (alarm,) = fleet.alarms("forge")
    assert "acme/other on GitHub is not the repository that was there before" in alarm.title
    # A person means it: the numbers of before are nothing there, and what is not shown yet is.
    remembered = Path(alarm.response.partition("remove ")[2].partition(",")[0])
    remembered.unlink()
    await started_again(fleet)
    await look(fleet)
    await look(fleet)
    assert [pull.head for pull in other.pulls()] == [fleet.pr(pr).branch]
    assert fleet.alarms() == []


async def test_a_label_put_on_meanwhile_counts_before_work_begins(
    fleet: Fleet, github: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person labels it `ready`, then where it lands; between the two the fleet has looked."""
    shop = github.repository
    issue = shop.issue("Serve thrice", "", ["ready"])
    fleet.later(60)
    claim = claiming.claim

    async def late(ctx: Context) -> None:
        if ctx.reader.runs(RunState.QUEUED, ticket=issue.number):
            shop.add_label(issue, "repo:api")
        await claim(ctx)

    monkeypatch.setattr(claiming, "claim", late)
    await fleet.settle()
    await look(fleet)
    (run,) = fleet.ctx.reader.runs(RunState.QUEUED, ticket=issue.number)
    assert "Repo:api" in issue.labels
    assert fleet.ctx.repository_of(run).name == "api"
    assert fleet.alarms() == []
    assert len([one for one in issue.comments if "fleet:claim" in one.body]) == 1


async def test_what_has_landed_here_stays_when_the_repository_comes_to_github(
    make_fleet: MakeFleet, github: Site, there: Repository, api: Path
) -> None:
    fleet = await on_github(make_fleet, github, TEAM, repos={"api": CHECKED})
    github.repository.issue("Serve twice", "", ["ready", "repo:api"])
    await fleet.settle()
    await to_landing(fleet, 1, SERVES)
    await look(fleet)
    landed = git(api, "rev-parse", "trunk")
    assert await fleet.ctx.others["api"].control.target_sha() == landed
    await started_again(fleet, api=CHECKED | {"github": "acme/api", "remote": str(there.git_dir)})
    await look(fleet)
    await look(fleet)
    assert await fleet.ctx.others["api"].control.target_sha() == landed
    assert git(api, "rev-parse", "trunk") == landed
    (alarm,) = fleet.alarms()
    assert (alarm.rule, alarm.about) == ("target-diverged", "repo:api")
    assert "lacks what landed with PR 1" in alarm.title
    git(api, "push", "--quiet", str(there.git_dir), "trunk")
    await look(fleet)
    assert fleet.alarms() == []


async def test_a_label_that_is_set_late_moves_no_ticket_back(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    before = fleet.of_ticket(2)
    shop.add_label(shop.item(2), "later")
    await look(fleet)
    assert "later" in fleet.of_ticket(2).labels
    await tickets._relabel(fleet.ctx, before, set(), set())
    assert "later" in fleet.of_ticket(2).labels


async def test_what_is_amiss_with_an_issue_of_ours_is_not_hidden_among_strangers(fleet: Fleet, github: Site) -> None:
    for number in range(4):
        github.repository.issue(f"Strange {number}", "", ["ready"], author="eve")
    github.repository.issue("Both", "", ["ready", "repo:api", "repo:home"])
    await look(fleet)
    titles = [alarm.title for alarm in fleet.alarms("ticket-file")]
    assert [title for title in titles if "issue 7: it is of several repositories" in title]
    assert [title for title in titles if "1 more by people whose words do not count" in title]


async def test_where_the_whole_stays_is_nothing_of_its_parts(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    tasks = "- [ ] api: serve pages\n- [ ] home: show pages\n"
    whole = shop.issue("Pages", f"Blocked by #2\n\nScope: `app.py`\n\n{tasks}", [])
    shop.comment(whole, "Scope: `docs/`")
    shop.add_label(whole, "ready")
    await look(fleet)
    assert fleet.of_ticket(whole.number).scope == ("app.py",)
    given = await fleet.person.answer("kim", "plan", {"ticket": whole.number})
    parts = json.loads(json.dumps(given["parts"]))
    parts[1]["scope"] = ["pages.py"]
    wanted = {"ticket": whole.number, "body_sha": given["body_sha"], "parts": parts}
    made = (await fleet.person.answer("kim", "split", wanted))["parts"]
    await look(fleet)
    assert [fleet.of_ticket(number).scope for number in made] == [(), ("pages.py",)]


async def test_a_landing_here_in_doubt_is_known_when_the_repository_comes_to_github(
    make_fleet: MakeFleet, github: Site, there: Repository, api: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await on_github(make_fleet, github, TEAM, repos={"api": CHECKED})
    github.repository.issue("Serve twice", "", ["ready", "repo:api"])
    await fleet.settle()
    pr = await to_landing(fleet, 1, SERVES)
    control = fleet.ctx.others["api"].control
    land = control.land

    async def killed(*args: Any) -> Any:
        await land(*args)
        raise asyncio.CancelledError

    monkeypatch.setattr(control, "land", killed)
    with pytest.raises(asyncio.CancelledError):
        await fleet.settle()
    await started_again(fleet, api=CHECKED | {"github": "acme/api", "remote": str(there.git_dir)})
    await look(fleet)
    assert fleet.pr(pr).state is PullRequestState.MERGED
    (alarm,) = fleet.alarms()
    assert "lacks what landed" in alarm.title
    assert there.pulls() == []


async def test_a_ticket_that_is_being_divided_is_divided_once_and_taken_by_nobody(
    fleet: Fleet, github: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On GitHub each part takes a while."""
    shop = github.repository
    whole = shop.issue("Pages", "- [ ] api: serve pages\n- [ ] home: show pages\n", [])
    await look(fleet)
    shop.add_label(whole, "ready")
    assert fleet.ctx.upstream is not None
    await fleet.ctx.upstream.forge.look([whole.number], thoroughly=True)
    fleet.ctx.look_at_tickets = True
    await tickets.observe(fleet.ctx)
    assert fleet.of_ticket(whole.number).state is TicketState.READY
    given = await fleet.person.answer("kim", "plan", {"ticket": whole.number})
    wanted = {"ticket": whole.number, "body_sha": given["body_sha"], "parts": json.loads(json.dumps(given["parts"]))}
    create = fleet.ctx.forge.create_ticket

    async def slowly(*args: Any) -> Any:
        await dispatch.assign(fleet.ctx)
        return await create(*args)

    monkeypatch.setattr(fleet.ctx.forge, "create_ticket", slowly)
    both = (fleet.person.answer(name, "split", wanted) for name in ("kim", "ann"))
    done, refused = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(done, dict)
    assert isinstance(refused, Conflict)
    assert len([one for one in shop.items.values() if one.body.startswith(f"Part of #{whole.number}")]) == 2
    assert fleet.ctx.reader.runs(ticket=whole.number) == []
