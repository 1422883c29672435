"""Verification finds what was tampered with; rebuilding, exporting and erasing keep the log true."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import FleetError
from fleet_tui.store import anchors, chain, erasures
from fleet_tui.store.audit import erase_body, export, rebuild, verify
from fleet_tui.store.erasures import Erasures
from fleet_tui.store.errors import Corrupt, Fenced
from fleet_tui.store.reader import EventFilter, Reader
from fleet_tui.store.store import Store
from fleet_tui.store.tables import ALL
from tests.examples import tried
from tests.store import histories

EVENTS = 30


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed log of thirty events, anchored at the end."""
    directory = tmp_path_factory.mktemp("original")
    store = Store.open(directory / "fleet.db", host="h", blobs=directory)
    store.append(histories.story()).result(timeout=10)
    store.close()
    return directory


@pytest.fixture
def database(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return tmp_path / "fleet.db"


def edit(database: Path, *statements: str, arguments: tuple[object, ...] = ()) -> None:
    """What somebody with write access could do."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement, arguments)


def test_an_untouched_log_verifies(database: Path) -> None:
    report = verify(database)
    assert (report.ok, report.events, report.last_seq) == (True, EVENTS, EVENTS)
    assert (report.anchors, report.anchored_seq, report.unanchored) == (1, EVENTS, 0)
    assert report.kinds["pr_merged"] == 1
    assert sum(report.kinds.values()) == EVENTS
    assert str(report) == f"30 events up to 30 ({report.last_hash[:12]}), all anchored"


def test_verification_states_what_no_anchor_covers(database: Path) -> None:
    anchors.anchor_file(database).unlink()
    report = verify(database)
    assert (report.ok, report.unanchored) == (True, EVENTS)
    assert "the last 30 not anchored yet" in str(report)


@given(st.sampled_from(chain.EventRow._fields), st.integers(1, EVENTS))
@tried(80)
def test_any_edit_of_any_column_is_found(original: Path, column: str, seq: int) -> None:
    with histories.directory() as directory:
        copy = Path(shutil.copytree(original, directory / "copy")) / "fleet.db"
        new: dict[str, object] = {"seq": 99, "at_ns": 1, "mono_ns": 1, "epoch": 9, "ver": 2}
        edit(copy, "PRAGMA foreign_keys = off")
        value = new.get(column, b"\1" * 32 if column in ("body_hash", "prev", "hash") else "forged")
        edit(copy, f"UPDATE event SET {column} = ? WHERE seq = {seq}", arguments=(value,))
        report = verify(copy)
        assert not report.ok
        assert min(problem.seq for problem in report.problems if problem.seq is not None) in (seq, seq + 1, 99)


@given(st.integers(1, EVENTS), st.integers(1, EVENTS))
@settings(max_examples=30, deadline=None)
def test_deleting_or_swapping_events_is_found(original: Path, seq: int, other: int) -> None:
    with histories.directory() as directory:
        copy = Path(shutil.copytree(original, directory / "copy")) / "fleet.db"
        edit(copy, f"DELETE FROM event WHERE seq = {seq}", f"DELETE FROM event_body WHERE seq = {seq}")
        assert not verify(copy).ok
        if seq != other:
            copy = Path(shutil.copytree(original, directory / "second")) / "fleet.db"
            swap = [
                f"UPDATE event SET seq = {new} WHERE seq = {old}" for old, new in ((seq, 99), (other, seq), (99, other))
            ]
            edit(copy, *swap)
            assert not verify(copy).ok


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE event_body SET bytes = CAST('{}' AS BLOB) WHERE seq = 5", "event 5: its body was altered"),
        ("UPDATE event_body SET salt = x'00' WHERE seq = 5", "event 5: its body was altered"),
        ("DELETE FROM event_body WHERE seq = 5", "event 5: its body is missing"),
        ("INSERT INTO event_body VALUES (77, x'00', x'00')", "event 77: has a body but no event"),
        ("UPDATE event_body SET bytes = 'text' WHERE seq = 5", "event 5: holds values of the wrong type"),
        ("UPDATE event SET hash = 'text' WHERE seq = 5", "event 5: holds values of the wrong type"),
        ("UPDATE event SET at_ns = 'noon' WHERE seq = 5", "event 5: holds values of the wrong type"),
        ("DELETE FROM head", "the head names event none"),
        ("UPDATE head SET hash = 'text'", "the head names event 30"),
        ("UPDATE head SET seq = 29", "the head names event 29, the last event is 30"),
        ("UPDATE head SET hash = x'00'", "the head names event"),
        ("UPDATE ticket SET state = 'ready'", "table ticket, row 1: differs from the log in state"),
        ("UPDATE agent SET charged_ms = 0 WHERE name = 'ada'", "differs from the log in charged_ms"),
        ("DELETE FROM approval", "table approval, row apr-1: missing"),
        ("INSERT INTO mail VALUES ('eve', 3)", "table mail, row eve/3: extra"),
    ],
)
def test_the_report_names_the_damage(database: Path, damage: str, says: str) -> None:
    edit(database, "PRAGMA foreign_keys = off", damage)
    report = verify(database)
    assert not report.ok
    assert any(says in str(problem) for problem in report.problems), [str(problem) for problem in report.problems]


@given(st.data())
@tried(100)
def test_damaged_bytes_are_found_or_did_no_harm(original: Path, data: st.DataObject) -> None:
    content = bytearray((original / "fleet.db").read_bytes())
    start = data.draw(st.integers(100, len(content) - 1))
    damage = data.draw(st.binary(min_size=1, max_size=64))
    content[start : start + len(damage)] = damage[: len(content) - start]
    with histories.directory() as directory:
        copy = Path(shutil.copytree(original, directory / "copy")) / "fleet.db"
        copy.write_bytes(content)
        try:
            report = verify(copy)
        except FleetError:
            return
        if report.ok:
            assert dump(copy) == dump(original / "fleet.db")


def dump(database: Path) -> list[list[tuple[object, ...]]]:
    """Every row that the log and the tables hold, read without an index."""
    names = ["event", "event_body", *(table.name for table in ALL)]
    with closing(sqlite3.connect(database)) as connection:
        return [
            sorted(connection.execute(f'SELECT * FROM "{name}" NOT INDEXED').fetchall(), key=repr) for name in names
        ]


def cut(database: Path, last: int) -> None:
    """Removes the tail and makes head and tables fit."""
    edit(database, f"DELETE FROM event_body WHERE seq > {last}", f"DELETE FROM mail WHERE seq > {last}")
    edit(database, f"DELETE FROM event WHERE seq > {last}")
    edit(database, f"UPDATE head SET seq = {last}, hash = (SELECT hash FROM event WHERE seq = {last})")
    rebuild(database)


def recompute(database: Path) -> None:
    """Forges an event and recomputes every hash from there on."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        previous = chain.GENESIS
        for row in connection.execute(f"SELECT {chain.COLUMNS} FROM event ORDER BY seq").fetchall():
            columns = list(row)
            columns[6] = "operator:forger" if columns[0] == 23 else columns[6]
            columns[14] = previous
            previous = chain.event_hash(columns)
            new = (columns[6], columns[14], previous, columns[0])
            connection.execute("UPDATE event SET actor = ?, prev = ?, hash = ? WHERE seq = ?", new)
        connection.execute("UPDATE head SET hash = ?", (previous,))


def test_an_event_forged_with_a_fitting_hash_breaks_the_link_to_the_next(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        columns = list(connection.execute(f"SELECT {chain.COLUMNS} FROM event WHERE seq = 5").fetchone())
        columns[6] = "operator:forger"
        connection.execute(
            "UPDATE event SET actor = ?, hash = ? WHERE seq = 5", (columns[6], chain.event_hash(columns))
        )
    assert [str(problem) for problem in verify(database).problems] == ["event 6: does not follow the event before it"]


@pytest.mark.parametrize(("forge", "says"), [(lambda path: cut(path, 20), "was cut"), (recompute, "was rewritten")])
def test_a_forgery_that_fits_the_chain_is_found_by_the_anchor_alone(
    database: Path, forge: Callable[[Path], None], says: str
) -> None:
    forge(database)
    assert any(says in str(problem) for problem in verify(database).problems)
    elsewhere = database.with_name("copy-of-anchors.log")
    anchors.anchor_file(database).rename(elsewhere)
    assert verify(database).ok
    assert not verify(database, elsewhere).ok


def test_a_torn_anchor_line_is_named(database: Path) -> None:
    with anchors.anchor_file(database).open("a") as file:
        file.write('{"seq": 3')
    assert [str(problem) for problem in verify(database).problems] == ["anchors.log line 2 is not an anchor"]


def test_opening_refuses_a_damaged_tail(database: Path) -> None:
    edit(database, "UPDATE event SET actor = 'forger' WHERE seq = 30")
    with pytest.raises(Corrupt, match="event 30 was altered"):
        Store.open(database, host="h", blobs=database.parent)
    edit(database, "PRAGMA foreign_keys = off", "DELETE FROM event WHERE seq = 30")
    with pytest.raises(Corrupt, match="not the recorded head"):
        Store.open(database, host="h", blobs=database.parent)


def test_opening_refuses_a_damaged_file(database: Path) -> None:
    data = bytearray(database.read_bytes())
    data[4096 : 4096 * 6] = b"\xaa" * (4096 * 5)
    database.write_bytes(data)
    with pytest.raises(FleetError, match="damaged"):
        Store.open(database, host="h", blobs=database.parent)
    with pytest.raises(FleetError, match="damaged"):
        verify(database)


def test_rebuild_repairs_the_tables_and_reports_what_it_found(database: Path) -> None:
    edit(database, "UPDATE ticket SET state = 'ready', title = 'forged'", "DELETE FROM gate")
    edit(database, "INSERT INTO search (search) VALUES ('delete-all')", "DELETE FROM event_span")
    report = rebuild(database)
    assert report.events == EVENTS
    assert [str(difference) for difference in report.differences] == [
        "table ticket, row 1: differs from the log in title, state",
        "table gate, row gate-1: missing",
    ]
    assert verify(database).ok
    with closing(Reader.open(database)) as reader:
        ticket = reader.ticket(1)
        assert ticket is not None
        assert ticket.title == "Login"
        assert len(reader.events(EventFilter(text="style guide", since_ns=0))) == 1


def test_rebuilding_twice_gives_identical_tables(database: Path) -> None:
    def tables() -> list[list[tuple[object, ...]]]:
        with closing(sqlite3.connect(database)) as connection:
            return [sorted(connection.execute(f'SELECT * FROM "{table.name}"').fetchall(), key=repr) for table in ALL]

    before = tables()
    assert str(rebuild(database)) == "30 events replayed\nthe tables were what the log says"
    assert tables() == before


def test_rebuild_fences_a_running_writer(database: Path) -> None:
    store = Store.open(database, host="h", blobs=database.parent)
    rebuild(database)
    with pytest.raises(Fenced):
        store.append([ev.draft(ev.Note("x"), "fleet")]).result(timeout=10)
    store.close()


def test_an_export_proves_itself_without_our_code(database: Path) -> None:
    out = io.StringIO()
    assert export(database, out.write) == EVENTS
    previous = bytes(32)
    for number, text in enumerate(out.getvalue().splitlines(), start=1):
        line = json.loads(text)
        body = json.dumps(line["payload"], sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
        assert hashlib.sha256(bytes.fromhex(line["salt"]) + body).hexdigest() == line["body_hash"]
        names = [
            "seq",
            "host",
            "id",
            "key",
            "kind",
            "ver",
            "actor",
            "subject",
            "cause",
            "epoch",
            "at_ns",
            "mono_ns",
            "boot",
        ]
        parts = [b"fleet.event.v1"]
        for value in [*(line[name] for name in names), bytes.fromhex(line["body_hash"]), previous]:
            data = value if isinstance(value, bytes) else str(value).encode()
            parts.append((-1).to_bytes(8, signed=True) if value is None else len(data).to_bytes(8) + data)
        assert hashlib.sha256(b"".join(parts)).hexdigest() == line["hash"]
        assert (line["seq"], line["previous"]) == (number, previous.hex())
        previous = bytes.fromhex(line["hash"])


def test_an_export_can_be_filtered(database: Path) -> None:
    out = io.StringIO()
    assert export(database, out.write, EventFilter(kinds=("ticket_ready", "pr_merged"))) == 2
    assert [json.loads(line)["kind"] for line in out.getvalue().splitlines()] == ["ticket_ready", "pr_merged"]


SECRET = "hunter2correcthorse"


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """A log in which a secret stands in two events, one of them a message row."""
    directory = tmp_path / "leaky"
    directory.mkdir()
    store = Store.open(directory / "fleet.db", host="h", blobs=directory)
    drafts = [
        ev.draft(ev.TicketCreated(1, f"Token {SECRET} leaks", "e", "0" * 64, [], [], 1), "ticket:1"),
        ev.draft(ev.Note("other", data={"deep": [f"x {SECRET} y"]}, to=["bob"]), "fleet"),
        ev.draft(ev.TicketReady(1), "ticket:1"),
    ]
    store.append(drafts).result(timeout=10)
    store.close()
    return directory / "fleet.db"


def files_with(directory: Path, text: str) -> list[str]:
    return [path.name for path in directory.iterdir() if path.is_file() and text.encode() in path.read_bytes()]


def test_an_erased_secret_is_gone_from_every_file_and_the_chain_still_verifies(leaky: Path) -> None:
    assert files_with(leaky.parent, SECRET) == ["fleet.db"]
    first = erase_body(leaky, 1, actor="operator:kim", reason="leaked token", secret=SECRET)
    assert (first.kind, first.actor, first.payload["seq"]) == ("body_erased", "operator:kim", 1)
    erase_body(leaky, 2, actor="operator:kim", reason="leaked token", secret=SECRET)
    assert files_with(leaky.parent, SECRET) == []
    assert files_with(leaky.parent, SECRET[:8]) == []
    report = verify(leaky)
    assert (report.problems, report.erased, report.events) == ([], [1, 2], 5)
    with closing(Reader.open(leaky)) as reader:
        ticket = reader.ticket(1)
        assert ticket is not None
        assert (ticket.title, ticket.state) == ("Token [erased] leaks", "ready")
        assert reader.mail("bob")[0].payload["data"] == {"deep": ["x [erased] y"]}
        assert reader.events(EventFilter(text=SECRET[:8])) == []
        assert [event.seq for event in reader.events(EventFilter(text="leaks"))] == [1]
    assert rebuild(leaky).differences == ()


def test_without_a_secret_all_free_text_is_erased_and_the_rest_stays(leaky: Path) -> None:
    erase_body(leaky, 1, actor="operator:kim", reason="all of it")
    with closing(Reader.open(leaky)) as reader:
        event = reader.event(1)
    assert event is not None
    assert (event.payload["title"], event.payload["excerpt"]) == ("[erased]", "[erased]")
    assert (event.payload["ticket"], event.payload["body_sha"]) == (1, "0" * 64)
    assert verify(leaky).ok


def test_an_erasure_cannot_be_faked(leaky: Path) -> None:
    erase_body(leaky, 1, actor="operator:kim", reason="leaked")
    edit(leaky, "UPDATE event_body SET bytes = CAST('{\"ticket\":1}' AS BLOB) WHERE seq = 1")
    assert "event 1: its body was altered" in [str(problem) for problem in verify(leaky).problems]


@pytest.mark.parametrize(
    ("seq", "secret", "says"), [(9, None, "no event 9"), (3, None, "does not hold"), (1, "absent", "does not hold")]
)
def test_nothing_happens_when_there_is_nothing_to_erase(leaky: Path, seq: int, secret: str | None, says: str) -> None:
    with pytest.raises(FleetError, match=says):
        erase_body(leaky, seq, actor="operator:kim", reason="x", secret=secret)
    report = verify(leaky)
    assert (report.ok, report.events) == (True, 3)


def test_an_erasure_itself_cannot_be_erased(leaky: Path) -> None:
    erasure = erase_body(leaky, 1, actor="operator:kim", reason="x")
    with pytest.raises(FleetError, match="records an erasure"):
        erase_body(leaky, erasure.seq, actor="operator:kim", reason="y")


def notes(count: int) -> list[ev.Draft]:
    return [ev.draft(ev.Note(str(number)), "fleet") for number in range(count)]


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six thousand events: six anchors."""
    directory = tmp_path_factory.mktemp("long")
    store = Store.open(directory / "fleet.db", host="h", blobs=directory)
    for _ in range(12):
        store.append(notes(500)).result(timeout=30)
    store.close()
    assert verify(directory / "fleet.db").ok
    return directory


def keep_no_anchor(path: Path) -> None:
    path.unlink()


def keep_the_first(path: Path) -> None:
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


def begin_anew(path: Path) -> None:
    """What the watcher writes after the file was taken away."""
    last = json.loads(path.read_bytes().splitlines()[-1])
    path.unlink()
    anchors.append(path, anchors.Anchor(**{**last, "prev": ""}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (keep_no_anchor, "event 1: has no anchor, nor has any up to event 6000: anchors are missing"),
        (keep_the_first, "event 1001: has no anchor, nor has any up to event 6000: anchors were cut"),
        (begin_anew, "event 1: has no anchor, nor has any up to event 6000: anchors were taken out"),
    ],
)
def test_anchors_that_are_missing_or_far_behind_are_a_problem(
    long_log: Path, tmp_path: Path, change: Callable[[Path], None], says: str
) -> None:
    database = Path(shutil.copytree(long_log, tmp_path / "copy")) / "fleet.db"
    path = anchors.anchor_file(database)
    (tmp_path / "kept.log").write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    change(path)
    problems = [str(problem) for problem in verify(database).problems]
    assert len(problems) == 1
    assert problems[0].startswith(says)
    assert verify(database, tmp_path / "kept.log").ok  # a copy that was made earlier is compared as far as it goes


def test_anchors_may_be_behind_for_an_interval_but_not_for_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path)
    store.append(notes(1)).result(timeout=10)
    store.append(notes(1)).result(timeout=10)
    assert not anchors.anchor_file(tmp_path / "fleet.db").exists()
    assert verify(tmp_path / "fleet.db").ok
    real = time.monotonic_ns
    later_ns = int(anchors.OVERDUE * anchors.EVERY_S + 1) * 10**9
    monkeypatch.setattr("fleet_tui.store.append.time.monotonic_ns", lambda: real() + later_ns)
    store.append(notes(1)).result(timeout=10)
    monkeypatch.undo()
    assert ["event 1: has no anchor" in str(problem) for problem in verify(tmp_path / "fleet.db").problems] == [True]
    store.close()


def test_what_is_anchored_while_the_log_is_verified_was_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path)
    store.append(notes(1)).result(timeout=10)
    look = erasures.read

    def just_before_more_comes(connection: sqlite3.Connection) -> Erasures:
        found = look(connection)
        store.append(notes(anchors.EVERY_EVENTS)).result(timeout=10)
        return found

    monkeypatch.setattr(erasures, "read", just_before_more_comes)
    report = verify(tmp_path / "fleet.db")
    monkeypatch.undo()
    assert report.problems == []
    assert anchors.last_seq(anchors.anchor_file(tmp_path / "fleet.db")) == 1 + anchors.EVERY_EVENTS
    assert verify(tmp_path / "fleet.db").ok
    store.close()


def test_a_writer_anchors_what_a_killed_one_left_before_it_goes_on(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "fleet.db", host="h", blobs=tmp_path)
    store.append(notes(3)).result(timeout=10)
    shutil.copytree(tmp_path, tmp_path / "killed")  # as a kill -9 leaves it
    store.close()
    database = tmp_path / "killed" / "fleet.db"
    again = Store.open(database, host="h", blobs=database.parent)
    again.append(notes(1)).result(timeout=10)
    assert [anchor.seq for anchor in anchors.read(anchors.anchor_file(database)).anchors] == [3]
    again.close()
