"""A ticket across repositories: which task is of which, and in what order they are done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.governance.fanout.across import across
from fleet_tui.governance.fanout.advice import problems
from fleet_tui.governance.fanout.reading import read
from fleet_tui.governance.fanout.values import Part
from tests.examples import tried

KNOWN = ("home", "api", "web")


def parts(body: str, own: str = "home") -> list[tuple[str, str, tuple[int, ...]]]:
    advice = across(read(body), own, KNOWN)
    return [(part.repo, part.title, part.after) for part in advice.parts] if advice is not None else []


def test_what_a_task_begins_with_is_its_repository() -> None:
    body = "- [ ] **api**: return pages\n- [ ] show them\n- [ ] `web`: link them\n- [x] api: done\n"
    assert parts(body) == [("api", "return pages", ()), ("home", "show them", (1,)), ("web", "link them", (2,))]
    assert parts(body, "web") == [("api", "return pages", ()), ("web", "show them (and 1 more)", (1,))]


def test_a_heading_places_what_is_below_it() -> None:
    body = "## api\n- [ ] return pages\n- [ ] tell the next\n## Web:\n- [ ] link them\n"
    assert parts(body) == [("api", "return pages (and 1 more)", ()), ("web", "link them", (1,))]


def test_sections_are_of_the_repository_that_they_are_called_after() -> None:
    body = "## Why\nSlow lists.\n## api\nReturn pages.\n## web: links\nLink them.\n"
    advice = across(read(body), "home", KNOWN)
    assert advice is not None
    assert [(part.repo, part.title) for part in advice.parts] == [("api", "api"), ("web", "links")]
    assert all("Slow lists." in part.body for part in advice.parts)
    assert "Return pages." in advice.parts[0].body


def test_one_repository_alone_is_no_reason_to_divide() -> None:
    assert parts("- [ ] api: one\n- [ ] api: two\n") == []
    assert parts("- [ ] note: one\n- [ ] other: two\n") == []
    assert parts("nothing") == []


def test_scopes_of_different_repositories_have_nothing_in_common() -> None:
    apart = [Part("a", "", ("/src/",), (), "api"), Part("b", "", ("/src/",), (), "web")]
    assert problems(apart) == []
    assert problems([apart[0], apart[0]]) != []


@tried(100)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.sampled_from(KNOWN))
def test_whatever_a_ticket_says_its_parts_fit_together(body: str, own: str) -> None:
    advice = across(read(f"- [ ] api: {body}\n- [ ] web: x\n"), own, KNOWN)
    if advice is None:
        return  # it says nothing, and nothing is no task
    assert problems(advice.parts) == []
    assert {part.repo for part in advice.parts} <= set(KNOWN)
