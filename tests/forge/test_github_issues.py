"""What an issue says as a ticket: references, priorities, whose words count. Pure."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.forge.gh_values import Comment, Issue
from fleet_tui.forge.issues import claim_text, claimed_by, record, references, scope_line, scope_of
from fleet_tui.forge.trust import Trust
from fleet_tui.governance.claims import WINDOW_NS, Claim, holder, obstacle

SECOND = 1_000_000_000
EVERYBODY_HERE = Trust.of((), "fleet-bot")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Blocked by #3", (3,)),
        ("blocked by: #3, #4 and #5 because of #6", (3, 4, 5)),
        ("This depends on acme/shop#7.", (7,)),
        ("depends on acme/shop#7, other/repo#8 & #9", (7, 9)),
        ("- [ ] #1\n  - [ ] https://github.com/acme/shop/issues/2\n1. [ ] #3 with words\n- [x] #4\n- #5", (1, 2, 3)),
        ("see #3; it is not blocked", ()),
        ("blocked by nothing, #3", ()),
        ("", ()),
    ],
)
def test_references(body: str, expected: tuple[int, ...]) -> None:
    assert references(body, "Acme/shop") == expected


@pytest.mark.parametrize(
    "body",
    [
        "blocked by " + "#1" * 30_000,
        "Scope:" + "`a`, " * 20_000 + "!",
        "Scope: " * 9_000,
        "Scope: `" + "a\n" * 30_000,
        "- [ ] " * 10_000,
        "blocked by " * 6_000,
        "a#" * 30_000,
    ],
)
def test_no_text_keeps_it_busy(body: str) -> None:
    before = time.process_time()
    references(body, "acme/shop")
    scope_of(body)
    assert time.process_time() - before < 2


def issue(**changes: object) -> Issue:
    told: dict[str, object] = {
        "number": 7, "title": "T", "body": "B", "author": "pat", "association": "MEMBER", "labels": (), "assignees": (),
        "open": True, "state_reason": "", "created": "", "updated": "", "comments": 0,
    }  # fmt: skip
    return Issue(**(told | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "priority"), [((), 3), (("P1",), 1), (("priority: 2", "p4"), 2), (("prio/1",), 1), (("php7",), 3)]
)
def test_priorities(labels: tuple[str, ...], priority: int) -> None:
    assert record(issue(labels=labels), [], (), EVERYBODY_HERE).priority == priority


@pytest.mark.parametrize(
    ("labels", "repo"), [((), ""), (("repo:api",), "api"), (("ready", "Repo: API "), "api"), (("repository:x",), "")]
)
def test_a_label_says_which_repository(labels: tuple[str, ...], repo: str) -> None:
    assert record(issue(labels=labels), [], (), EVERYBODY_HERE).repo == repo


def test_of_several_repositories_it_is_none() -> None:
    told = record(issue(labels=("repo:api", "repo:we\x1bb")), [], (), EVERYBODY_HERE)
    assert told.problem == "issue 7: it is of several repositories: api, we"


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        ("Do it.\n\nScope: `api/**`, `docs/*.md`", ("api/**", "docs/*.md")),
        ("Scope: `a`\r\nmore\r\nScope: `b` `a`\r\n", ("a", "b")),
        ("The Scope: `a`", ()),
        ("Scope: a, b", ()),
        ("Scope: `a` and more", ()),
    ],
)
def test_a_line_says_where_the_work_stays(body: str, scope: tuple[str, ...]) -> None:
    assert (
        record(issue(body=body), [Comment(1, "pat", "MEMBER", "Scope: `c`", "", "")], (), EVERYBODY_HERE).scope == scope
    )


@given(st.lists(st.text(st.characters(categories=["L", "N"], include_characters="/*._-"), min_size=1), max_size=5))
def test_a_scope_is_read_as_it_was_written(patterns: list[str]) -> None:
    assert scope_of(f"Text.{scope_line(patterns)}") == tuple(dict.fromkeys(patterns))


def test_a_claim_is_read_as_it_was_written_and_is_no_part_of_the_ticket() -> None:
    made = Comment(1, "pat", "MEMBER", claim_text("shop-1f3a-9c2b", "dev-1"), "", "")
    assert claimed_by(made) == "shop-1f3a-9c2b"
    assert claimed_by(Comment(2, "pat", "MEMBER", f"> {made.body}", "", "")) == ""
    assert record(issue(), [made], (), EVERYBODY_HERE).body == "B"


# -- whose an issue is -------------------------------------------------------------------------------------------------


def test_the_first_of_a_race_has_it_and_later_the_label_gives_it_away() -> None:
    race = [Claim(1, "a", 0), Claim(2, "b", 5 * SECOND)]
    assert holder(race) == holder(reversed(race)) == "a"
    assert holder([*race, Claim(3, "b", WINDOW_NS + SECOND)]) == "b"
    assert holder([]) == ""
    assert obstacle(["ready"], "ready", race, "b") == ""
    assert obstacle([], "ready", race, "a") == ""
    assert "not labelled" in obstacle([], "ready", race, "b")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3 * WINDOW_NS)), min_size=1, max_size=12))
def test_whoever_reads_the_claims_of_one_race_comes_to_the_same_answer(made: list[tuple[str, int]]) -> None:
    """However many more claims follow within the window, the holder stays who it is."""
    at_ns = sorted(instant for _, instant in made)
    claims = [Claim(number, fleet, at_ns[number]) for number, (fleet, _) in enumerate(made)]
    first = holder(claims)
    late = [
        Claim(100 + n, fleet, at_ns[-1]) for n, fleet in enumerate("abc") if at_ns[-1] - _since(claims) <= WINDOW_NS
    ]
    assert holder([*claims, *late]) in ({first} if late else {first, *"abc"})


def _since(claims: list[Claim]) -> int:
    """When the holder's last claim that counted was made."""
    held = claims[0]
    for claim in claims:
        if claim.fleet == held.fleet or claim.at_ns - held.at_ns > WINDOW_NS:
            held = claim
    return held.at_ns


def test_of_a_scope_as_much_is_read_as_is_written() -> None:
    many = tuple(f"src/{number}/" for number in range(150))
    assert scope_of(scope_line(many)) == many[:100]
    assert scope_of(scope_line(["`", "api/", "  "])) == ("api/",)
    assert scope_line(["`"]) == ""
