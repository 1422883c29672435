"""Thirty agents at work, as in the demo, and a person's hand that counts its keys."""

from __future__ import annotations

from typing import Any

from fleet_tui.domain import events as ev
from fleet_tui.domain.amounts import MICRO
from fleet_tui.domain.spending import Rule
from tests.tui.conftest import approval, running

NAMES = tuple(
    """
    upload-retry parser-fuzz auth-tokens docs-index cache-evict billing-fix cli-colors log-rotate api-paging e2e-login
    k8s-probe sdk-java sdk-go perf-hot i18n-de search-rank webhook-sig db-index mobile-nav qa-matrix rate-limit
    feature-x7 db-migrate audit-csv spare import-xml a11y-menu tax-rules cron-tz release-52
    """.split()  # noqa: SIM905
)
"""Of agents 1 to 30."""
QA = (5, 9, 14, 19, 20, 27)
IDLE, HIGH, LOW, ASKS, CONTAINED, FAILING, BLOCKED, SPENDER = 25, 30, 22, 12, 23, 3, 8, 17


def name(number: int) -> str:
    return f"{number:02}-{NAMES[number - 1]}"


def ticket(number: int) -> int:
    return 400 + number


def role(number: int) -> str:
    return "qa" if number in QA else "developer"


def config() -> ev.Draft:
    agents: list[dict[str, Any]] = [
        {"name": name(number), "role": role(number), "vendor": "claude-code", "model": None, "enabled": True,
         "max_concurrent": 1, "department": None, "reports_to": None, "subscribes_to": []}
        for number in range(1, 31)
    ]  # fmt: skip
    rules = [
        *(Rule("agent", name(number), "seconds", 36_000) for number in range(1, 31)),
        Rule("ticket", str(ticket(SPENDER)), "money", 5 * MICRO),
    ]
    return ev.draft(ev.ConfigLoaded("0" * 64, "v-1234567890ab", agents, [rule.as_dict() for rule in rules]), "fleet")


def alarm(identity: str, rule: str, priority: int, title: str, response: str, agent: int, first: str | None = None,
          cause: str | None = None) -> ev.Draft:  # fmt: skip
    about = f"agent:{name(agent)}"
    raised = ev.AlarmRaised(identity, rule, priority, title, response, about, first)
    return ev.draft(raised, about, cause=cause) if cause else ev.draft(raised, about)


def fill(world: Any) -> None:
    """One of them was contained, one asks, one goes in circles, one ticket is stuck, two merges wait for a person; the
    other twenty-four do well."""
    world.add(ev.draft(ev.WatcherStarted("1.0", 1, "test", "boot", "L1"), "fleet"), config())
    for number in range(1, 31):
        if number != IDLE:
            title = NAMES[number - 1].replace("-", " ").capitalize()
            world.add(*running(ticket(number), name(number), role(number), title))
    now_ns = world.now_ns()
    risk = ["+25 migrations: db/migrations", "+20 size: 902 lines", "+12 dependency: one more"]
    for number, pr in ((HIGH, 812), (LOW, 799)):
        # Of two that wait the one whose time is up first comes first.
        world.add(*approval(pr, ticket(number), name(number), now_ns - 3 * pr, head="c" if pr == 812 else "e"))
    scored = ev.RiskChanged(name(HIGH), 57, "high", "low", risk, {}, "r1", now_ns, pr=812, head_sha="c" * 40)
    world.add(ev.draft(scored, "pr:812"))
    (found,) = world.add(
        ev.draft(ev.Note("AWS access key in src/db.py:41", run=run(CONTAINED)), f"run:{run(CONTAINED)}")
    )
    world.add(
        alarm("alm-1", "secrets", 1, "secret pattern in a diff", "read it, then release or stop", CONTAINED,
              cause=found.id),
        ev.draft(ev.AgentQuarantined(name(CONTAINED), "secret pattern in a diff", "secrets", 2),
                 f"agent:{name(CONTAINED)}"),
        alarm("alm-2", "gates", 2, "push blocked", "nothing", CONTAINED, "alm-1"),
        alarm("alm-3", "no_progress", 2, "same test failed 6 times in a row", "look, then stop or message", FAILING),
        ev.draft(ev.Blocker("qst-1", "keep the old API?", run(ASKS), name(ASKS), ticket=ticket(ASKS)),
                 f"ticket:{ticket(ASKS)}"),
        ev.draft(ev.TicketBlocked(ticket(BLOCKED), "three rounds of review"), f"ticket:{ticket(BLOCKED)}"),
    )  # fmt: skip
    for turn, dollars in enumerate((1.2, 1.4, 1.5), 1):
        used = ev.UsageReported(
            run(SPENDER), name(SPENDER), "m", 40_000, cost_microusd=round(dollars * MICRO), cost_source="vendor",
            turn=turn,
        )  # fmt: skip
        world.add(ev.draft(used, f"run:{run(SPENDER)}"))
    world.offset_ns = 2_400_000_000_000


def run(number: int) -> str:
    return f"run-{name(number)}-{ticket(number)}"


class Hand:
    """``keys`` counts what is pressed; what is typed as text does not count."""

    def __init__(self, pilot: Any) -> None:
        self._pilot = pilot
        self.keys = 0

    async def press(self, *names: str) -> None:
        self.keys += len(names)
        await self._pilot.press(*names)

    async def write(self, text: str) -> None:
        await self._pilot.press(*({" ": "space"}.get(letter, letter) for letter in text))
