"""No template is a near-copy of another: neither its prompt, whole or reworded, nor any line of its fields."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from fleet_tui.paths import shipped_config

MOST_SHARED = 0.10
"""Share of word triples that two prompts may have in common, of the shorter one.

Of 166 prompts the closest pair shares 0.053 and 99.9 % of the pairs share less than 0.021. A copy with every fifth word
exchanged shares 0.40 and more, one that took over two paragraphs of five about as much.
"""
MOST_ALIKE = 0.45
"""Cosine of the words of two prompts, rare words weighing more (TF-IDF): finds what was put in another order.

Of 166 prompts the closest pair (writing and reviewing migrations) has 0.33, 99.9 % have less than 0.18. A copy without
a third of its words, in whatever order, has 0.75 and more.
"""
HOUSE = {"reviews, approves or merges", "changes files", "writes or changes code"}
"""What several never do because their role may not."""
WANTED = (
    *("title", "purpose", "owns", "never", "role", "capabilities", "model", "budget", "risk", "subscriptions"),
    *("inputs", "outputs", "done", "examples"),
)
Pair = tuple[float, str, str]


def words(prompt: str) -> list[str]:
    return re.findall(r"[a-z']+", re.sub(r"\{\{.*?\}\}", " ", prompt).lower())


def shared(prompts: Mapping[str, str]) -> list[Pair]:
    """Every pair by its share of common triples, the closest first."""
    said = {}
    for name, prompt in prompts.items():
        all_ = words(prompt)
        said[name] = set(zip(all_, all_[1:], all_[2:], strict=False))
    return _pairs(said, lambda one, other: len(one & other) / min(len(one), len(other)))


def alike(prompts: Mapping[str, str]) -> list[Pair]:
    """Every pair by the cosine of its words, the closest first."""
    counts = {name: Counter(words(prompt)) for name, prompt in prompts.items()}
    spread = Counter(word for count in counts.values() for word in count)
    vectors = {}
    for name, count in counts.items():
        weights = {word: (1 + math.log(n)) * math.log(len(counts) / spread[word]) for word, n in count.items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        vectors[name] = {word: weight / length for word, weight in weights.items()}
    return _pairs(vectors, lambda one, other: sum(one[word] * other[word] for word in one.keys() & other.keys()))


def _pairs(of: Mapping[str, Any], closeness: Callable[[Any, Any], float]) -> list[Pair]:
    found = ((closeness(of[one], of[other]), one, other) for one, other in itertools.combinations(sorted(of), 2))
    return sorted(found, reverse=True)


def report(pairs: list[Pair], most: float) -> str:
    """The pairs above ``most`` and the five closest below it; empty when none is above."""
    above = sum(1 for pair in pairs if pair[0] > most)
    shown = pairs[: above + 5] if above else []
    return "\n".join(
        f"{share:.3f} {'over' if share > most else 'ok  '} {one} and {other}" for share, one, other in shown
    )


def below(suffix: str) -> dict[str, str]:
    """The texts of the shipped templates' files by ``category/name``."""
    place = shipped_config() / "templates"
    return {f"{path.parent.name}/{path.stem}": path.read_text() for path in sorted(place.rglob(f"*{suffix}"))}


PROMPTS = below(".md")
TEMPLATES: dict[str, dict[str, Any]] = {name: yaml.safe_load(text) for name, text in below(".yaml").items()}


def test_no_two_prompts_share_their_sentences() -> None:
    found = report(shared(PROMPTS), MOST_SHARED)
    assert not found, found


def test_no_two_prompts_say_the_same_in_other_words() -> None:
    found = report(alike(PROMPTS), MOST_ALIKE)
    assert not found, found


@pytest.mark.parametrize("name", ["engineering/go-developer", "review/tech-lead", "product/triage"])
def test_copies_are_found(name: str) -> None:
    text = words(PROMPTS[name])
    exchanged = [f"other{at}" if at % 5 == 4 else word for at, word in enumerate(text)]
    found = report(shared(PROMPTS | {"house/copy": " ".join(exchanged)}), MOST_SHARED).splitlines()
    assert (" over " in found[0], {"house/copy", name} <= set(found[0].split())) == (True, True)
    reordered = PROMPTS | {"house/copy": " ".join(sorted(word for at, word in enumerate(text) if at % 3))}
    assert not report(shared(reordered), MOST_SHARED), "what this one misses"
    found = report(alike(reordered), MOST_ALIKE).splitlines()
    assert (" over " in found[0], {"house/copy", name} <= set(found[0].split())) == (True, True)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_field_is_written_out(name: str) -> None:
    told = TEMPLATES[name]
    assert [field for field in WANTED if not told.get(field)] == []
    assert set(told["budget"]) == {"unit", "ceiling", "window"}
    assert len(set(told["examples"])) == 4
    assert all(len(words(line)) >= 3 for line in (*told["examples"], told["model"]["reason"], told["risk"]["reason"]))


def lines(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "title", told["title"]
    yield "purpose", told["purpose"]
    yield "model", told["model"]["reason"]
    yield "risk", told["risk"]["reason"]
    for field in ("owns", "never", "inputs", "outputs", "done", "examples"):
        yield from ((field, line) for line in told[field])


def test_no_line_stands_in_two_templates() -> None:
    where: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, told in TEMPLATES.items():
        for field, line in lines(told):
            if field != "never" or line not in HOUSE:
                where[field, " ".join(line.lower().split())].add(name)
    assert {line: sorted(names) for line, names in where.items() if len(names) > 1} == {}
