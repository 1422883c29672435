"""Anybody may write on GitHub, as much as they like: what is read of it is bounded, and read on in pages."""

from __future__ import annotations

import pytest

from fleet_tui.domain.forges import Trouble
from fleet_tui.forge.aside import REST_NS, Aside
from fleet_tui.forge.gh import Gh, Limits
from fleet_tui.forge.gh_issues import Issues
from fleet_tui.forge.gh_pulls import Pulls
from fleet_tui.forge.trouble import ForgeTrouble
from tests.github.fixture import Site
from tests.github.state import Pull, commit

SHOP = "acme/shop"


@pytest.mark.slow
async def test_comments_that_fill_more_than_an_answer_are_read_in_smaller_pages(github: Site) -> None:
    issue = github.repository.issue("One")
    for number in range(130):
        github.repository.comment(issue, f"{number} " + "<" * 500, author="mallory")
    issues = Issues(Gh(limits=Limits(out_bytes=30_000)), SHOP)
    said = await issues.comments(1)
    assert [comment.body.partition(" ")[0] for comment in said] == [str(number) for number in range(130)]
    with github.server.counting() as seen:
        assert await issues.comments(1) == said
    assert {request.status for request in seen} == {304}, "the size that was found is remembered, and costs nothing"


async def test_more_comments_than_are_read_are_told(github: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet_tui.forge.gh._MOST_ITEMS", 100)
    issue = github.repository.issue("One")
    for number in range(101):
        github.repository.comment(issue, str(number), author="mallory")
    with pytest.raises(ForgeTrouble, match="1 has more than 100 comments") as raised:
        await Issues(Gh(), SHOP).comments(1)
    assert (raised.value.trouble, raised.value.trouble.is_of_one) == (Trouble.TOO_LONG, True)


def offered(github: Site) -> tuple[Pull, str]:
    sha = commit(github.repository, "work", {"a": "b"})
    return github.repository.open_pull("work", "main", "T"), sha


@pytest.mark.slow
async def test_every_review_conversation_and_check_of_a_pull_request_is_seen(github: Site) -> None:
    pull, sha = offered(github)
    for number in range(230):
        github.repository.review(pull, "COMMENT", "spam", author=f"mallory-{number}")
        github.repository.review(pull, "APPROVE", "x" * 2_000, author=f"mallory-{number}")
    github.repository.review(pull, "REQUEST_CHANGES", "no", author="rev")
    for number in range(130):
        github.repository.thread(pull, f"a/{number}", "x" * 2_000, author="mallory")
        github.repository.check(sha, f"check-{number}", "success")
    pulls = Pulls(Gh(limits=Limits(out_bytes=100_000)), SHOP)
    with github.server.counting() as seen:
        found = await pulls.view(1)
    assert (found.complete, found.longer, len(seen)) == (True, False, 3)
    assert (len(found.reviews), found.reviews[-1].author) == (231, "rev")
    assert len({thread.path for thread in found.threads}) == len(found.threads) == 130
    assert len({check.name for check in found.checks}) == len(found.checks) == 130


async def test_what_goes_on_for_ever_is_not_read_for_ever(github: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet_tui.forge.gh_pulls._MOST_PAGES", 2)
    pull, _ = offered(github)
    for number in range(201):
        github.repository.review(pull, "APPROVE", author=f"mallory-{number}")
    found = await Pulls(Gh(), SHOP).view(1)
    assert (found.complete, found.longer, len(found.reviews)) == (False, True, 200)


async def test_a_push_between_two_pages_is_no_whole_picture(github: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    pull, _ = offered(github)
    for number in range(101):
        github.repository.review(pull, "APPROVE", author=f"mallory-{number}")
    gh = Gh()
    asked, first = gh.graphql, list[object]()

    async def pushed(*args: object, **more: object) -> object:
        answer = await asked(*args, **more)  # type: ignore[arg-type]
        if not first:
            first.append(answer)
            commit(github.repository, "work", {"a": "c"})
        return answer

    monkeypatch.setattr(gh, "graphql", pushed)
    assert (await Pulls(gh, SHOP).view(1)).complete is False


# -- one thing's trouble -----------------------------------------------------------------------------------------------


class Clock:
    at_ns = 1

    def __call__(self) -> int:
        return self.at_ns


def trouble(kind: Trouble) -> ForgeTrouble:
    return ForgeTrouble(kind, "x")


def test_what_is_not_over_by_itself_rests_until_a_person_looks() -> None:
    clock = Clock()
    aside = Aside(clock)
    aside.put(7, trouble(Trouble.TOO_LONG))
    assert (aside.rests(7), aside.rests(8), list(aside.all_told())) == (True, False, [7])
    clock.at_ns += REST_NS
    assert not aside.rests(7)
    aside.put(7, trouble(Trouble.TOO_LONG))
    aside.begin(anew=False)
    assert aside.rests(7)
    aside.begin(anew=True)
    assert (aside.rests(7), aside.all_told()) == (False, {})
    aside.put(7, trouble(Trouble.TOO_LONG))
    assert list(aside.all_told()) == [7]
    aside.done(7)
    assert aside.all_told() == {}


def test_what_may_be_over_is_tried_again_and_told_when_it_is_not() -> None:
    aside = Aside(Clock())
    for told in (False, False, True):
        aside.begin(anew=False)
        aside.put(7, trouble(Trouble.SERVER))
        assert (aside.rests(7), aside.told(7) is not None) == (False, told)
    aside.only([8])
    assert aside.all_told() == {}


@pytest.mark.parametrize("kind", [kind for kind in Trouble if not kind.is_of_one])
def test_the_forge_s_own_trouble_is_that_of_no_single_thing(kind: Trouble) -> None:
    aside = Aside(Clock())
    in_a_row = 3 if kind in (Trouble.SERVER, Trouble.SLOW) else 1
    for key in range(1, in_a_row):
        aside.put(key, trouble(kind))
    with pytest.raises(ForgeTrouble):
        aside.put(in_a_row, trouble(kind))
