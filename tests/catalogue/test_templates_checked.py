"""What is wrong with a template is told with its file, its field and what to do; nothing of it is used."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fleet_tui.catalogue.check import read_template
from fleet_tui.catalogue.read import read_catalogue
from fleet_tui.domain.errors import UsageError
from fleet_tui.settings.document import Document, parse
from fleet_tui.settings.schema import Settings

GOOD = {
    "title": "Painter", "purpose": "Paints.", "owns": ["walls"], "never": ["floors"], "role": "developer",
    "capabilities": ["pr_created"], "model": {"tier": "light", "reason": "Easy."},
    "budget": {"unit": "seconds", "ceiling": "2h", "window": "day"},
    "risk": {"profile": "low", "reason": "Washes off."},
    "subscriptions": ["ticket_ready"], "inputs": ["a ticket"], "outputs": ["a wall"], "done": ["it is dry"],
    "examples": ["one", "two", "three", "four"], "fill_ins": {"colour": {"ask": "Which colour"}},
}  # fmt: skip
PROMPT = "Paint it {{ colour }}.\n"


def problems(settings: Settings, change: dict[str, object], prompt: str = PROMPT) -> list[str]:
    value = {name: entry for name, entry in (GOOD | change).items() if entry is not ...}
    template, found = read_template(yaml.safe_dump(value, sort_keys=False), "a/b.yaml", prompt, "a/b.md", settings)
    assert (template is None) == bool(found)
    return [str(problem) for problem in found]


def test_a_good_one(settings: Settings) -> None:
    assert problems(settings, {}) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"budgt": 3}, "unknown key `budgt` (did you mean `budget`?)"),
        ({"purpose": ...}, "`purpose` is missing (add `purpose: …`)"),
        ({"role": "devloper"}, "role: there is no role `devloper` (did you mean `developer`?)"),
        ({"role": "Bad Role"}, "role: not a usable role"),
        ({"capabilities": ["pr_approved"]}, "capabilities.0: role `developer` (author) may not publish `pr_approved`"),
        ({"budget": {"unit": "seconds", "ceiling": "$5"}}, "budget.ceiling: an amount of money where seconds are"),
        ({"budget": {"unit": "seconds", "ceiling": "two"}}, "budget.ceiling: 'two' is no number with a unit"),
        ({"budget": {"unit": "days", "ceiling": 3}}, "budget.unit: must be `seconds`, `tokens`, `money` or `turns`"),
        ({"subscriptions": ["ticket_redy"]}, "there is no event `ticket_redy` (did you mean `ticket_ready`?)"),
        ({"examples": ["one"]}, "examples: needs at least 4 item(s)"),
        ({"never": []}, "never: needs at least 1 item(s)"),
        ({"lens": "securty"}, "lens: there is no lens `securty` (did you mean `security`?)"),
        ({"model": {"tier": "huge", "reason": "x"}}, "model.tier: must be `strong`, `balanced` or `light`"),
        ({"fill_ins": {"colour": {"ask": "x", "detect": "tset"}}}, "cannot find out `tset` (did you mean `test`?)"),
        ({"fill_ins": {"colour": {"ask": "x"}, "size": {"ask": "y"}}}, "the prompt has no mark {{size}}"),
        ({"fill_ins": {"Colour!": {"ask": "x"}}}, "not the name of a mark"),
        ({"title": 3}, "title: expected text, got a number"),
    ],
)  # fmt: skip
def test_file_field_and_what_to_do(settings: Settings, change: dict[str, object], says: str) -> None:
    found = problems(settings, change)
    assert any(says in one for one in found), found
    assert all(one.startswith("a/b.yaml:") for one in found if says in one)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("  \n", "a/b.md: the prompt is empty"),
        ("Paint {{colour}} and {{shape}}", "a/b.md: the mark {{shape}} is not among `fill_ins`"),
        ("Paint {{colour}} or {{ Not This }}", "a/b.md: `{{ Not This }}` is no mark"),
    ],
)
def test_the_prompt_is_checked_too(settings: Settings, prompt: str, says: str) -> None:
    found = problems(settings, {}, prompt)
    assert any(one.startswith(says) for one in found), found


def test_what_did_not_change_is_parsed_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counted(text: str, shown: str) -> Document:
        parsed.append(shown)
        return parse(text, shown)

    monkeypatch.setattr("fleet_tui.catalogue.check.parse", counted)
    titles: tuple[object, ...] = ("Once", "Once", "Twice", 33, 33)
    found = [len(problems(settings, {"title": title})) for title in titles]
    assert found == [0, 0, 0, 1, 1]
    assert len(parsed) == 3


def test_no_map_and_no_yaml(settings: Settings) -> None:
    for text, says in (("- a\n", "expected a map"), ("a: [\n", "never closed")):
        template, found = read_template(text, "a/b.yaml", PROMPT, "a/b.md", settings)
        assert template is None
        assert says in str(found[0])


def own(repository: Path, name: str, **change: object) -> Path:
    path = repository / ".fleet" / "templates" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(GOOD | change, sort_keys=False))
    path.with_suffix(".md").write_text(PROMPT)
    return path


def test_the_projects_own_come_behind_the_shipped_ones_and_replace_them(repository: Path, settings: Settings) -> None:
    own(repository, "house/painter")
    own(repository, "engineering/developer", title="Ours", owns=["roofs"])
    found = read_catalogue(repository, settings)
    assert found.problems == ()
    assert found.get("painter").source == ".fleet/templates/house/painter.yaml"
    assert found.get("engineering/developer").template.title == "Ours"
    assert [entry.id for entry in found.search("WALLS paints")] == ["house/painter"]
    with pytest.raises(UsageError, match="no such template"):
        found.get("paintr")


def test_the_persons_own_are_found(repository: Path, settings: Settings, tmp_path: Path) -> None:
    path = own(repository, "house/painter")
    mine = tmp_path / "home" / ".config" / "fleet"
    mine.mkdir(parents=True)
    path.parent.parent.rename(mine / "templates")
    assert read_catalogue(repository, settings).get("painter").source.endswith("templates/house/painter.yaml")


def test_a_broken_one_keeps_no_other_from_being_used(repository: Path, settings: Settings, tmp_path: Path) -> None:
    own(repository, "house/painter", role="nobody-knows")
    own(repository, "house/Bad Name")
    own(repository, "house/lost").with_suffix(".md").unlink()
    outside = tmp_path / "outside.yaml"
    own(repository, "house/link").rename(outside)
    (repository / ".fleet/templates/house/link.yaml").symlink_to(outside)
    found = read_catalogue(repository, settings)
    told = "\n".join(map(str, found.problems))
    assert "house/painter.yaml:7:7: role: there is no role `nobody-knows`" in told
    assert "house/Bad Name.yaml: not usable names" in told
    assert "house/lost.yaml: its prompt lost.md is missing (write it beside it)" in told
    assert "house/link.yaml: is a link that leads outside the repository" in told
    assert found.get("developer").source == "shipped"
    with pytest.raises(UsageError, match="nobody-knows"):
        found.get("house/painter")


def test_one_name_in_two_categories_must_be_told_apart(repository: Path, settings: Settings) -> None:
    own(repository, "house/developer")
    with pytest.raises(UsageError, match="which template"):
        read_catalogue(repository, settings).get("developer")
