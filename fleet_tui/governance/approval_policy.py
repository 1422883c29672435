"""The approval policy as data: which rules a merge falls under, how many persons they ask for, and until when."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from fleet_tui.domain.states import RiskBand
from fleet_tui.domain.text import some_names
from fleet_tui.settings.approval import ApprovalPolicy, ApprovalRule

MERGE, BUDGET, TAG = "merge", "budget", "tag"
BY_PATH = ("dependency", "migration", "release")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules ask for: ``reasons`` is empty when none applies."""

    reasons: tuple[str, ...]
    quorum: int
    expires_h: int


def terms(policy: ApprovalPolicy, band: RiskBand, paths: Collection[str]) -> Terms:
    """The strictest of all rules that a merge of ``paths`` at this risk falls under."""
    acts = acts_of(policy, paths)
    reasons, quorums, hours = [], [1], [policy.expires_h]
    for rule in policy.rules:
        why = _applies(rule, band, acts, paths)
        if why is not None:
            persons = f"{rule.quorum} persons" if rule.quorum > 1 else "a person"
            reasons.append(f"rule {rule.name}: {why} needs {persons}")
            quorums.append(rule.quorum)
            hours.append(rule.expires_h or policy.expires_h)
    return Terms(tuple(reasons), max(quorums), min(hours))


def acts_of(policy: ApprovalPolicy, paths: Collection[str]) -> dict[str, tuple[str, ...]]:
    """What a landing of ``paths`` is, and by which of them; a merge it is always."""
    found = {act: matching(paths, getattr(policy.acts, act)) for act in BY_PATH}
    return {MERGE: ()} | {act: names for act, names in found.items() if names}


def _applies(
    rule: ApprovalRule, band: RiskBand, acts: dict[str, tuple[str, ...]], paths: Collection[str]
) -> str | None:
    """What about the merge the rule is for; None when it is for another."""
    if rule.bands and band.value not in rule.bands:
        return None
    touched = matching(paths, rule.paths)
    if rule.paths and not touched:
        return None
    act = next((act for act in rule.acts if act in acts), None)
    if rule.acts and act is None:
        return None
    named = touched or acts.get(act or MERGE, ())
    what = f"a {act or MERGE}" + (f" ({some_names(sorted(named), 3)})" if named else "")
    return f"{what} of {band} risk" if rule.bands else what


def matching(paths: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Those of ``paths`` that match a gitignore-style pattern; case is ignored, as on many file systems."""
    spec = GitIgnoreSpec.from_lines(pattern.lower() for pattern in patterns)
    return tuple(path for path in paths if spec.match_file(path.lower()))


def for_extension(policy: ApprovalPolicy) -> Terms:
    """What the rules ask of who extends a budget: one person does, unless one of them says more."""
    return _for_act(policy, BUDGET)


def for_tag(policy: ApprovalPolicy) -> Terms:
    """What the rules ask of who tags a release; as for an extension."""
    return _for_act(policy, TAG)


def agent_may_tag(policy: ApprovalPolicy, isolation: str) -> bool:
    """Whether an agent whose role may ask for a release is asked for no person's word: where merges as such need none,
    no rule is about tags, and it ran in a sandbox."""
    return policy.when == "sensitive" and not any(TAG in rule.acts for rule in policy.rules) and isolation != "L0"


def _for_act(policy: ApprovalPolicy, act: str) -> Terms:
    rules = [rule for rule in policy.rules if act in rule.acts]
    reasons = tuple(f"rule {rule.name}" for rule in rules if rule.quorum > 1)
    hours = [rule.expires_h or policy.expires_h for rule in rules]
    return Terms(reasons, max((rule.quorum for rule in rules), default=1), min(hours, default=policy.expires_h))


def persons(votes: Iterable[str]) -> tuple[str, ...]:
    """Who has approved: the same person counts once, however often and by whichever way (``operator:`` the fleet's
    socket, ``signer:`` a signature)."""
    first: dict[str, str] = {}
    for vote in votes:
        first.setdefault(_name(vote), vote)
    return tuple(first.values())


def has_voted(person: str, votes: Iterable[str]) -> bool:
    """Whether ``person`` is one of those who have approved."""
    return _name(person) in map(_name, votes)


def _name(vote: str) -> str:
    return vote.partition(":")[2] or vote


def is_granted(votes: Iterable[str], quorum: int) -> bool:
    """Whether enough different persons have approved."""
    return len(persons(votes)) >= quorum
