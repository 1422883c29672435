"""What a real repository tells about dividing work: files, commits, where names are made, texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.domain.errors import FleetError
from fleet_tui.git.coupling import Survey
from tests.git.conftest import Repo


async def test_what_changed_together_without_merges_and_sweeps(user: Repo) -> None:
    user.commit({"a.py": "1", "b c.py": "1", "ä.py": "1"})
    user.git("checkout", "-q", "-b", "side")
    user.commit({"a.py": "2"})
    user.git("checkout", "-q", "-")
    user.commit({"b c.py": "2", "new\nline.py": "1"})
    user.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
    user.commit({f"sweep{n}.py": "" for n in range(5)})
    survey = await Survey.of(user.path, None)
    found = await survey.commits(100, 4)
    assert frozenset({"a.py", "b c.py", "ä.py"}) in found
    assert frozenset({"a.py"}) in found
    assert frozenset({"b c.py", "new\nline.py"}) in found
    assert not any("sweep1.py" in names for names in found)
    assert len(await survey.commits(100, 5)) == len(found) + 1
    assert await survey.commits(1, 5) == (frozenset(f"sweep{n}.py" for n in range(5)),)
    assert await survey.commits(0, 5) == ()


async def test_files_and_texts_are_those_of_the_commit(user: Repo) -> None:
    sha = user.commit({"sub/a.py": "one\n", "ü b.py": b"\xff\n", "link": "x"})
    user.commit({"sub/a.py": None, "later.py": "1"})
    survey = Survey(user.path, sha)
    assert {"sub/a.py", "ü b.py"} <= set(await survey.files())
    assert "later.py" not in await survey.files()
    texts = await survey.texts(["sub/a.py", "ü b.py", "later.py", "bad\nname"])
    assert texts == {"sub/a.py": "one\n", "ü b.py": "�\n"}
    assert await survey.texts([]) == {}


async def test_a_name_is_found_where_it_is_made_and_only_there(user: Repo) -> None:
    user.commit(
        {
            "a.py": "def total_of(x):\n    pass\nclass Both: pass\n",
            "b.py": "from a import total_of\nclass Both: pass\n",
            "sub/c.rs": "pub fn total(x: u8) {}\nstruct Basket;\n",
        }
    )
    survey = await Survey.of(user.path, None)
    made = await survey.made_in(["total_of", "Both", "Basket", "total", "nowhere"])
    assert made == {"total_of": "a.py", "Basket": "sub/c.rs", "total": "sub/c.rs"}
    assert await survey.made_in([]) == {}
    assert await survey.made_in(["x|.*"]) == {}


async def test_no_commit_and_no_such_branch(tmp_path: Path, user: Repo) -> None:
    with pytest.raises(FleetError, match="no commit"):
        await Survey.of(user.path, "no-such-branch")
    empty = Repo(tmp_path / "empty")
    empty.path.mkdir()
    empty.git("init", "--quiet")
    with pytest.raises(FleetError, match="no commit"):
        await Survey.of(empty.path, None)
