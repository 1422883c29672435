"""Fan-out: what a ticket names, what must stay together, and that parts can be worked on side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.governance.fanout import imports, naming, reading
from fleet_tui.governance.fanout.advice import ONE, advise, problems
from fleet_tui.governance.fanout.grouping import inside, overlap
from fleet_tui.governance.fanout.values import Evidence, Part, Placed, Task
from fleet_tui.governance.risk.score import matches
from fleet_tui.settings.fanout import Fanout
from tests.examples import tried

RULES = Fanout()
TREE = naming.Tree.of(
    (
        "README.md",
        "app/__init__.py",
        "app/cli/list.py",
        "app/cli/util.py",
        "app/store.py",
        "docs/list.md",
        "web/util.py",
    )
)


def placed(*places: str, title: str = "Do it") -> Placed:
    return Placed(Task(title, title), places)


def commits(*changes: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(change.split()) for change in changes)


# -- the ticket's text -------------------------------------------------------------------------------------------------


def test_task_items_are_the_tasks_and_those_checked_off_are_not() -> None:
    body = (
        "Why\n## Parser\n- [ ] One\n  more of one\n  - [ ] inner\n- [x] Done\n\nAfter\n## Other\n- [ ] **Two** `a_b`\n"
    )
    read = reading.read(body)
    assert [(task.title, task.heading) for task in read.tasks] == [("One", "Parser"), ("Two a_b", "Other")]
    assert "more of one" in read.tasks[0].text
    assert "inner" in read.tasks[0].text
    assert read.done == 1
    assert "Why" in read.rest
    assert "After" in read.rest


def test_without_task_items_sections_are_tasks_else_list_items() -> None:
    sections = reading.read("# Title\n\nintro\n\n## One\na\n\n## Two\nb\n")
    assert [task.title for task in sections.tasks] == ["One", "Two"]
    assert "intro" in sections.rest
    assert all(task.section for task in sections.tasks)
    assert [task.title for task in reading.read("Do:\n1. one\n2) two\n").tasks] == ["one", "two"]
    assert reading.read("Just do it in app/store.py").tasks == ()


def test_what_is_fenced_is_no_task() -> None:
    assert reading.read("```\n- [ ] not me\n# nor me\n```\n- [ ] me\n").tasks[0].title == "me"
    assert len(reading.read("```\n- [ ] not me\n```\n- [ ] me\n").tasks) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see app/store.py.", ("app/store.py",)),
        ("see ./app/store.py:12", ("app/store.py",)),
        ("in store.py", ("app/store.py",)),
        ("in util.py", ()),  # two of this name
        ("in cli/util.py", ("app/cli/util.py",)),
        ("all of app/cli/", ("app/cli/",)),
        ("all of app/*.py", ("app/",)),
        ("the app is fine", ()),  # a word
        ("the `app` is fine", ("app/",)),
        ("`app.cli.list` has it", ("app/cli/list.py",)),
        ("a new app/export.py", ("app/export.py",)),
        ("a new `export.py`", ("export.py",)),
        ("a new `export.rs`", ()),
        ("read/write and/or CI/CD, e.g. this", ()),
        ("https://example.com/app/store.py", ()),
        ("../app/store.py /etc/passwd app/../x.py .git/config", ()),
        ("$(rm -rf app/store.py)", ("app/store.py",)),
    ],
)
def test_places_that_a_text_names(text: str, found: tuple[str, ...]) -> None:
    assert naming.places(text, TREE) == found


def test_names_are_quoted_and_no_places() -> None:
    assert naming.names("`total_of()` and `Basket`, not `app`, `a b`, total", TREE) == ("Basket", "total_of")


def test_imports_are_found_in_text_that_is_never_run() -> None:
    tree = naming.Tree.of(("src/shop/__init__.py", "src/shop/a.py", "src/shop/b.py", "src/shop/in/__init__.py"))
    sources = {
        "src/shop/a.py": "from shop.b import x\nfrom .b import y\nimport os, shop\nraise SystemExit",
        "src/shop/in/__init__.py": "from .. import a\nfrom ..b import z",
        "src/shop/b.py": "not python (",
        "README.md": "import shop.a",
    }
    assert imports.imports(sources, tree) == {
        "src/shop/a.py": {"src/shop/b.py"},
        "src/shop/in/__init__.py": {"src/shop/a.py", "src/shop/b.py"},
        "src/shop/b.py": frozenset(),
        "README.md": frozenset(),
    }
    assert imports.imports({"a.py": "(" * 100_000}, tree) == {"a.py": frozenset()}


# -- the advice --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (Evidence(()), "no separate tasks"),
        (Evidence((placed("a.py", title="Only this"),)), "one task: Only this"),
        (Evidence((placed("a.py"), placed(title="Somewhere"))), "named by task 2 (Somewhere)"),
        (Evidence((placed("a.py"), placed("b.py")), lines={"a.py": 90, "b.py": 110}), "has 200 lines"),
        (Evidence((placed("a.py"), placed("a.py", "b.py"))), "tasks 1 and 2 are both about a.py"),
        (Evidence((placed("src/"), placed("src/b.py"))), "tasks 1 and 2 are both about src/b.py"),
        (Evidence((placed("src/A.py"), placed("src/a.py"))), "tasks 1 and 2 are both about"),
        (
            Evidence((placed("a.py"), placed("b.py")), commits=commits(*["a.py b.py"] * 3, "a.py", "a.py")),
            "a.py and b.py changed together in 3 of 3 commits",
        ),
        (
            Evidence(
                (placed("a.py"), placed("b.py")), imports={"a.py": frozenset({"b.py"}), "b.py": frozenset({"a.py"})}
            ),
            "tasks 1, 2 need each other: a.py imports b.py, and back",
        ),
        (Evidence((placed("a.py"), *[placed(*(f"f{n}.py" for n in range(401)))])), "402 places"),
    ],
)
def test_one_agent_is_better_and_why(evidence: Evidence, why: str) -> None:
    advice = advise(evidence, RULES)
    assert advice.verdict == ONE
    assert advice.parts == ()
    assert why in " ".join(advice.reasons)


def test_what_changed_together_by_chance_stays_apart() -> None:
    history = commits("a.py b.py", "a.py b.py", *["a.py"] * 3, *["b.py"] * 3)
    assert len(advise(Evidence((placed("a.py"), placed("b.py")), commits=history), RULES).parts) == 2
    rules = Fanout(coupled_times=2, coupled_percent=40)
    assert advise(Evidence((placed("a.py"), placed("b.py")), commits=history), rules).parts == ()


def test_who_imports_comes_after() -> None:
    tasks = (placed("a.py", title="Use it"), placed("lib/", title="Make it"), placed("c.py", title="Else"))
    advice = advise(Evidence(tasks, imports={"a.py": frozenset({"lib/x.py"})}), RULES)
    assert [(part.title, part.after) for part in advice.parts] == [("Make it", ()), ("Use it", (1,)), ("Else", ())]
    assert advice.reasons == ("part 2 comes after part 1: a.py imports lib/x.py",)


def test_sections_that_name_nothing_are_context_of_every_part() -> None:
    background = Placed(Task("Background", "## Background\nlong ago", section=True))
    one = Placed(Task("One", "## One", section=True), ("a.py",))
    two = Placed(Task("Two", "## Two", section=True), ("b.py",))
    advice = advise(Evidence((background, one, two), rest="Intro"), RULES)
    assert [part.title for part in advice.parts] == ["One", "Two"]
    assert all("long ago" in part.body and "Intro" in part.body for part in advice.parts)


def test_places_outside_of_tasks_and_of_the_declared_scope_are_told() -> None:
    history = commits("b.py notes.md")
    evidence = Evidence((placed("a.py"), placed("b.py")), ("notes.md",), history, scope=("*.py",))
    advice = advise(evidence, RULES)
    assert [part.scope for part in advice.parts] == [("/a.py",), ("/b.py", "/notes.md")]
    assert "notes.md is named outside of the tasks: it goes with part 2" in advice.reasons
    assert "outside of the scope that the ticket declares: notes.md" in advice.reasons


def test_too_many_parts_are_put_together() -> None:
    advice = advise(Evidence(tuple(placed(f"{name}.py") for name in "abcde")), Fanout(most_parts=3))
    assert len(advice.parts) == 3
    assert "at most 3 parts" in " ".join(advice.reasons)


# -- properties --------------------------------------------------------------------------------------------------------

FILES = ("a.py", "A.py", "b/c.py", "b/d.py", "b/e/f.py", "b/e", "g.md", "h/i.py", "h/j.py")
PLACES = st.lists(st.sampled_from((*FILES, "b/", "b/e/", "h/")), max_size=3).map(tuple)
EVIDENCE = st.builds(
    lambda tasks, elsewhere, history, links, lines: Evidence(
        tuple(Placed(Task(f"T{n}", f"T{n}"), tuple(sorted(set(places)))) for n, places in enumerate(tasks)),
        tuple(sorted(set(elsewhere))),
        tuple(history),
        links,
        lines,
    ),
    st.lists(PLACES, max_size=6),
    PLACES,
    st.lists(st.frozensets(st.sampled_from(FILES), min_size=1, max_size=4), max_size=8),
    st.dictionaries(st.sampled_from(FILES), st.frozensets(st.sampled_from(FILES), max_size=3), max_size=5),
    st.dictionaries(st.sampled_from(FILES), st.integers(0, 400), max_size=4),
)
SOME_RULES = st.builds(
    Fanout, coupled_times=st.integers(1, 3), coupled_percent=st.integers(1, 100), most_parts=st.integers(2, 4)
)


def named(evidence: Evidence) -> set[str]:
    return {place for task in evidence.tasks for place in task.places} | set(evidence.elsewhere)


@given(EVIDENCE, SOME_RULES)
@tried(1000)
def test_parts_are_disjoint_ordered_and_cover_what_is_named(evidence: Evidence, rules: Fanout) -> None:
    advice = advise(evidence, rules)
    assert advice.reasons
    if not advice.parts:
        assert advice.verdict == ONE
        return
    assert 2 <= len(advice.parts) <= rules.most_parts
    assert problems(advice.parts) == []
    for path in (*FILES, *(f"{place}inner" for place in named(evidence) if place.endswith("/"))):
        assert sum(matches(part.scope, path) for part in advice.parts) <= 1
    places = [place.removeprefix("/") for part in advice.parts for place in part.scope]
    for place in named(evidence):
        assert any(inside(place, one) for one in places) or any(inside(one, place) for one in places)
    for n, part in enumerate(advice.parts, 1):
        assert all(before < n for before in part.after)


@given(EVIDENCE, SOME_RULES)
@tried(500)
def test_every_task_is_in_one_part_and_the_same_every_time(evidence: Evidence, rules: Fanout) -> None:
    advice = advise(evidence, rules)
    assert advise(evidence, rules) == advice
    for task in evidence.tasks if advice.parts else ():
        assert sum(task.task.text in part.body.split("\n\n") for part in advice.parts) == 1


@given(EVIDENCE, SOME_RULES)
@tried(500)
def test_coupled_and_imported_places_end_up_together_or_in_order(evidence: Evidence, rules: Fanout) -> None:
    advice = advise(evidence, rules)
    owner = {place: n for n, part in enumerate(advice.parts, 1) for place in part.scope}

    def of(path: str) -> int | None:
        return next((n for place, n in owner.items() if inside(path, place.removeprefix("/"))), None)

    for path, targets in evidence.imports.items():
        for target in targets:
            importer, imported = of(path), of(target)
            if importer is not None and imported is not None and importer != imported:
                assert imported in advice.parts[importer - 1].after


@given(st.lists(PLACES.filter(bool), min_size=2, max_size=5), SOME_RULES)
@tried(200)
def test_tasks_that_always_change_together_are_not_divided(tasks: list[tuple[str, ...]], rules: Fanout) -> None:
    evidence = tuple(Placed(Task(f"T{n}", ""), places) for n, places in enumerate(tasks))
    together = frozenset(f"{place}x" if place.endswith("/") else place for places in tasks for place in places)
    assert advise(Evidence(evidence, commits=(together,) * 3), rules).parts == ()


@given(st.text(max_size=400), st.sampled_from(("", "- [ ] ", "## ")))
@tried(300)
def test_any_text_can_be_read(text: str, mark: str) -> None:
    read = reading.read(f"{mark}{text}\n{mark}{text}")
    assert all(task.title and "\n" not in task.title for task in read.tasks)
    for place in naming.places(text, TREE):
        assert not place.startswith("/")
        assert ".." not in place.split("/")
        assert not any(overlap(place, ".git/") for _ in (0,))


# -- what a person edited ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([Part("One", "", ())], "fewer than two parts"),
        ([Part("One", "", ()), Part(" ", "", ())], "part 2 has no title"),
        ([Part("One", "", (), (2,)), Part("Two", "", (), (1,))], "part 1 comes after part 2"),
        ([Part("One", "", (), (1,)), Part("Two", "", ())], "part 1 comes after part 1"),
        ([Part("One", "", (), (7,)), Part("Two", "", ())], "part 1 comes after part 7"),
        ([Part("One", "", ("/src/",)), Part("Two", "", ("src/a.py",))], "parts 1 and 2 share src/a.py"),
    ],
)
def test_what_a_person_made_of_it_is_looked_at(parts: list[Part], told: str) -> None:
    assert any(problem.startswith(told) for problem in problems(parts))
