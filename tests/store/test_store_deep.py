"""The deep check: silent on a good log, and it names each thing that does not add up."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from fleet_tui.domain import events as ev
from fleet_tui.store.audit import AuditReport, Observer, verify
from fleet_tui.store.deep import check
from fleet_tui.store.store import Store

PLANNED = ev.EffectPlanned("eff", "tell", "once", "pane")


def problems(store: Store, blob_directory: Path, *payloads: ev.Payload) -> list[str]:
    store.append([ev.draft(payload, "fleet") for payload in payloads]).result(timeout=10)
    return [str(problem) for problem in check(store._database, blob_directory)]


def ticket(sha: str) -> ev.TicketCreated:
    return ev.TicketCreated(1, "t", "e", sha, [], [], 1)


def test_a_good_log_has_no_problems(store: Store, blob_directory: Path) -> None:
    sha = store.put_blob("body")
    run = ev.RunQueued("run-1", "ada", "developer", "v", None, "t")
    started = ev.RunStarted("run-1", "s", "u", "/w", "b", "0", "L0", 0, "t")
    end = [ev.RunMetered("run-1", "ada", 10_000), ev.RunFinished("run-1", "finished", 0, None, 9_000)]
    effect = [
        PLANNED,
        ev.EffectAttempted("eff", 1),
        ev.EffectFailed("eff", 1, "x", retry=True),
        ev.EffectAttempted("eff", 2),
    ]
    assert problems(store, blob_directory, ticket(sha), run, started, *end, *effect, ev.EffectDone("eff", 2)) == []


def test_a_missing_text_is_found(store: Store, blob_directory: Path) -> None:
    (found,) = problems(store, blob_directory, ticket("0" * 64), ev.MessageSent("m", "r", "prompt", "short"))
    assert found.startswith("event 1: missing text")


def test_an_undercharged_run_is_found(store: Store, blob_directory: Path) -> None:
    run = ev.RunQueued("run-1", "ada", "developer", "v", None, "t")
    started = ev.RunStarted("run-1", "s", "u", "/w", "b", "0", "L0", 0, "t")
    end = [ev.RunMetered("run-1", "ada", 10_000), ev.RunCrashed("run-1", 1, None, 12_000, "x")]
    assert problems(store, blob_directory, run, started, *end) == [
        "run run-1 was active for 12000 ms but charged 10000 ms"
    ]


@pytest.mark.parametrize(
    ("payloads", "says"),
    [
        ([ev.EffectAttempted("eff", 1)], "event 1: effect eff was attempted without a plan"),
        (
            [PLANNED, ev.EffectAttempted("eff", 1), ev.EffectDone("eff", 1), ev.EffectAttempted("eff", 2)],
            "event 4: effect eff was attempted after it was concluded",
        ),
        (
            [PLANNED, ev.EffectAttempted("eff", 1), ev.EffectUncertain("eff", 1), ev.EffectAttempted("eff", 2)],
            "event 4: effect eff may happen once, but was repeated while uncertain",
        ),
    ],
)
def test_a_blindly_repeated_effect_is_found(
    store: Store, blob_directory: Path, payloads: list[ev.Payload], says: str
) -> None:
    assert problems(store, blob_directory, *payloads) == [says]


def test_a_safely_repeatable_effect_may_be_repeated(store: Store, blob_directory: Path) -> None:
    planned = ev.EffectPlanned("eff", "merge", "cas", "main")
    attempts = [ev.EffectAttempted("eff", 1), ev.EffectUncertain("eff", 1), ev.EffectAttempted("eff", 2)]
    assert problems(store, blob_directory, planned, *attempts) == []


def test_a_lost_outbox_row_is_found(store: Store, blob_directory: Path) -> None:
    store.append([ev.draft(PLANNED, "fleet")]).result(timeout=10)
    store.close()
    with sqlite3.connect(store._database) as connection:
        connection.execute("DELETE FROM effect")
    found = [str(problem) for problem in check(store._database, blob_directory)]
    assert "effect eff: outbox and log disagree" in found
    assert "table effect, row eff: missing" in found


def test_what_is_planned_while_the_log_is_read_is_no_disagreement(
    store: Store, blob_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def just_before_more_comes(database: Path, observers: Sequence[Observer]) -> AuditReport:
        report = verify(database, observers=observers)
        store.append([ev.draft(ev.EffectPlanned("other", "tell", "once", "pane"), "fleet")]).result(timeout=10)
        return report

    monkeypatch.setattr("fleet_tui.store.deep.verify", just_before_more_comes)
    assert problems(store, blob_directory, PLANNED) == []
