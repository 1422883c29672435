"""Presets: each is a whole fleet, and each is proposed where it fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui import paths
from fleet_tui.catalogue import founding, preset
from fleet_tui.catalogue.conventions import Found, conventions
from fleet_tui.catalogue.read import read_catalogue
from fleet_tui.catalogue.signs import Look
from fleet_tui.domain.errors import UsageError
from fleet_tui.settings.load import load_settings
from fleet_tui.settings.schema import Settings

SETTINGS = load_settings(Path("/nowhere"), project_required=False, environ={}, user_file=Path("/nowhere")).require()
CATALOGUE = read_catalogue(Path("/nowhere"), SETTINGS)
PRESETS = sorted(path.stem for path in (paths.shipped_config() / "presets").glob("*.yaml"))
NOTES = {f"docs/page-{number}.md": "# Page\n" for number in range(6)}
PYTHON_LIBRARY = {
    "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n[project]\nclassifiers = []\n',
    "src/kit/__init__.py": "",
    "LICENSE": "MIT",
}
SAMPLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "nothing yet": ("minimal", "engineering/developer", {"README.md": "# Shop\n"}),
    "scripts": ("minimal", "engineering/developer", {"a.sh": "", "b.sh": "", "LICENSE": ""}),
    "django": ("web-service", "engineering/django-developer", {"manage.py": "", "requirements.txt": "Django==5.0\n"}),
    "fastapi with notes": (
        "web-service",
        "engineering/fastapi-developer",
        {"pyproject.toml": '[build-system]\n[project]\ndependencies = ["fastapi>=0.1"]\n', "Dockerfile": "", **NOTES},
    ),
    "express": (
        "web-service",
        "engineering/node-service-developer",
        {"package.json": '{"main": "index.js", "dependencies": {"express": "4"}}', "Dockerfile": ""},
    ),
    "go service with terraform": (
        "web-service",
        "engineering/backend-developer",
        {"go.mod": "require github.com/gin-gonic/gin v1\n", "main.go": "", "Dockerfile": "", "infra/main.tf": ""},
    ),
    "python library": ("library", "engineering/python-developer", PYTHON_LIBRARY),
    "library of an extension": (
        "library",
        "engineering/python-developer",
        {**PYTHON_LIBRARY, "requirements.txt": "flask\n", "CHANGELOG.md": ""},
    ),
    "crate": ("library", "engineering/rust-developer", {"Cargo.toml": "categories = []\n", "src/lib.rs": ""}),
    "airflow": (
        "data-pipeline",
        "data/data-engineer",
        {"dags/orders.py": "", "requirements.txt": "apache-airflow\npandas\n", "Dockerfile": ""},
    ),
    "dbt": (
        "data-pipeline",
        "data/dbt-engineer",
        {"dbt_project.yml": "", **{f"models/m{number}.sql": "" for number in range(5)}},
    ),
    "terraform": ("infrastructure", "operations/terraform-engineer", {"main.tf": "", "vars.tf": "", "README.md": ""}),
    "charts": (
        "infrastructure",
        "operations/kubernetes-engineer",
        {"Chart.yaml": "", "values.yaml": "", "templates/a.yaml": ""},
    ),
    "mkdocs": ("docs", "documentation/technical-writer", {"mkdocs.yml": "", **NOTES}),
    "open source": (
        "open-source",
        "engineering/python-developer",
        {
            **PYTHON_LIBRARY,
            "CONTRIBUTING.md": "",
            "CODE_OF_CONDUCT.md": "",
            ".github/ISSUE_TEMPLATE/bug.yml": "",
            "SECURITY.md": "",
        },
    ),
    "what others wrote does not count": (
        "minimal",
        "engineering/developer",
        {"a.c": "", "vendor/x/manage.py": "", "node_modules/y/Dockerfile": "", ".venv/lib/wsgi.py": ""},
    ),
}


def sample(directory: Path, files: dict[str, str]) -> Look:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Look(directory)


@pytest.mark.parametrize(("name", "author", "files"), SAMPLES.values(), ids=list(SAMPLES))
def test_the_one_that_fits_is_proposed(tmp_path: Path, name: str, author: str, files: dict[str, str]) -> None:
    look = sample(tmp_path, files)
    weighed = preset.weigh(look)
    shown = [(one.name, one.points, one.seen) for one in weighed]
    assert weighed[0].name == name, shown
    assert (name == "minimal") == (weighed[0].seen == ()), shown
    assert founding.places(weighed[0].preset, look, CATALOGUE)[0].entry.id == author


def test_it_is_said_what_speaks_for_it(tmp_path: Path) -> None:
    look = sample(tmp_path, {"manage.py": "", "requirements.txt": "# ours\ndjango\n"})
    assert preset.reason(preset.weigh(look)[0]) == "requirements.txt names django; there is manage.py"
    assert (
        preset.reason(preset.weigh(sample(tmp_path / "notes", NOTES))[0])
        == "100% of its files are .md, .mdx, .rst, .adoc"
    )


def test_a_part_of_a_name_is_another_package(tmp_path: Path) -> None:
    look = sample(tmp_path, {"requirements.txt": "django-stubs\nmy-flask\nflask_x\n"})
    assert [one.points for one in preset.weigh(look) if one.name == "web-service"] == [0]


@pytest.mark.parametrize("name", PRESETS)
def test_each_is_a_whole_fleet(name: str) -> None:
    found, problems = preset.read_presets()
    assert problems == ()
    members = found[name][0].agents
    for member in members:
        for template in (member.template, *(one.template for one in member.instead)):
            family = SETTINGS.family(CATALOGUE.get(template).template.role).name
            assert (family == "author") == (member.count is not None), f"{member.name}: {template}"
    fleet = founding.places(found[name][0], Look(Path("/nowhere")), CATALOGUE)
    families = [SETTINGS.family(place.entry.template.role).name for place in fleet]
    assert {"author", "reviewer", "release"} <= set(families) <= {"author", "reviewer", "release", "triage"}
    assert families.count("release") == 1
    assert len({place.name for place in fleet}) == len(fleet) <= SETTINGS.limits.max_running
    reviewers = [place.entry.template for place in fleet if place.entry.template.role in _reviewing(SETTINGS, fleet)]
    lenses = [template.lens or SETTINGS.reviews.lens_of(template.role) for template in reviewers]
    assert len(set(lenses)) == len(lenses), "each looks for something else"


def _reviewing(settings: Settings, fleet: tuple[founding.Place, ...]) -> set[str]:
    roles = {place.entry.template.role for place in fleet}
    return {role for role in roles if settings.family(role).name == "reviewer"}


@pytest.mark.parametrize("name", PRESETS)
def test_each_can_be_made_where_nothing_is_known(name: str, repository: Path, settings: Settings) -> None:
    chosen = preset.choose(preset.weigh(Look(repository)), name)
    fleet = founding.places(chosen.preset, Look(repository), CATALOGUE)
    made = list(founding.agents(fleet, "scripted", settings, {}, chosen.preset.fills))
    assert [agent.name for agent in made] == [place.name for place in fleet]
    loaded = load_settings(repository, environ={}, drafts={a.name: f"{a.text}prompt: Do it.\n" for a in made})
    assert loaded.errors == ()


def test_what_is_known_fills_the_marks_and_the_rest_is_the_presets(repository: Path, settings: Settings) -> None:
    chosen = preset.choose(preset.weigh(Look(repository)), "minimal")
    fleet = founding.places(chosen.preset, Look(repository), CATALOGUE)
    assert founding.unknown(fleet, {}) == {"test_command": "The command that runs the tests"}
    assert founding.unknown(fleet, conventions(repository, settings)) == {}, "the gate of the configuration"
    fills, told = chosen.preset.fills, {"test_command": "make test"}
    (dev, *_) = founding.agents(fleet, "scripted", settings, {"test": Found("tox", "here")}, fills)
    assert "`tox`" in dev.prompt
    (dev, *_) = founding.agents(fleet, "scripted", settings, {}, fills)
    assert "look for them first" in dev.prompt
    (dev, *_) = founding.agents(fleet, "scripted", settings, {}, told)
    assert "`make test`" in dev.prompt
    with pytest.raises(UsageError):
        list(founding.agents(fleet, "scripted", settings, {}, {}))


def test_what_it_may_spend_is_added_up(tmp_path: Path) -> None:
    weighed = preset.weigh(Look(tmp_path))
    small = preset.choose(weighed, "minimal").preset
    assert founding.at_most(founding.places(small, Look(tmp_path), CATALOGUE)) == "8h00 a day"
    assert founding.at_most(founding.places(small, Look(tmp_path), CATALOGUE, count=3)) == "16h00 a day"
    open_ = preset.choose(weighed, "open-source").preset
    assert founding.at_most(founding.places(open_, Look(tmp_path), CATALOGUE)).endswith(" and 60 turns a day")


def test_a_persons_own_counts_instead_and_a_broken_one_is_told(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = paths.user_config_file().parent / "presets"
    own.mkdir(parents=True)
    (own / "minimal.yaml").write_text(
        "title: Mine\npurpose: One.\nagents:\n  - {name: a, template: engineering/developer, count: 1}\n"
    )
    (own / "broken.yaml").write_text("title: No\nagents: []\nsign: 1\n")
    found, problems = preset.read_presets()
    assert found["minimal"][0].title == "Mine"
    assert "broken" not in found
    assert any("broken.yaml" in str(problem) and "unknown key `sign`" in str(problem) for problem in problems)
    with pytest.raises(UsageError, match="library"):
        preset.choose(preset.weigh(Look(repository)), "librray")
