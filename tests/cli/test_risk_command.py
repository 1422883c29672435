"""``fleet risk``: why something is risky, and what other rules would have changed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.main import fleet
from fleet_tui.domain import events as ev
from fleet_tui.domain.errors import UsageError
from fleet_tui.domain.events import draft
from fleet_tui.domain.states import RiskBand
from fleet_tui.governance.risk.evidence import ChangedFile, Evidence, FoundSecret, to_json
from fleet_tui.governance.risk.score import score
from tests.cli.conftest import Shop
from tests.governance.risk_samples import RULES

SECRET = FoundSecret("AWS Access Key", "app.py", 3, "12345678")
LEAK = Evidence((ChangedFile("app.py", 1),), secrets=(SECRET,))
SEVERE = Evidence((ChangedFile("app.py", 1), ChangedFile(".github/ci.yml", 2)), secrets=(SECRET,))


def seen(evidence: Evidence, subject: str = "run:run-1", previous: RiskBand = RiskBand.LOW) -> ev.Draft:
    now_ns = time.time_ns()
    found = score(evidence, RULES, now_ns, previous)
    noun, _, name = subject.partition(":")
    about: dict[str, Any] = {"pr": int(name), "head_sha": "a" * 40} if noun == "pr" else {"run": name}
    reasons = [reason.text for reason in found.reasons]
    facts = (found.points, found.band.value, previous.value, reasons, to_json(evidence), "rules", now_ns)
    return draft(ev.RiskChanged("dev", *facts, **about), subject)


@pytest.fixture
def story(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A run whose work became critical, and a pull request that is high."""
    monkeypatch.chdir(shop.repository)
    started = ev.RunStarted("run-1", "s", "u", "/w", "agent/1-x", "b" * 40, "L0", 0, "t" * 64)
    pull = ev.PullRequestCreated(1, 1, "T", "", "agent/1-x", "main", "dev", "run-1", "a" * 40, "b" * 40, 1, 1, 0)
    shop.add(
        draft(ev.RunQueued("run-1", "dev", "developer", "shell", None, "ticket_ready", 1), "run:run-1"),
        draft(started, "run:run-1"),
        draft(pull, "pr:1"),
        seen(LEAK),
        seen(SEVERE, previous=RiskBand.HIGH),
        seen(LEAK, "pr:1"),
    )
    return shop


def ask(*words: str) -> Result:
    return CliRunner().invoke(fleet, ["risk", *words])


@pytest.mark.usefixtures("story")
def test_show_lists_the_riskiest_first() -> None:
    listed = json.loads(ask("show", "--json").output)
    assert [(row["subject"], row["score"], row["band"]) for row in listed] == [
        ("run:run-1", 80, "critical"),
        ("pr:1", 50, "high"),
    ]
    assert "+30 pipeline: decides what runs: .github/ci.yml" in ask("show").output


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(("subject", "points"), [("dev", 80), ("run-1", 80), ("PR1", 50), ("pr:1", 50)])
def test_explain_adds_up(subject: str, points: int) -> None:
    told = json.loads(ask("explain", subject, "--json").output)
    assert (told["score"], sum(reason["points"] for reason in told["reasons"])) == (points, points)
    text = ask("explain", subject)
    assert text.exit_code == 0
    assert "+50  secrets         AWS Access Key in app.py:3" in text.output


@pytest.mark.usefixtures("story")
def test_explain_of_nobody_is_a_usage_error() -> None:
    assert isinstance(ask("explain", "nobody").exception, UsageError)


@pytest.mark.usefixtures("story")
def test_the_rules_in_force_would_have_changed_nothing() -> None:
    done = ask("simulate", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {"scores": 3, "differences": []}
    assert "nothing would have changed" in ask("simulate").output


def test_simulate_says_what_other_rules_would_have_changed(story: Shop) -> None:
    rules = story.repository / "new.yaml"
    rules.write_text("risk: {factors: {secrets: {points: 35}}}\n")
    done = ask("simulate", "--rules", str(rules), "--since", "1h", "--json")
    assert done.exit_code == 1
    told = json.loads(done.output)["differences"]
    assert [(d["subject"], d["score"], d["new_score"], d["new_band"], d["effect"]) for d in told] == [
        ("run:run-1", 50, 35, "medium", "not a person asked, one run at a time"),
        ("run:run-1", 80, 65, "high", "not quarantined"),
        ("pr:1", 50, 35, "medium", "not a person asked, one run at a time"),
    ]
    assert "3 of 3 scores would have been different" in ask("simulate", "--rules", str(rules)).output


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("risk: {factors: {secrets: {point: 35}}}\n", "point"),
        ("risk: {bands: {medium: 90}}\n", "not in order"),
        ("guard: {}\n", "no section `risk`"),
        ("risk: {tests: {skips: ['(']}}\n", "not a regular expression"),
    ],
)
def test_faulty_rules_are_told_with_their_place(story: Shop, text: str, said: str) -> None:
    rules = story.repository / "new.yaml"
    rules.write_text(text)
    done = ask("simulate", "--rules", str(rules))
    assert done.exit_code == 1
    assert said in str(done.exception or done.output)


@pytest.mark.usefixtures("story")
def test_the_rules_are_explained_key_by_key() -> None:
    told = json.loads(CliRunner().invoke(fleet, ["config", "explain", "risk.factors.secrets.points", "--json"]).output)
    assert told["value"] == 50
    assert told["origin"] == "shipped"


def test_a_critical_risk_says_whether_the_agent_is_in_quarantine(story: Shop) -> None:
    dev = {"name": "dev", "role": "developer", "vendor": "shell", "enabled": True}
    story.add(draft(ev.ConfigLoaded("sha", "p1", [dev], []), "fleet"))
    story.add(draft(ev.AgentQuarantined("dev", "a key", "risk", 1), "agent:dev"))
    assert "critical, the agent is quarantined" in ask("explain", "run:run-1").output
    story.add(draft(ev.AgentReleased("dev", "a test key", 2), "agent:dev"))
    told = ask("explain", "run:run-1").output
    assert "the agent is quarantined" not in told
    assert "a person let it go on" in told
