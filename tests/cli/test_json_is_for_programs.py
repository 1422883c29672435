"""What ``--json`` prints is read by programs: instants and amounts as numbers, words of states, no signs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from tests.cli.test_status_command import fill

RUN = "run-1m8cd90nymf0wb8wp"
READING: tuple[tuple[str, ...], ...] = (
    ("agents",),
    ("agent", "explain", "cy"),
    ("alarms",),
    ("alarm", "explain", "alm-1"),
    ("approvals",),
    ("approval", "show", "apr-1", "--no-diff"),
    ("board",),
    ("budget",),
    ("cost",),
    ("handover",),
    ("log",),
    ("pr", "list"),
    ("pr", "show", "1"),
    ("question", "list"),
    ("queue",),
    ("risk", "show"),
    ("risk", "explain", RUN),
    ("status",),
    ("ticket", "list"),
    ("ticket", "show", "1"),
    ("vendor", "list"),
    ("watcher", "status"),
    ("workspace", "list"),
)
SHOWN = re.compile(
    r"""\d+\s?[smhd](\s+ago)?          # an age
      | \d+h\d\d | \d+m\d\d            # a duration
      | [~$]?[\d.]+\s?(k|M|G|kB|MB|%|\ tokens|\ turns)   # a rounded amount
      | \$[\d.]+
      | shelved\ .*                    # a state with its time
      | -                              # nothing, as tables say it
      | .*\N{HORIZONTAL ELLIPSIS}      # a cut text
      | .*[\N{DOWNWARDS ARROW WITH TIP RIGHTWARDS}\N{BLACK RIGHT-POINTING TRIANGLE}].*
      | \d\d:\d\d(:\d\d)?              # a clock without its day
      | \#\d+                          # a number with its sign""",
    re.VERBOSE,
)


def _agent(name: str) -> dict[str, Any]:
    return {
        "name": name, "role": "developer", "vendor": "x", "model": None, "enabled": True, "max_concurrent": 1,
        "department": None, "reports_to": None, "subscribes_to": ["ticket_ready"], "budget_s": None,
    }  # fmt: skip


@pytest.fixture
def filled(shop: Any) -> Any:
    rule = {"scope": "agent", "name": "cy", "unit": "tokens", "ceiling": 150_000, "window": "total"}
    shop.add(ev.draft(ev.ConfigLoaded("0" * 64, "v-1", [_agent("cy"), _agent("di")], [rule]), "fleet"))
    fill(shop)
    (shop.paths.tickets).mkdir()
    (shop.paths.tickets / "0001-t1.md").write_text("---\nnumber: 1\ntitle: T1\nlabels: [ready]\n---\nDo it.\n")
    score = ev.RiskChanged("cy", 50, "medium", "low", ["+50 path: touches deploy/x"], {}, "0" * 8, 1)
    far_ns = 1 << 61
    shop.add(
        ev.draft(ev.RunStateChanged(RUN, "running", "runner"), f"run:{RUN}"),
        ev.draft(score, f"run:{RUN}"),
        ev.draft(ev.AlarmShelved("alm-1", "operator:kim", far_ns, "known"), "alarm:alm-1"),
    )
    return shop


def texts(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every text in ``value``, and where."""
    if isinstance(value, str):
        yield at, value
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from texts(part, f"{at}.{key}")


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_nothing_in_it_is_written_for_people(filled: Any, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(fleet, ["--repo", str(filled.repository), *words, "--json"])
    lines = done.output.splitlines() if words == ("log",) else [done.output]
    found = [(words, *one) for line in lines for one in texts(json.loads(line))]
    assert found, done.output
    assert [one for one in found if SHOWN.fullmatch(one[-1])] == []
