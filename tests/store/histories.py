"""Random histories over every kind of event, with few names, so that events meet each other's rows."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from fleet_tui.domain import events as ev
from fleet_tui.domain.states import (
    EffectClass,
    MessageState,
    PullRequestState,
    RiskBand,
    RunState,
)

AGENTS = ["ada", "bob", "eve"]
RUNS = ["run-1", "run-2", "run-3"]
NUMBERS = st.integers(1, 3)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
CONFIGURED = st.fixed_dictionaries(
    {"name": st.sampled_from(AGENTS), "role": TEXT, "vendor": TEXT},
    optional={
        "model": st.none() | TEXT,
        "enabled": st.booleans(),
        "max_concurrent": st.integers(1, 5),
        "subscribes_to": st.lists(TEXT, max_size=2),
        "budget_s": st.none() | st.integers(0, 999),
    },
)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "run": st.sampled_from(RUNS),
    "agent": st.sampled_from(AGENTS),
    "ticket": NUMBERS,
    "pr": NUMBERS,
    "approval": st.sampled_from(["apr-1", "apr-2"]),
    "gate": st.sampled_from(["gate-1", "gate-2"]),
    "question": st.sampled_from(["q-1", "q-2"]),
    "message": st.sampled_from(["msg-1", "msg-2"]),
    "alarm": st.sampled_from(["alarm-1", "alarm-2"]),
    "effect": st.sampled_from(["eff-1", "eff-2"]),
    "effect_class": st.sampled_from([str(value) for value in EffectClass]),
    "outcome": st.sampled_from(["finished", "failed", "stopped"]),
    "fence": st.integers(1, 3),
    "repo": st.sampled_from(["", "api"]),
    "band": st.sampled_from([str(value) for value in RiskBand]),
    "risk_band": st.sampled_from([str(value) for value in RiskBand]),
    "agents": st.lists(CONFIGURED, max_size=3),
    "to": st.lists(st.sampled_from(AGENTS), max_size=3),
}
STATES = {
    ev.RunStateChanged: st.sampled_from([str(value) for value in RunState]),
    ev.MessageDelivered: st.sampled_from([str(value) for value in MessageState]),
    ev.PullRequestStateChanged: st.sampled_from([str(value) for value in PullRequestState]),
}
KINDS = [payload for payload in ev.PAYLOADS.values() if payload is not ev.BodyErased]


def drafts() -> st.SearchStrategy[ev.Draft]:
    """Any event that may be recorded, of a known kind or not."""
    known = st.sampled_from(KINDS).flatmap(_payload)
    unknown = st.dictionaries(TEXT, JSON, max_size=3).map(lambda body: ("from_the_future", body))
    return st.builds(
        lambda content, subject, actor, cause, key: ev.Draft(content[0], content[1], subject, actor, cause, key),
        known | unknown,
        st.sampled_from(["fleet", "ticket:1", "run:run-1", "pr:2"]),
        st.sampled_from(["watcher", "operator:kim", "agent:ada/run-1"]),
        st.none() | st.sampled_from(["ev-1", "ev-2"]),
        st.none() | st.sampled_from([f"key-{number}" for number in range(6)]),
    )


def calls() -> st.SearchStrategy[list[list[ev.Draft]]]:
    """Several calls of several drafts each."""
    return st.lists(st.lists(drafts(), min_size=1, max_size=6), min_size=1, max_size=10)


def _payload(payload: type[ev.Payload]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    hints = typing.get_type_hints(payload)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(payload)}  # type: ignore[arg-type]
    body = st.fixed_dictionaries({name: _value(payload, name, hint) for name, hint in fields.items()})
    return body.map(lambda values: (payload.kind, values))


def _value(payload: type[ev.Payload], name: str, hint: Any) -> st.SearchStrategy[Any]:
    if name == "state":
        return STATES[payload]
    arguments = typing.get_args(hint)
    optional = type(None) in arguments
    if name in BY_NAME:
        return st.none() | BY_NAME[name] if optional else BY_NAME[name]
    return _typed(hint, arguments)


def _typed(hint: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if hint is Any:
        return JSON
    if typing.get_origin(hint) is list:
        return st.lists(_typed(arguments[0], typing.get_args(arguments[0])), max_size=3)
    if typing.get_origin(hint) is dict:
        return st.dictionaries(TEXT, JSON, max_size=3)
    if arguments:
        return st.one_of([_typed(argument, typing.get_args(argument)) for argument in arguments])
    return {int: st.integers(0, 10**6), str: TEXT, bool: st.booleans(), type(None): st.none()}[hint]


@contextmanager
def directory() -> Iterator[Path]:
    """A fresh directory for one example of a property test."""
    path = Path(tempfile.mkdtemp(prefix="fl"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def story() -> list[ev.Draft]:
    """One ticket from creation to landing: thirty events that touch most tables."""
    head, base, tree = "a" * 40, "b" * 40, "c" * 40
    agents = [
        {"name": "ada", "role": "developer", "vendor": "scripted"},
        {"name": "bob", "role": "reviewer", "vendor": "x"},
    ]
    steps: list[tuple[ev.Payload, str]] = [
        (ev.WatcherStarted("1", 42, "host-a", "boot", "L0"), "fleet"),
        (ev.ConfigLoaded("sha", "policy-1", agents), "fleet"),
        (ev.TicketCreated(1, "Login", "The button", "d" * 64, ["ready"], [2], 3), "ticket:1"),
        (ev.TicketReady(1), "ticket:1"),
        (ev.RunQueued("run-1", "ada", "developer", "scripted", None, "ticket_ready", 1), "run:run-1"),
        (ev.RunStarted("run-1", "s", "uuid", "/w", "agent/1-login", base, "L0", 0, "e" * 64), "run:run-1"),
        (ev.TicketClaimed(1, "ada", "run-1"), "ticket:1"),
        (ev.RunStateChanged("run-1", "running", "hook"), "run:run-1"),
        (ev.RunMetered("run-1", "ada", 20_000), "run:run-1"),
        (ev.Note("see the style guide", "run-1", 1, to=["bob"]), "run:run-1"),
        (ev.WorkspaceCreated(1, "agent/1-login", base, "/w"), "ticket:1"),
        (ev.MessageSent("msg-1", "run-1", "prompt", "go on"), "run:run-1"),
        (ev.MessageDelivered("msg-1", "run-1", "submitted"), "run:run-1"),
        (
            ev.PullRequestCreated(1, 1, "Login", "", "agent/1-login", "main", "ada", "run-1", head, base, 2, 10, 1),
            "pr:1",
        ),
        (ev.RunFinished("run-1", "finished", 0, None, 15_000), "run:run-1"),
        (ev.PullRequestApproved(1, "bob", "run-2", "reviewer", head, "fine"), "pr:1"),
        (ev.PullRequestStateChanged(1, "approved", "one review", 1), "pr:1"),
        (ev.GateStarted("gate-1", "tests", 1, tree, head, base, "make test"), "pr:1"),
        (ev.GatePassed("gate-1", "tests", 1, tree, 900, 0, "gate-1.log", "ok"), "pr:1"),
        (ev.PullRequestStateChanged(1, "gated", "", 1), "pr:1"),
        (ev.ReleaseDecided(1, "bob", "run-2", head, "merge", "small"), "pr:1"),
        (ev.ApprovalRequested("apr-1", 1, 1, head, base, tree, "gates", "policy-1", ["L0"], 10**18), "pr:1"),
        (ev.ApprovalGranted("apr-1", 1, "kim", 10**17), "pr:1"),
        (ev.EffectPlanned("eff-1", "merge", "cas", "main", {"head": head}), "pr:1"),
        (ev.EffectAttempted("eff-1", 1), "pr:1"),
        (ev.EffectDone("eff-1", 1, "landed"), "pr:1"),
        (ev.PullRequestMerged(1, 1, head, base, "f" * 40, tree, "main", "apr-1"), "pr:1"),
        (ev.TicketShipped(1, 1, "f" * 40), "ticket:1"),
        (ev.TargetMoved("main", base, "f" * 40, "merge"), "fleet"),
        (ev.WorkspaceRemoved(1, "/w", "refs/backup/1", "landed"), "ticket:1"),
    ]
    return [ev.draft(payload, subject) for payload, subject in steps]
