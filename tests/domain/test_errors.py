"""Errors carry what, where and what to do, for a person and over the bus."""

from __future__ import annotations

import pickle

import pytest

from fleet_tui.domain.errors import Conflict, FleetError, Refused, UsageError, WatcherUnavailable

KINDS = (FleetError, UsageError, Refused, WatcherUnavailable, Conflict)


def test_text_has_title_message_and_hint() -> None:
    assert (
        str(FleetError("no tmux", "tmux is not on PATH", "install tmux"))
        == "no tmux: tmux is not on PATH\n  try: install tmux"
    )
    assert str(FleetError("no tmux")) == "no tmux"
    assert str(FleetError("no tmux", hint="install tmux")) == "no tmux\n  try: install tmux"


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_for_the_bus_names_the_class(kind: type[FleetError]) -> None:
    assert kind("t", "m", "h").as_dict() == {"error": kind.__name__, "title": "t", "message": "m", "hint": "h"}


@pytest.mark.parametrize("kind", KINDS)
def test_errors_survive_a_process_boundary(kind: type[FleetError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("t", "m", "h")))
    assert type(copy) is kind
    assert copy.as_dict() == kind("t", "m", "h").as_dict()


def test_usage_errors_exit_with_two() -> None:
    assert [kind.exit_code for kind in KINDS] == [1, 2, 1, 1, 1]
