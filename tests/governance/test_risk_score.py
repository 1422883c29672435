"""Risk: points with reasons that add up, the same for the same evidence, never lower for more of it."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.domain.states import RiskBand
from fleet_tui.governance.risk.evidence import (
    Behaviour,
    ChangedFile,
    Evidence,
    FoundSecret,
    Weakening,
    bounded,
    from_json,
    to_json,
)
from fleet_tui.governance.risk.score import Reason, Score, band_of, kinds, score
from fleet_tui.settings.risk import Bands, Risk
from tests.examples import tried
from tests.governance import risk_samples
from tests.governance.risk_samples import HOUR, NOW, RULES

SEEDS = st.integers(0, 2**64)
KEY = FoundSecret("AWS Access Key", "app.py", 3, "12345678")


def of(seen: Evidence, rules: Risk = RULES, now_ns: int = NOW, previous: RiskBand = RiskBand.LOW) -> Score:
    return score(seen, rules, now_ns, previous)


def touching(*paths: str) -> Evidence:
    return Evidence(tuple(ChangedFile(path, 1) for path in paths))


# -- properties --------------------------------------------------------------------------------------------------------


@tried(5_000)
@given(SEEDS)
def test_more_of_anything_never_lowers_the_score(seed: int) -> None:
    chance = Random(seed)
    rules = risk_samples.rules(chance) if chance.random() < 0.3 else RULES
    seen = risk_samples.evidence(chance)
    what, grown = risk_samples.more(seen, chance)
    before, after = of(seen, rules), of(grown, rules)
    assert after.points >= before.points, what
    assert after.band.severity >= before.band.severity, what
    each_before = {r.factor: r.points for r in before.reasons}
    each_after = {r.factor: r.points for r in after.reasons}
    assert all(each_after.get(name, 0) >= points for name, points in each_before.items() if name != "ceiling"), what


@tried(3_000)
@given(SEEDS)
def test_the_reasons_add_up_and_the_same_evidence_gives_the_same_answer(seed: int) -> None:
    chance = Random(seed)
    rules = risk_samples.rules(chance) if chance.random() < 0.3 else RULES
    seen, previous = risk_samples.evidence(chance), chance.choice(list(RiskBand))
    found = of(seen, rules, previous=previous)
    assert sum(reason.points for reason in found.reasons) == found.points
    assert 0 <= found.points <= 100
    assert all(reason.points > 0 for reason in found.reasons if reason.factor != "ceiling")
    assert [Reason.of(reason.text) for reason in found.reasons] == list(found.reasons)
    assert all(reason.text.isprintable() for reason in found.reasons)
    assert of(seen, rules, previous=previous) == found


@tried(2_000)
@given(SEEDS)
def test_what_the_log_keeps_gives_the_same_score(seed: int) -> None:
    chance = Random(seed)
    seen = bounded(risk_samples.evidence(chance), kinds(RULES, None))
    assert from_json(json.loads(json.dumps(to_json(seen)))) == seen
    assert bounded(seen, kinds(RULES, None)) == seen
    assert of(from_json(to_json(seen))) == of(seen)


@tried(2_000)
@given(SEEDS)
def test_what_is_over_fades_and_nothing_else_does(seed: int) -> None:
    chance = Random(seed)
    seen = risk_samples.evidence(chance)
    later = NOW + HOUR + chance.randint(0, 100 * HOUR)  # instants may lie in the future of a clock that was set back
    assert of(seen, now_ns=later + HOUR).points <= of(seen, now_ns=later).points
    calm = replace(seen, behaviour=Behaviour())
    assert of(calm, now_ns=later) == of(calm)


@tried(2_000)
@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 50), st.sampled_from(list(RiskBand)))
def test_a_band_is_risen_to_at_once_and_left_late(points: int, fewer: int, hysteresis: int, previous: RiskBand) -> None:
    bands = Bands(medium=30, high=50, critical=80)
    band = band_of(points, bands, hysteresis, previous)
    at_once = band_of(points, bands, 0, RiskBand.LOW)
    assert at_once.severity <= band.severity <= max(at_once.severity, previous.severity)
    if band is not at_once:
        threshold = {RiskBand.MEDIUM: 30, RiskBand.HIGH: 50, RiskBand.CRITICAL: 80}[band]
        assert threshold - hysteresis < points < threshold
    assert band_of(min(points, fewer), bands, hysteresis, previous).severity <= band.severity
    assert band_of(points, bands, hysteresis, band) is band


@tried(2_000)
@given(SEEDS)
def test_nothing_that_is_added_pushes_out_what_counts(seed: int) -> None:
    """Also where there is more than the log has room for."""
    chance = Random(seed)
    seen = risk_samples.evidence(chance)
    of_kind = kinds(RULES, seen.scope)
    before = of(bounded(seen, of_kind))
    flood = replace(
        seen,
        files=(*seen.files, *(ChangedFile(f"{'d' * 150}{number}.py", 1) for number in range(chance.choice((0, 300))))),
        secrets=(
            *seen.secrets,
            *(
                FoundSecret("words", f"{'a' * 150}{number}", 1, f"{number:08}", likely=chance.random() < 0.9)
                for number in range(chance.choice((0, 60)))
            ),
        ),
        dependencies=(
            *seen.dependencies,
            *(f"{'x' * 70}{number} in a.txt" for number in range(chance.choice((0, 60)))),
        ),
    )
    assert of(bounded(flood, of_kind)).points >= before.points


# -- examples ----------------------------------------------------------------------------------------------------------


def test_an_ordinary_change_is_low() -> None:
    seen = Evidence((ChangedFile("app.py", 120, 40), ChangedFile("tests/test_app.py", 90, 3)))
    assert of(seen) == Score(0, RiskBand.LOW)
    seen = Evidence((ChangedFile("app.py", 320, 40),))
    assert of(seen) == Score(2, RiskBand.LOW, (Reason("size", 2, "360 lines in 1 file"),))
    assert of(Evidence()) == Score(0, RiskBand.LOW)


def test_a_secret_alone_asks_for_a_person_and_with_ci_it_quarantines() -> None:
    alone = Evidence((ChangedFile("app.py", 1),), secrets=(KEY,))
    assert (of(alone).points, of(alone).band) == (50, RiskBand.HIGH)
    assert of(alone).reasons[0].text == "+50 secrets: AWS Access Key in app.py:3"
    both = replace(alone, files=(*alone.files, ChangedFile(".github/workflows/ci.yml", 3)))
    assert (of(both).points, of(both).band) == (80, RiskBand.CRITICAL)


def test_what_is_over_the_highest_score_is_taken_off_in_sight() -> None:
    seen = replace(
        touching(".github/a", ".github/b", "src/auth/x", "db/migrations/1.sql", "src/billing/y"),
        secrets=(KEY, replace(KEY, digest="87654321")),
    )
    found = of(seen)
    assert found.points == 100
    assert found.reasons[-1] == Reason("ceiling", -30, "it adds up to 130; the score ends at 100")


@pytest.mark.parametrize(
    ("seen", "factor", "points"),
    [
        (touching("src/auth/a.py", "src/AUTH/b.py"), "sensitive", 20),
        (touching(".github/workflows/x.yml"), "pipeline", 30),
        (touching("sub/CLAUDE.md"), "pipeline", 30),
        (Evidence((ChangedFile("a", 400, 399),)), "size", 10),
        (Evidence(unread=("big.json", "bigger.json")), "unread", 50),
        (Evidence(weakened=(Weakening("t.py", "assertions", 3),)), "tests", 30),
        (Evidence(weakened=(Weakening("t.py", "deleted"), Weakening("u.py", "skips", 9))), "tests", 20),
        (Evidence(secrets=(KEY, replace(KEY, line=9))), "secrets", 50),
        (Evidence(secrets=(replace(KEY, likely=True),)), "likely_secrets", 15),
        (Evidence(dependencies=("a in b", "c in d")), "dependencies", 16),
        (Evidence((ChangedFile("logo.png", opaque=True), ChangedFile("dist/x.js"))), "opaque", 10),
        (replace(touching("src/a.py", "docs/b.md"), scope=("src/**",)), "scope", 10),
        (replace(touching("src/a.py"), scope=("src/**",)), "scope", 0),
        (replace(touching("src/a.py"), scope=()), "scope", 10),
        (Evidence(behaviour=Behaviour(denied=(NOW, NOW))), "denied", 20),
        (Evidence(behaviour=Behaviour(denied=(NOW - HOUR, NOW - HOUR))), "denied", 10),
        (Evidence(behaviour=Behaviour(denied=(NOW - 50 * HOUR,))), "denied", 0),
        (Evidence(behaviour=Behaviour(failures=(NOW,))), "failures", 0),
        (Evidence(behaviour=Behaviour(failures=(NOW, NOW, NOW))), "failures", 10),
        (Evidence(behaviour=Behaviour(loops=(NOW,))), "loops", 5),
        (Evidence(behaviour=Behaviour(restarts=(NOW, NOW))), "restarts", 10),
        (Evidence(behaviour=Behaviour(rejections=(NOW, NOW))), "rejections", 5),
        (Evidence(behaviour=Behaviour(silence_s=1900)), "silence", 9),
        (Evidence(behaviour=Behaviour(spent_percent=80)), "spend", 5),
    ],
)
def test_what_each_factor_gives(seen: Evidence, factor: str, points: int) -> None:
    assert sum(reason.points for reason in of(seen).reasons if reason.factor == factor) == points


def test_a_factor_without_points_is_off() -> None:
    rules = Risk.model_validate(RULES.model_dump() | {"factors": {"secrets": {"points": 0}}})
    assert of(Evidence(secrets=(KEY,)), rules) == Score(0, RiskBand.LOW)


def test_of_very_many_files_those_that_matter_are_remembered() -> None:
    many = [ChangedFile(f"src/{number}.py", 100 + number) for number in range(5_000)]
    seen = Evidence((*many, ChangedFile(".github/x.yml", 1), ChangedFile("auth/y.py", 1)))
    kept = bounded(seen, kinds(RULES, None))
    assert {".github/x.yml", "auth/y.py"} <= {file.path for file in kept.files}
    assert (len(kept.files) + kept.more_files, kept.lines) == (5_002, seen.lines)
    assert of(kept) == of(seen)


def test_the_log_has_room_for_the_worst_evidence() -> None:
    odd, many = "\U0001f600" * 1_000, tuple(range(NOW, NOW + 900))  # 4000 bytes: no path is longer
    seen = Evidence(
        tuple(ChangedFile(f"{number}{odd}", 1) for number in range(900)),
        weakened=tuple(Weakening(f"{number}{odd}", "skips") for number in range(900)),
        secrets=tuple(FoundSecret("Key", f"{number}{odd}", 1, f"{number:08}") for number in range(900)),
        dependencies=tuple(f"{number} in {odd}" for number in range(900)),
        scope=tuple(f"{number}{odd}"[:300] for number in range(900)),
        behaviour=Behaviour(many, many, many, many, many),
    )
    kept = bounded(seen, kinds(RULES, seen.scope))
    reasons = [reason.text for reason in of(kept).reasons]
    assert len(json.dumps({"evidence": to_json(kept), "reasons": reasons})) < 63_000


def test_a_name_too_long_to_be_judged_counts_as_unreadable() -> None:
    kept = bounded(touching("auth/" + "x" * 300))
    assert kept.files[0].opaque
