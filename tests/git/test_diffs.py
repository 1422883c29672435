"""Diffs as values: every kind of change, hostile names and contents, limits."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_tui.git.control import ControlRepository
from fleet_tui.git.diffs import parse_changes, parse_patch
from fleet_tui.git.values import FileDiff

from .conftest import Repo


async def _diff(control: ControlRepository, user: Repo, max_bytes: int = 1_000_000) -> dict[str, FileDiff]:
    base = await control.target_sha()
    head = await control.fetch_head(user.path, "feature", "feature")
    assert head
    diffs = await control.diff(base, head, max_bytes=max_bytes)
    assert tuple(diff.change for diff in diffs) == (await control.summary(base, head)).files
    return {diff.change.path: diff for diff in diffs}


def _lines(diff: FileDiff) -> list[tuple[str, int | None, int | None, str]]:
    return [(line.kind, line.old, line.new, line.text) for hunk in diff.hunks for line in hunk.lines]


async def test_every_kind_of_change(control: ControlRepository, user: Repo) -> None:
    body = "".join(f"line {number}\n" for number in range(40))
    user.commit({"moved": body, "gone": "bye\n", "to-link": "text\n", "mode": "x\n", "bin": b"\0\1\2"})
    await control.sync_target()
    user.git("switch", "--quiet", "-c", "feature")
    (user.path / "moved").rename(user.path / "renamed")
    (user.path / "gone").unlink()
    (user.path / "to-link").unlink()
    (user.path / "to-link").symlink_to("/etc/passwd")
    (user.path / "mode").chmod(0o755)
    user.write({
        "renamed": body.replace("line 20\n", "LINE 20\n"), "a.txt": "one\n2\nthree", "bin": b"\0\3",
        "+++ b/forged": "--- a/x\n+++ b/x\n@@ -1 +1 @@\ndiff --git a/x b/x\n", "empty": "",
    })  # fmt: skip
    user.git("add", "--all", ".")
    user.git("update-index", "--add", "--cacheinfo", f"160000,{user.sha()},module")
    user.git("commit", "--quiet", "-m", "all kinds")
    found = await _diff(control, user)
    kinds = {path: (diff.change.status, diff.change.added, diff.change.deleted) for path, diff in found.items()}
    assert kinds == {
        "+++ b/forged": ("A", 4, 0), "a.txt": ("M", 2, 2), "bin": ("M", 0, 0), "empty": ("A", 0, 0),
        "gone": ("D", 0, 1), "mode": ("M", 0, 0), "module": ("A", 1, 0), "renamed": ("R", 1, 1), "to-link": ("T", 1, 1),
    }  # fmt: skip
    assert found["bin"].change.binary
    assert found["renamed"].change.old_path == "moved"
    assert (found["mode"].change.old_mode, found["mode"].change.mode) == ("100644", "100755")
    assert (found["to-link"].change.mode, found["module"].change.mode) == ("120000", "160000")
    assert _lines(found["a.txt"]) == [
        (" ", 1, 1, "one"), ("-", 2, None, "two"), ("-", 3, None, "three"), ("+", None, 2, "2"),
        ("+", None, 3, "three"),
        ("\\", None, None, "No newline at end of file"),
    ]  # fmt: skip
    assert [line[3] for line in _lines(found["+++ b/forged"])] == [
        "--- a/x", "+++ b/x", "@@ -1 +1 @@", "diff --git a/x b/x",
    ]  # fmt: skip
    assert [(line[0], line[3]) for line in _lines(found["to-link"]) if line[0] != "\\"] == [
        ("-", "text"),
        ("+", "/etc/passwd"),
    ]
    assert not any(diff.truncated for diff in found.values())


async def test_hidden_characters_are_shown(control: ControlRepository, user: Repo) -> None:
    user.git("switch", "--quiet", "-c", "feature")
    user.commit(
        {
            "x": "a\u202eb\x1b[2J\x00\n".replace("\x00", "\u200b"),
            "latin": b"caf\xe9\n",
            "mixed": "a\r\nb\n",
            "dos": "a\r\nb\r\n",
        }
    )
    found = await _diff(control, user)
    assert [line[3] for line in _lines(found["x"])] == ["a<U+202E>b<U+001B>[2J<U+200B>"]
    assert [line[3] for line in _lines(found["latin"])] == ["caf\\xe9"]
    assert [line[3] for line in _lines(found["mixed"])] == ["a<U+000D>", "b"]
    assert [line[3] for line in _lines(found["dos"])] == ["a", "b"]


async def test_changed_line_ends_are_visible(control: ControlRepository, user: Repo) -> None:
    user.git("switch", "--quiet", "-c", "feature")
    user.commit({"a.txt": "one\r\ntwo\nthree\n"})
    lines = _lines((await _diff(control, user))["a.txt"])
    assert ("-", 1, None, "one") in lines
    assert ("+", None, 1, "one<U+000D>") in lines


async def test_limits_mark_what_is_cut(control: ControlRepository, user: Repo) -> None:
    user.git("switch", "--quiet", "-c", "feature")
    user.commit({name: f"{name}\n" * 500 for name in ("f1", "f2", "f3")})
    found = await _diff(control, user, max_bytes=4000)
    assert [found[name].truncated for name in ("f1", "f2", "f3")] == [False, True, True]
    assert len(_lines(found["f1"])) == 500
    assert 0 < len(_lines(found["f2"])) < 500
    assert _lines(found["f3"]) == []


async def test_attributes_of_the_branch_hide_nothing(control: ControlRepository, user: Repo) -> None:
    user.commit({".gitattributes": "*.py -diff binary\n"})
    await control.sync_target()
    user.git("switch", "--quiet", "-c", "feature")
    user.commit({"src/b.py": "evil = 1\n"})
    found = await _diff(control, user)
    assert not found["src/b.py"].change.binary
    assert ("+", None, 1, "evil = 1") in _lines(found["src/b.py"])


async def test_summary_counts(control: ControlRepository, user: Repo) -> None:
    base = await control.target_sha()
    user.git("switch", "--quiet", "-c", "feature")
    user.commit({"a.txt": "one\n", "c": "1\n2\n"})
    head = await control.fetch_head(user.path, "feature", "feature")
    assert head
    user.git("switch", "--quiet", "main")
    user.commit({"elsewhere": "not part of the change\n"})
    target = (await control.sync_target()).ours
    summary = await control.summary(target, head)
    assert (summary.base, len(summary.files), summary.added, summary.deleted) == (base, 2, 2, 2)
    assert (await control.summary(head, head)).files == ()


_TEXTS = st.text(st.sampled_from("ab\n\r\t+-@\\ \u202e"), max_size=60)


@settings(max_examples=30, deadline=None)
@given(before=_TEXTS, after=_TEXTS)
def test_hunks_apply(before: str, after: str) -> None:
    """Added and kept lines are the new file's lines at the numbers that they carry, and likewise for the old file."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        subprocess.run(["git", "init", "--quiet", "--bare", name], check=True)
        trees = []
        for text in (before, after):
            blob = _run(directory, "hash-object", "-w", "--stdin", given=text.encode()).strip()
            trees.append(_run(directory, "mktree", given=b"100644 blob " + blob + b"\tf\n").strip().decode())
        raw = _run(directory, "diff-tree", "-r", "--raw", "--numstat", "-z", "--no-abbrev", *trees)
        patch = _run(directory, "diff-tree", "-r", "-p", "--text", *trees)
    diffs = parse_patch(patch, parse_changes(raw), truncated=False)
    assert bool(diffs) == (before != after)
    for diff in diffs:
        for kind, old, new, text in _lines(diff):
            if old is not None:
                assert text == _shown(before, old, diff, before + after), kind
            if new is not None:
                assert text == _shown(after, new, diff, before + after), kind


def _run(directory: Path, *args: str, given: bytes = b"") -> bytes:
    return subprocess.run(["git", *args], cwd=directory, input=given, capture_output=True, check=True).stdout


def _shown(text: str, number: int, diff: FileDiff, everything: str) -> str:
    line = text.split("\n")[number - 1]
    shown = line.replace("\u202e", "<U+202E>").replace("\r", "<U+000D>")
    every = [shown_line.text for hunk in diff.hunks for shown_line in hunk.lines]
    # A carriage return at the end is left out only when every line shown ends in one.
    return shown if shown in every else shown.removesuffix("<U+000D>")
