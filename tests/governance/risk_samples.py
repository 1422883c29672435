"""Shipped rules of risk, and evidence made at random from a seed."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import yaml

from fleet_tui.governance.risk.evidence import Behaviour, ChangedFile, Evidence, FoundSecret, Weakening
from fleet_tui.paths import shipped_config
from fleet_tui.settings.risk import Risk

RULES = Risk.model_validate(yaml.safe_load((shipped_config() / "risk.yaml").read_text("utf-8"))["risk"])
NOW = 1_800_000_000_000_000_000
HOUR = 3_600_000_000_000
PATHS = (
    *("app.py", "src/auth/login.py", ".github/workflows/ci.yml", "tests/test_app.py", "dist/app.min.js", "a b.sql"),
    *("docs/x.md", "x/\u202e.py", "deep/" * 60 + "x.tf", "Makefile", "logo.png", "ü" * 100),
)
INSTANTS = ("denied", "failures", "loops", "restarts", "rejections")


def instants(chance: Random, most: int) -> tuple[int, ...]:
    return tuple(NOW - chance.randint(-HOUR, 40 * HOUR) for _ in range(chance.randint(0, most)))


def behaviour(chance: Random) -> Behaviour:
    denied, failures, loops, restarts, rejections = (instants(chance, 3) for _ in INSTANTS)
    return Behaviour(denied, failures, loops, restarts, rejections)


def file(chance: Random) -> ChangedFile:
    name = chance.choice(PATHS)
    return ChangedFile(name, chance.randint(0, 400), chance.randint(0, 400), chance.random() < 0.1)


def secret(chance: Random) -> FoundSecret:
    digest = f"{chance.randint(0, 3):08x}"
    return FoundSecret("AWS Access Key", chance.choice(PATHS), chance.randint(1, 99), digest, chance.random() < 0.5)


def weakening(chance: Random) -> Weakening:
    what = chance.choice(("deleted", "assertions", "skips"))
    return Weakening(chance.choice(PATHS), what, chance.randint(1, 9))


def evidence(chance: Random) -> Evidence:
    """Anything that may be seen, mostly little."""
    files = {each.path: each for each in (file(chance) for _ in range(chance.randint(0, 5)))}
    return Evidence(
        tuple(files[path] for path in sorted(files)),
        chance.choice((0, 0, 7)),
        chance.choice((0, 0, 900)),
        tuple(weakening(chance) for _ in range(chance.randint(0, 2))),
        tuple(secret(chance) for _ in range(chance.randint(0, 2))),
        ("requests in pyproject.toml",) * chance.randint(0, 2),
        ("huge.json",) * chance.choice((0, 0, 0, 1)),
        chance.choice((None, None, ("src/**",), ("!", "app.py"), ())),
        replace(
            behaviour(chance),
            silence_s=chance.choice((0, 0, 5, 4000)),
            spent_percent=chance.choice((0, 30, 90, 300)),
        ),
    )


def more(seen: Evidence, chance: Random) -> tuple[str, Evidence]:
    """``seen`` and one thing more, with the name of the thing."""
    behaviour = seen.behaviour
    what = chance.choice(
        ("file", "lines", "more", "weakened", "assertion", "secret", "dependency", "silence", "spend", *INSTANTS)
    )
    if what in INSTANTS:
        grown: Any = (*getattr(behaviour, what), *instants(chance, 1), NOW - chance.randint(0, HOUR))
        return what, replace(seen, behaviour=replace(behaviour, **{what: grown}))
    if what == "silence":
        return what, replace(seen, behaviour=replace(behaviour, silence_s=behaviour.silence_s + chance.randint(1, 999)))
    if what == "spend":
        return what, replace(seen, behaviour=replace(behaviour, spent_percent=behaviour.spent_percent + 40))
    return what, _more_of_the_diff(seen, what, chance)


def _more_of_the_diff(seen: Evidence, what: str, chance: Random) -> Evidence:
    if what == "file":
        new = file(chance)
        return seen if new.path in {each.path for each in seen.files} else replace(seen, files=(*seen.files, new))
    if what == "lines" and seen.files:
        first, *others = seen.files
        return replace(seen, files=(replace(first, added=first.added + chance.randint(1, 500)), *others))
    if what == "assertion" and seen.weakened:
        first_test, *rest = seen.weakened
        return replace(seen, weakened=(replace(first_test, count=first_test.count + 1), *rest))
    if what == "weakened":
        return replace(seen, weakened=(*seen.weakened, weakening(chance)))
    if what == "secret":
        return replace(seen, secrets=(*seen.secrets, secret(chance)))
    if what == "dependency":
        return replace(seen, dependencies=(*seen.dependencies, "flask in pyproject.toml"))
    return replace(seen, more_files=seen.more_files + 1, more_lines=seen.more_lines + chance.randint(0, 500))


def rules(chance: Random) -> Risk:
    """The shipped rules with other points, so that caps, free ones and steps are met."""
    factors = {
        name: {
            "points": chance.randint(0, 60),
            "cap": chance.randint(0, 100),
            "free": chance.choice((0, 0, 1, 200)),
            "per": chance.choice((1, 1, 3, 100)),
        }
        for name in RULES.model_dump()["factors"]
    }
    medium = chance.randint(1, 40)
    high = chance.randint(medium + 1, 70)
    bands = {"medium": medium, "high": high, "critical": chance.randint(high + 1, 101)}
    changed = {"factors": factors, "bands": bands, "hysteresis": chance.randint(0, 50)}
    return Risk.model_validate(RULES.model_dump() | changed | {"half_life_s": chance.choice((60, 3600, 86_400))})
