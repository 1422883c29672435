"""The text that a person signs to decide from afar: one fact a line, everything that the decision is bound to."""

from __future__ import annotations

from collections.abc import Mapping

from fleet_tui.domain.model import Approval
from fleet_tui.domain.standing import Standing
from fleet_tui.domain.text import one_line

_FIRST_LINE = "fleet decision v1"


def of_approval(approval: Approval, taken_back: int) -> str:
    """That one person approves ``approval``. ``taken_back`` is how often it was undone: an older signature does not
    bring it back."""
    facts = {
        "decision": "approve",
        "approval": approval.id,
        "pull-request": f"{approval.pr}",
        "head": approval.head_sha,
        "base": approval.base_sha,
        "tree": approval.tree,
        "gates": approval.gates,
        "policy": approval.policy,
        "risk-at-most": approval.risk_band.value,
        "taken-back": taken_back,
    }
    return _text(facts)


def of_extension(standing: Standing, amount: int) -> str:
    """That one person adds ``amount``, in the unit's smallest part, to a budget as it stands: the ceiling is part of
    it, so that a signature counts for one extension."""
    rule = standing.rule
    facts = {
        "decision": "extend-budget",
        "scope": rule.scope,
        "name": standing.name,
        "unit": rule.unit,
        "window": rule.window,
        "window-start-ns": standing.start_ns,
        "ceiling": standing.ceiling,
        "add": amount,
    }
    return _text(facts)


def of_tag(version: str, commit: str, notes: str) -> str:
    """That one person tags ``commit`` as ``version``. ``notes`` is the digest of those that go with it; empty: what the
    fleet puts together."""
    return _text({"decision": "tag", "version": version, "commit": commit, "notes": notes or "generated"})


def _text(facts: Mapping[str, str | int]) -> str:
    lines = [f"{name}: {one_line(str(value), 200)}" for name, value in facts.items()]
    return "\n".join([_FIRST_LINE, *lines, ""])
