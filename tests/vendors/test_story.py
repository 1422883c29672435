"""Stories: which scene is played, and that a broken one is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.errors import FleetError
from fleet_tui.vendors.steps import PLAY
from fleet_tui.vendors.story import MISBEHAVIOURS, STEPS, Scene, Situation, load_story, parse_story

SHIPPED = Path(__file__).parents[2] / "config" / "stories"
DEV = Situation(role="developer", agent="dev", ticket="3", title="Add Login", trigger="ticket_ready", round=1)


def scene_for(text: str, situation: Situation) -> Scene | None:
    return parse_story(text, "s.yaml").scene(situation)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_stories_are_sound(path: Path) -> None:
    assert load_story(path).scenes


def test_every_step_can_be_played() -> None:
    assert STEPS.keys() == PLAY.keys()


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ("{}", True),
        ("{role: developer}", True),
        ("{role: [reviewer, dev*]}", True),
        ("{role: reviewer}", False),
        ("{agent: dev, trigger: ticket_ready}", True),
        ("{agent: dev, trigger: pr_changes_requested}", False),
        ("{ticket: 3}", True),
        ("{ticket: '*login*'}", True),
        ("{ticket: 4}", False),
        ("{round: 1}", True),
        ("{round: '[2-9]'}", False),
    ],
)
def test_conditions(when: str, fits: bool) -> None:
    assert (scene_for(f"scenes:\n  - when: {when}\n    steps: [push]\n", DEV) is not None) is fits


def test_first_match_wins() -> None:
    scene = scene_for("scenes:\n  - when: {role: dev*}\n    steps: [say: first]\n  - steps: [say: second]\n", DEV)
    assert scene is not None
    assert scene.steps[0].value == "first"


BROKEN = [
    ("", "s.yaml: a story must be a map"),
    ("[]", "s.yaml:1: a story must be a map"),
    ("scenes: {}", "s.yaml:1: `scenes` must be a list"),
    ("scenes: []", "s.yaml:1: a story needs a scene"),
    ("scenes:\n  - when: {}", "s.yaml:2: a scene needs `steps`"),
    ("scenes:\n  - steps: [push]\n    what: 1", "s.yaml:3: `what` is not a field of a scene"),
    ("scenes:\n  - steps: [push]\n    steps: [push]", "s.yaml:3: `steps` appears twice"),
    ("scenes:\n  - when: {mood: good}\n    steps: [push]", "s.yaml:2: `mood` is not a field of `when`"),
    ("scenes:\n  - when: {role: {a: b}}\n    steps: [push]", "s.yaml:2: `role` must be a glob"),
    ("scenes:\n  - steps:\n      - push\n      - sya: hi", "s.yaml:4: unknown step `sya`"),
    ("scenes:\n  - steps:\n      - say: hi\n        think: 1", "s.yaml:3: a step is one word or one"),
    ("scenes:\n  - steps: [say]", "s.yaml:2: `say` needs a text"),
    ("scenes:\n  - steps: [say: [a]]", "s.yaml:2: `say` needs a text"),
    ("scenes:\n  - steps: [think: long]", "s.yaml:2: `think` needs seconds"),
    ("scenes:\n  - steps: [think: -1]", "s.yaml:2: `think` needs seconds"),
    ("scenes:\n  - steps: [think: .nan]", "s.yaml:2: `think` needs seconds"),
    ("scenes:\n  - steps: [write: {path: a}]", "s.yaml:2: `write` needs `text`"),
    ("scenes:\n  - steps: [write: {path: a, text: b, mode: 7}]", "s.yaml:2: `write` does not know `mode`"),
    ("scenes:\n  - steps: [patch: {path: a, replace: b}]", "s.yaml:2: `patch` needs `with`"),
    ("scenes:\n  - steps: [run: []]", "s.yaml:2: `run` needs a text"),
    ("scenes:\n  - steps: [push: hard]", "s.yaml:2: `push` takes no value"),
    ("scenes:\n  - steps: [publish: {summary: x}]", "s.yaml:2: `publish` needs `event`"),
    ("scenes:\n  - steps: [publish: {event: x, payload: [1]}]", "s.yaml:2: `publish` needs `payload` as a map"),
    ("scenes:\n  - steps: [publish: {event: x, to: bob}]", "s.yaml:2: `publish` needs `to` as a list"),
    ("scenes:\n  - steps: [wait_for: rain]", "s.yaml:2: `wait_for` must be one of mail, message"),
    ("scenes:\n  - steps: [misbehave: murder]", "s.yaml:2: `misbehave` must be one of push_main"),
    ("scenes:\n  - steps: [stop: 900]", "s.yaml:2: `stop` takes an exit code"),
    ("scenes:\n  - steps: [say: !!python/object:os.system x]", "s.yaml:2: not a plain YAML value"),
    ("scenes: &a\n  - steps: [push]\nmore: *a", "aliases are not allowed"),
    ("scenes:\n\t- x", "s.yaml:2"),
    ("a: [", "s.yaml:1"),
    ("[" * 1200, "s.yaml"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=range(len(BROKEN)))
def test_broken_stories_name_their_line(text: str, message: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse_story(text, "s.yaml")
    assert message in str(caught.value)


def test_near_misses_are_suggested() -> None:
    with pytest.raises(FleetError) as caught:
        parse_story("scenes:\n  - steps: [pusch]\n", "s.yaml")
    assert caught.value.hint == "did you mean `push`?"


def test_files_that_are_no_stories(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"scenes: \xff")
    (tmp_path / "large.yaml").write_text("#" * 300_000)
    for name, message in [
        ("latin.yaml", "not UTF-8"),
        ("large.yaml", "more than 256 KiB"),
        ("none.yaml", "No such file"),
    ]:
        with pytest.raises(FleetError) as caught:
            load_story(tmp_path / name)
        assert message in str(caught.value)


@given(st.text(max_size=200) | st.text(alphabet="scenteps: -[]{}\n&*!|>'\"", max_size=120))
def test_any_text_is_a_story_or_a_clear_error(text: str) -> None:
    problem = ""
    try:
        parse_story(text, "s.yaml")
    except FleetError as error:
        problem = error.message
    assert problem == "" or problem.startswith("s.yaml")


def test_misbehaviours_are_all_written() -> None:
    from fleet_tui.vendors.misbehave import MISBEHAVE

    assert set(MISBEHAVIOURS) == MISBEHAVE.keys()
