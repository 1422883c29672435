"""What a diff shows: weakened tests, new dependencies, renamed files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.governance.risk.changes import Change, changed_files, new_dependencies, weakened_tests
from fleet_tui.governance.risk.evidence import ChangedFile, Weakening
from tests.governance.risk_samples import RULES


def change(path: str, added: str = "", removed: str = "", **more: object) -> Change:
    lines = tuple(enumerate(added.splitlines(), 1))
    return Change(path, lines, tuple(removed.splitlines()), **more)  # type: ignore[arg-type]


TEST = "tests/test_app.py"


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (change(TEST, removed="    assert one() == 1\n    assert two() == 2"), (Weakening(TEST, "assertions", 2),)),
        (change(TEST, "    assert one() == 2", "    assert one() == 1"), ()),
        (change(TEST, "    pass", "    assert one() == 1"), (Weakening(TEST, "assertions", 1),)),
        (change(TEST, "@pytest.mark.skip"), (Weakening(TEST, "skips", 1),)),
        (change(TEST, "@pytest.mark.xfail(strict=False)"), (Weakening(TEST, "skips", 1),)),
        (change(TEST, "def test_more():\n    assert True"), ()),
        (change(TEST, "    assert True", "    assert one() == 1"), (Weakening(TEST, "assertions", 1),)),
        (change(TEST, "    assert 1 == 1", "    assert one() == 1"), (Weakening(TEST, "assertions", 1),)),
        (change(TEST, "    assert 'x'", "    assert one() == 1"), (Weakening(TEST, "assertions", 1),)),
        (change(TEST, "    assert one() or True", "    assert one()"), (Weakening(TEST, "assertions", 1),)),
        (change(TEST, "    pass  # assert one()", "    assert one()"), (Weakening(TEST, "assertions", 1),)),
        (change(TEST, "    assert one() == 1 == two()", "    assert one() == 1"), ()),
        (change(TEST, "    # assert one() == 1", "    assert one() == 1"), (Weakening(TEST, "assertions", 1),)),
        (change(TEST, "    return"), (Weakening(TEST, "skips", 1),)),
        (change(TEST, "if 0:"), (Weakening(TEST, "skips", 1),)),
        (change("tests/app_helper.py", old_path=TEST), (Weakening(TEST, "deleted"),)),
        (change("tests/helper.py", old_path="tests/helpers.py"), ()),
        (change("pytest.ini", "addopts = --deselect tests/a.py::b"), (Weakening("pytest.ini", "skips", 1),)),
        (change("pyproject.toml", "addopts = \"-k 'not slow'\""), (Weakening("pyproject.toml", "skips", 1),)),
        (change("pyproject.toml", 'name = "shop"'), ()),
        (change(TEST, removed="assert 1", deleted=True), (Weakening(TEST, "deleted"),)),
        (change("attic/app.txt", old_path=TEST), (Weakening(TEST, "deleted"),)),
        (change("tests/test_new.py", old_path=TEST), ()),
        (change("web/a.test.ts", "xit('works')"), (Weakening("web/a.test.ts", "skips", 1),)),
        (change("web/a.spec.ts", removed="expect(a).toBe(1)"), (Weakening("web/a.spec.ts", "assertions", 1),)),
        (change("x/foo_test.go", "t.Skip()"), (Weakening("x/foo_test.go", "skips", 1),)),
        (change("src/app.py", removed="assert ready"), ()),
    ],
)
def test_weakened_tests(seen: Change, expected: tuple[Weakening, ...]) -> None:
    assert weakened_tests([seen], RULES) == expected


@pytest.mark.parametrize(
    ("path", "added", "removed", "expected"),
    [
        ("pyproject.toml", 'dependencies = ["flask"]', "", "flask"),
        ("pyproject.toml", '    "requests>=2",', "", "requests"),
        ("pyproject.toml", '    "requests>=3",', '    "requests>=2",', None),
        ("pyproject.toml", 'requests = "^2"', "", "requests"),
        ("pyproject.toml", 'version = "1.2"', "", None),
        ("pyproject.toml", 'select = ["E", "F"]', "", None),
        ("requirements-dev.txt", "Flask==1", "", "flask"),
        ("requirements/test.txt", "pytest", "", "pytest"),
        ("requirements.txt", "# words", "", None),
        ("web/package.json", '  "left-pad": "^1.0.0",', "", "left-pad"),
        ("package.json", '  "@scope/x": "workspace:*"', "", "@scope/x"),
        ("package.json", '  "version": "1.0.0",', "", None),
        ("package.json", '  "test": "jest"', "", None),
        ("go.mod", "\tgithub.com/x/y v1.2.3", "", "github.com/x/y"),
        ("Cargo.toml", 'serde = { version = "1" }', "", "serde"),
        ("Cargo.toml", 'edition = "2021"', "", None),
        ("Gemfile", "gem 'rails'", "", "rails"),
        (".github/workflows/ci.yml", "      - uses: some/action@v1", "", "some/action"),
        ("notes.txt", "requests>=2", "", None),
        ("requirements.txt", "git+https://evil.example/x.git", "", "git+https://evil.example/x.git"),
        ("requirements.txt", "-r other.lst", "", "other.lst"),
        ("setup.py", "setup(install_requires=['evil'])", "", "evil"),
        ("package.json", '{"dependencies": {"evil": "^1"}}', "", "evil"),
    ],
)
def test_new_dependencies(path: str, added: str, removed: str, expected: str | None) -> None:
    found = new_dependencies([change(path, added, removed)])
    assert found == ((f"{expected} in {path}",) if expected else ())


def test_a_renamed_file_counts_at_both_ends_and_its_lines_once() -> None:
    files = changed_files([change("new.py", "a\nb", "c", old_path=".github/old.yml")])
    assert files == (ChangedFile(".github/old.yml"), ChangedFile("new.py", 2, 1))


def test_counts_of_a_diff_that_was_cut_are_kept() -> None:
    assert changed_files([change("big.txt", opaque=True, counts=(90_000, 3))]) == (
        ChangedFile("big.txt", 90_000, 3, opaque=True),
    )


@given(st.sampled_from([TEST, "pyproject.toml", "package.json", "go.mod"]), st.text(), st.text())
def test_any_text_is_read(path: str, added: str, removed: str) -> None:
    seen = [change(path, added, removed)]
    weakened_tests(seen, RULES)
    assert all(text.isprintable() for text in new_dependencies(seen))


def test_several_dependencies_on_one_line() -> None:
    inline = change("pyproject.toml", 'dependencies = ["evil", "worse>=2"]')
    assert new_dependencies([inline]) == ("evil in pyproject.toml", "worse in pyproject.toml")
    whole = change("package.json", '{"name": "shop", "dependencies": {"evil": "^1", "worse": "git+ssh://x"}}')
    assert {"evil in package.json", "worse in package.json"} <= set(new_dependencies([whole]))
    two = change("package.json", '{"a":"1","b":{},"dependencies":{"evil":"1"},"devDependencies":{"worse":"2"}}')
    assert {"evil in package.json", "worse in package.json"} <= set(new_dependencies([two]))
    padded = change("package.json", f'{{"x":"{"y" * 6_000}","dependencies":{{"evil":"1"}}}}')
    assert "evil in package.json" in new_dependencies([padded])


@pytest.mark.parametrize("path", ["package.json", "pyproject.toml", "requirements.txt", TEST])
@pytest.mark.parametrize("begin", ["", "a", "assert", "assert 1", '"a" :', "return"])
def test_very_many_blanks_are_no_work(path: str, begin: str) -> None:
    """The whole watcher waits for this: with work that grows with their square it never ends."""
    many, one = ([change(path, "\n".join([begin + " " * blanks + "x"] * 30))] for blanks in (190_000, 1))
    assert new_dependencies(many) == new_dependencies(one)
    assert weakened_tests(many, RULES) == weakened_tests(one, RULES)
