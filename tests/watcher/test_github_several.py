"""Several repositories on GitHub: issues are of the home, each pull request is where its work lands, and one that
fails holds up no other. Through the real gh and git, against the stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet_tui.domain.errors import Conflict
from fleet_tui.domain.states import PullRequestState, TicketState
from fleet_tui.readmodel.system import report
from fleet_tui.watcher.desks import system_desk
from fleet_tui.watcher.verify import verify_fleet
from tests.github.fixture import Site
from tests.github.state import Repository
from tests.watcher.conftest import MakeFleet
from tests.watcher.github_several_support import SAYS, SERVES, fleet, there
from tests.watcher.github_support import look, on_github
from tests.watcher.several_support import CHECKED, TEAM, api, to_landing
from tests.watcher.watcher_support import Fleet, git

__all__ = ["api", "fleet", "there"]


@pytest.mark.slow
async def test_each_lands_where_its_ticket_is_of(fleet: Fleet, github: Site, there: Repository, api: Path) -> None:
    shop = github.repository
    assert [fleet.of_ticket(number).repo for number in (1, 2)] == ["api", ""]
    await to_landing(fleet, 1, SERVES)
    await to_landing(fleet, 2, SAYS)
    await fleet.settle()
    (served,), (said,) = there.pulls(), shop.pulls()
    assert served.number == said.number, "numbers of GitHub's are told apart by their repository"
    assert (served.base, said.base) == ("trunk", "main")
    assert "Closes acme/shop#1" in served.body
    assert "Closes #2" in said.body
    await look(fleet)
    assert [pull.merged is not None for pull in (served, said)] == [True, True]
    assert [fleet.of_ticket(number).state for number in (1, 2)] == [TicketState.SHIPPED] * 2
    assert [shop.item(number).state for number in (1, 2)] == ["closed"] * 2, (
        "also the one that nothing closes by itself"
    )
    assert {one.number: one.state for one in there.items.values()}[1] == "open", (
        "an issue of that number there is no ticket"
    )
    assert (api / "server.py").read_text() == SERVES["server.py"]
    assert git(fleet.ctx.paths.repository, "show", "main:app.py") == SAYS["app.py"].strip()
    assert "ticket acme/shop#1, by dev" in there.git("log", "-1", "--format=%b", "trunk")
    assert [told for told in await verify_fleet(fleet.ctx.paths, deep=True) if told.startswith("P5")] == []
    shop.reopen(shop.item(1))
    await look(fleet)
    await look(fleet)
    assert shop.item(1).state == "open", "who opens it again has a reason to"


@pytest.mark.slow
async def test_one_that_is_gone_there_holds_up_its_own_alone(fleet: Fleet, github: Site, there: Repository) -> None:
    mine = await to_landing(fleet, 1, SERVES)
    github.hub.delete(there)
    other = await to_landing(fleet, 2, SAYS)
    await look(fleet)
    await look(fleet)
    assert fleet.pr(other).state is PullRequestState.MERGED
    assert fleet.pr(mine).state is not PullRequestState.MERGED
    (alarm,) = fleet.alarms("forge")
    assert (alarm.about, "acme/api on GitHub" in alarm.title) == ("repo:api", True)
    told = report(await system_desk.describe(fleet.ctx, 1))
    home, further = (part for part in told.parts if part.name == "forge")
    assert (home.trouble, further.trouble.startswith("api: not on GitHub")) == ("", True)
    github.hub.restore(there)
    for _ in range(2):
        fleet.ctx.jobs._failures.clear()
        await fleet.person.answer("kim", "poll", {})
        await look(fleet)
    assert fleet.pr(mine).state is PullRequestState.MERGED
    assert fleet.alarms() == []


@pytest.mark.slow
async def test_a_landing_in_doubt_holds_up_its_own_alone(fleet: Fleet, github: Site, there: Repository) -> None:
    """GitHub takes the merge and its answer is lost; then nothing of that repository is answered for a while."""
    mine = await to_landing(fleet, 1, SERVES)
    await fleet.settle()
    await look(fleet)
    there_again = github.server.fail("POST /graphql", drop=True, after=True)
    assert there_again is not None
    other = await to_landing(fleet, 2, SAYS)
    for _ in range(4):
        fleet.ctx.jobs._failures.clear()
        await look(fleet)
    assert [fleet.pr(number).state for number in (mine, other)] == [PullRequestState.MERGED] * 2
    assert [pull.merged is not None for pull in (*there.pulls(), *github.repository.pulls())] == [True, True]


@pytest.mark.slow
async def test_another_repository_of_that_name_is_not_taken_for_it(
    fleet: Fleet, github: Site, there: Repository
) -> None:
    github.hub.rename(there, "server")
    await look(fleet)
    (alarm,) = fleet.alarms("forge-renamed")
    assert (alarm.about, "repos.api.github: acme/server" in alarm.response) == ("repo:api", True)
    github.hub.delete(there)
    impostor = github.hub.create("acme/api")
    await look(fleet)
    (alarm,) = fleet.alarms("forge")
    assert "acme/api on GitHub is not the repository" in alarm.title
    await to_landing(fleet, 1, SERVES)
    await look(fleet)
    assert (impostor.pulls(), fleet.pr().state) == ([], PullRequestState.GATED)


async def test_a_label_must_name_one_that_there_is(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    shop.issue("Where?", "", ["ready", "repo:nowhere"])
    shop.issue("Both", "", ["ready", "repo:api", "repo:home"])
    await look(fleet)
    assert [fleet.ctx.reader.ticket(number) for number in (3, 4)] == [None, None]
    titles = sorted(alarm.title for alarm in fleet.alarms("ticket-file"))
    assert any("label of the issue" in alarm.response for alarm in fleet.alarms("ticket-file"))
    assert ["no repository `nowhere`" in titles[1], "several repositories" in titles[0]] == [True, True]


@pytest.mark.slow
async def test_without_a_place_on_github_its_work_lands_here(make_fleet: MakeFleet, github: Site, api: Path) -> None:
    fleet = await on_github(make_fleet, github, TEAM, repos={"api": CHECKED})
    issue = github.repository.issue("Serve twice", "", ["ready", "repo:api"])
    await fleet.settle()
    await to_landing(fleet, 1, SERVES)
    await look(fleet)
    assert (api / "server.py").read_text() == SERVES["server.py"]
    assert (issue.state, github.repository.pulls()) == ("closed", [])


@pytest.mark.slow
async def test_a_ticket_across_both_is_divided_into_issues(fleet: Fleet, github: Site, api: Path) -> None:
    shop = github.repository
    tasks = "- [ ] api: serve pages\n- [ ] home: show pages in `app.py`\n"
    whole = shop.issue("Pages", f"Blocked by #2\n\n{tasks}", ["ready"])
    await look(fleet)
    given = await fleet.person.answer("kim", "plan", {"ticket": whole.number})
    parts = json.loads(json.dumps(given["parts"]))
    wanted = {"ticket": whole.number, "body_sha": given["body_sha"], "parts": parts}
    made = (await fleet.person.answer("kim", "split", wanted))["parts"]
    first, second = (shop.item(number) for number in made)
    assert [[label.lower() for label in one.labels] for one in (first, second)] == [["repo:api", "ready"], ["ready"]]
    assert f"Blocked by #2, #{first.number}" in second.body
    await to_landing(fleet, 2, SAYS)
    await look(fleet)
    assert [fleet.of_ticket(number).repo for number in made] == ["api", ""]
    await to_landing(fleet, first.number, SERVES)
    await look(fleet)
    await look(fleet)
    await to_landing(fleet, second.number, {"app.py": "print('pages')\n"})
    await look(fleet)
    await look(fleet)
    assert fleet.of_ticket(whole.number).state is TicketState.SHIPPED
    assert [one.state for one in (first, second, whole)] == ["closed"] * 3


@pytest.mark.slow
async def test_parts_of_an_attempt_that_was_broken_off_are_found(fleet: Fleet, github: Site) -> None:
    shop = github.repository
    whole = shop.issue("Pages", "Blocked by #2\n\n- [ ] api: serve\n- [ ] home: show\n", ["ready"])
    shop.issue("Serve", f"Part of #{whole.number}: Pages", [], author=github.hub.viewer)
    shop.issue("Not ours", f"Part of #{whole.number}: Pages", [])
    await look(fleet)
    with github.server.counting() as asked:
        given = await fleet.person.answer("kim", "plan", {"ticket": whole.number})
    assert asked == [], "advice is had without GitHub"
    wanted = {"ticket": whole.number, "body_sha": given["body_sha"], "parts": json.loads(json.dumps(given["parts"]))}
    with pytest.raises(Conflict, match=r"made #4\n"):
        await fleet.person.answer("kim", "split", wanted)
    assert max(shop.items) == 5, "nothing was made"
