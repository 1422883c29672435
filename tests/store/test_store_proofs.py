"""The verifier printed in docs/audit.md, run as a stranger would: it finds what our own verification finds."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.domain.events import Event
from fleet_tui.store import anchors, canonical, chain
from fleet_tui.store.audit import erase_body, export, verify
from fleet_tui.store.reader import Reader
from fleet_tui.store.store import Store
from fleet_tui.watcher.redaction import redact
from tests.store import histories

ROOT = Path(__file__).resolve().parents[2]
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "audit.md").read_text("utf-8"), re.DOTALL)
    path = tmp_path_factory.mktemp("verifier") / "verify.py"
    path.write_text(code)
    assert len(code.splitlines()) <= 55
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path)
    store.append(histories.story()).result(timeout=10)
    store.close()
    return tmp_path / "fleet.db"


def exported(database: Path) -> Lines:
    lines: list[str] = []
    export(database, lines.append)
    return [json.loads(line) for line in lines]


def run(verifier: Path, lines: Lines, anchor_file: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = verifier.with_name("events.jsonl")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    argv = [sys.executable, "-I", "-S", str(verifier), str(path), *([str(anchor_file)] if anchor_file else [])]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


def test_a_good_log_passes(verifier: Path, database: Path) -> None:
    done = run(verifier, exported(database), anchors.anchor_file(database))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ok: 30 events, last ")
    assert done.stdout.split()[-1] == verify(database).last_hash


def edited(lines: Lines) -> None:
    lines[9]["actor"] = "operator:forger"


def rewritten_body(lines: Lines) -> None:
    lines[9]["payload"] = {"forged": True}


def removed(lines: Lines) -> None:
    del lines[9]


def reordered(lines: Lines) -> None:
    lines[9], lines[10] = lines[10], lines[9]


@pytest.mark.parametrize("tamper", [edited, rewritten_body, removed, reordered])
def test_what_was_tampered_with_is_named(verifier: Path, database: Path, tamper: Callable[[Lines], None]) -> None:
    lines = exported(database)
    tamper(lines)
    done = run(verifier, lines)
    assert done.returncode == 1
    assert re.search(r"^event 1[01]: ", done.stdout, re.MULTILINE), done.stdout


def test_a_cut_tail_is_found_by_the_anchors_alone(verifier: Path, database: Path) -> None:
    lines = exported(database)[:-3]
    assert run(verifier, lines).returncode == 0
    done = run(verifier, lines, anchors.anchor_file(database))
    assert (done.returncode, done.stdout.splitlines()[0][:19]) == (1, "anchor 1: event 30 ")


def test_an_erased_body_is_no_problem(verifier: Path, database: Path) -> None:
    erase_body(database, 12, actor="operator:kim", reason="a secret")
    done = run(verifier, exported(database))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_restored_old_copy_is_found(database: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    shutil.copy(database, old / "fleet.db")
    store = Store.open(database, host="h", blobs=tmp_path)
    store.append([ev.draft(ev.Note("later"), "fleet")]).result(timeout=10)
    store.close()
    shutil.copy(old / "fleet.db", database)
    assert [str(problem) for problem in verify(database).problems] == [
        "event 31: is anchored, but missing: the log was cut"
    ]


@pytest.mark.parametrize("change", ["take out", "change", "put in"])
def test_anchors_are_a_chain_of_their_own(database: Path, tmp_path: Path, change: str) -> None:
    for number in range(3):
        store = Store.open(database, host="h", blobs=tmp_path)
        store.append([ev.draft(ev.Note(str(number)), "fleet")]).result(timeout=10)
        store.close()
    assert verify(database).ok
    path = anchors.anchor_file(database)
    lines = path.read_text().splitlines()
    assert len(lines) == 4
    if change == "take out":
        del lines[1]
    elif change == "change":
        lines[1] = lines[1].replace('"at_ns":1', '"at_ns":2')
    else:
        lines.insert(2, lines[1])
    path.write_text("\n".join(lines) + "\n")
    assert any("does not follow the line before it" in str(problem) for problem in verify(database).problems)


SECRETS = {
    "AWS Access Key": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub Token": "ghp_" + "a1B2" * 9,
    "Anthropic Key": "sk-ant-" + "api03-" + "x" * 40,
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxIn0." + "abcDEF123",
    "Private Key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "Basic Auth Credentials": "https://kim:" + "hunter2secret@example.org/x",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_credentials_are_taken_out_before_hashing(tmp_path: Path, kind: str) -> None:
    secret = SECRETS[kind]
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path, redact=redact)
    note = ev.Note(f"before {secret} after", data={"deep": [{"er": secret}]})
    (event,) = store.append([ev.draft(note, "fleet")]).result(timeout=10)
    store.close()
    assert f"[redacted: {kind}]" in str(event.payload["summary"])
    assert str(event.payload["summary"]).startswith("before ")
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert secret.splitlines()[-1 if kind != "Private Key" else 1].encode() not in kept
    assert verify(tmp_path / "fleet.db").ok


def test_everyday_text_is_left_alone() -> None:
    for text in (
        "commit 3f9c1e2a7b6d5c4e3f2a1b0c9d8e7f6a5b4c3d2e",
        "see https://example.org/a?b=c",
        "a@b.example: AC/DC",
    ):
        assert redact(text) == text
    assert redact(redact(SECRETS["GitHub Token"])) == redact(SECRETS["GitHub Token"])


def append(database: Path, *drafts: ev.Draft) -> None:
    store = Store.open(database, host="h", blobs=database.parent)
    store.append(list(drafts)).result(timeout=10)
    store.close()


Forge = Callable[[Event, str], ev.Draft]


def erasure_by(actor: str = "operator:kim", **changed: Any) -> Forge:
    """Appends what a forger would, with a chain and anchors that fit."""

    def forge(target: Event, replacement: str) -> ev.Draft:
        facts = {"seq": target.seq, "event": target.id, "replacement": replacement, "reason": "x", **changed}
        return ev.draft(ev.BodyErased(**facts), target.subject, actor=actor, cause=target.id)

    return forge


def of_another_subject(target: Event, replacement: str) -> ev.Draft:
    return dataclasses.replace(erasure_by()(target, replacement), subject="ticket:9")


def forge_body(database: Path, seq: int, body: dict[str, Any], make: Forge | None) -> None:
    """Puts ``body`` into an anchored event, with an erasure by ``make`` as an excuse."""
    text, salt = canonical.encode(body, "x"), chain.new_salt()
    with closing(Reader.open(database)) as reader:
        target = reader.event(seq)
    assert target is not None
    if make is not None:
        append(database, make(target, chain.body_hash(salt, text).hex()))
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE event_body SET salt = ?, bytes = ? WHERE seq = ?", (salt, text, seq))


NOTE = 10
"""The event of the story that is a note."""
BODY = {"summary": "[erased] kim said yes", "run": "run-1", "ticket": 1, "pr": None, "data": None, "to": []}


@pytest.mark.parametrize(
    ("make", "body", "says"),
    [
        (None, BODY, "its body was altered"),
        (erasure_by("watcher"), BODY, "is an erasure by watcher"),
        (erasure_by("agent:ada/run-1"), BODY, "is an erasure by agent:ada/run-1"),
        (erasure_by(seq=77), BODY, "erases event 77, which is not before it"),
        (erasure_by(seq=31), BODY, "erases event 31, which is not before it"),
        (erasure_by(seq=11), BODY, "erases event 11, but does not fit it"),
        (erasure_by(event="ev-forged"), BODY, "erases event 10, but does not fit it"),
        (of_another_subject, BODY, "erases event 10, but does not fit it"),
        (erasure_by(replacement="yes"), BODY, "is an erasure of a wrong shape"),
        (erasure_by(), {**BODY, "summary": "kim said yes"}, "its body was altered"),
        (erasure_by(), {"summary": "[erased]", "ticket": "one"}, "its body was altered"),
    ],
)
def test_a_forged_erasure_excuses_no_forged_body(
    verifier: Path, database: Path, make: Forge | None, body: dict[str, Any], says: str
) -> None:
    forge_body(database, NOTE, body, make)
    problems = [problem for problem in verify(database).problems if problem.seq is not None]
    assert problems, "it passed"
    assert (problems[0].seq, problems[0].what) == (NOTE, "its body was altered")
    assert any(says in str(problem) for problem in problems), problems
    if body.get("ticket") == 1:  # shapes of kinds are nothing that the printed verifier knows
        done = run(verifier, exported(database))
        assert (done.returncode, done.stderr) == (1, "")
        assert f"event {NOTE}: its body was altered" in done.stdout


def test_an_erasure_whose_text_is_back_is_named(verifier: Path, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        kept = connection.execute("SELECT salt, bytes FROM event_body WHERE seq = ?", (NOTE,)).fetchone()
    erase_body(database, NOTE, actor="operator:kim", reason="a secret")
    assert verify(database).ok
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE event_body SET salt = ?, bytes = ? WHERE seq = ?", (*kept, NOTE))
    assert "event 10: was erased, but its text is back" in [str(problem) for problem in verify(database).problems]
    assert run(verifier, exported(database)).returncode == 1


def test_an_erasure_of_an_erasure_does_not_count(verifier: Path, database: Path) -> None:
    erasure = erase_body(database, NOTE, actor="operator:kim", reason="a secret")
    forged = {**erasure.payload, "reason": "[erased]", "replacement": "0" * 64}
    forge_body(database, erasure.seq, forged, erasure_by())
    assert any(problem.seq == erasure.seq for problem in verify(database).problems)
    assert f"event {erasure.seq}: its body was altered" in run(verifier, exported(database)).stdout


def test_a_missing_body_is_named(verifier: Path, database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("DELETE FROM event_body WHERE seq = ?", (NOTE,))
    assert "event 10: its body is missing" in [str(problem) for problem in verify(database).problems]
    done = run(verifier, exported(database))
    assert (done.returncode, done.stderr, done.stdout) == (1, "", "event 10: its body was altered\n")
