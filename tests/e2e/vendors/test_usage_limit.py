"""Vendors' own programs at the usage limit of their account: parked, let go on, and their work lands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fleet_tui.domain.states import TicketState
from tests.e2e.e2e_support import Place
from tests.e2e.vendors.trials import (
    CLAUDE_CODE,
    CODEX,
    COPILOT,
    GEMINI,
    OPENCODE,
    PUBLISHES,
    WRITES,
    Trial,
    last_word,
    live,
    metered,
    served,
)
from tests.vendors.standins.script import Cast, Reply, Script
from tests.vendors.standins.server import serving

LIMIT_S = 90
NO_MORE = {"x-should-retry": "false"}
"""Else Claude Code tries again by itself for minutes before it says anything."""
SAID = {"message": "You've hit your limit, try again in 20 seconds"}
UNSAID = {"message": "This would exceed your account's rate limit."}
CODEX_SAYS = {"type": "usage_limit_reached", "code": None, "plan_type": "plus", "message": "No more."}
DAILY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
GEMINI_SAYS = {
    "status": "RESOURCE_EXHAUSTED",
    "message": "You exceeded your current quota, please check your plan and billing details.",
    "details": [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": DAILY}]}],
}
"""Of a limit for a minute it tells nobody: it tries again until it gets an answer."""
WALLS = [
    pytest.param(CLAUDE_CODE, NO_MORE, SAID, 20, id="claude-code"),
    pytest.param(CLAUDE_CODE, NO_MORE, UNSAID, None, id="claude-code-unsaid"),
    pytest.param(CODEX, {}, CODEX_SAYS, None, id="codex"),
    pytest.param(GEMINI, {}, GEMINI_SAYS, None, id="gemini"),
    pytest.param(OPENCODE, {"retry-after": "3600"}, {}, 3600, id="opencode"),
    pytest.param(COPILOT, {"retry-after": "3600"}, {}, None, id="copilot"),
]


@pytest.mark.slow
@pytest.mark.vendor
@pytest.mark.parametrize(("trial", "headers", "error", "over_s"), WALLS)
def test_met_once_it_goes_on_and_lands(
    place: Place, trial: Trial, headers: Mapping[str, str], error: Mapping[str, Any], over_s: int | None
) -> None:
    work = [
        Reply("I begin.", (trial.shell("ls"),)),
        Reply(status=429, headers=headers, error=error),
        Reply("Now.", (trial.shell(WRITES),)),
        Reply("Handed over.", (trial.shell(PUBLISHES),)),
        Reply("Done."),
    ]
    cast = Cast([Script("A page", work)])
    limits = {"account_gap_s": 1, "account_proof_s": 3, "account_backoff_s": [12]}
    with serving(cast) as url:
        trial.configure(place, url, limits=limits)
        place.fleet("watcher", "start")
        place.ticket("A page")
        place.until(lambda: place.agent_state("dev") == "limited", "it is parked", LIMIT_S)
        assert live(place).state_reason.startswith("parked")
        (met,) = place.events("account_limited")
        stated = met.payload["reset_ns"]
        assert (stated is None) == (over_s is None)
        if over_s is not None:
            assert abs(stated - met.at_ns - over_s * 10**9) < 15 * 10**9
        if over_s is not None and over_s > LIMIT_S:
            place.fleet("account", "resume", met.payload["account"], "--reason", "bought more")
            stated = met.at_ns
        place.until_approval(1, LIMIT_S)
        place.approve(1)
        place.until_ticket(1, TicketState.SHIPPED, LIMIT_S)
        place.until(lambda: place.alarm("usage-limit") is None, "its alarm is over")
    (released,) = place.events("account_run_released")
    assert released.at_ns >= (stated or met.at_ns + 12 * 10**9)
    assert len(place.reader.runs(agent="dev")) == 1, "no run was used up for it"
    assert metered(place) in (served(cast), served(cast, but=last_word(trial, work)))
