"""In every text of the program ``#`` stands before the number of a ticket only; see ``domain/numbers.py``."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
NO_TICKET = re.compile(r"\b(pr|pull_request|approval|change|gate|seq|event)\b")


def _wrong(source: str) -> list[str]:
    found = []
    strings = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)]
    for node in strings:
        for before, value in pairwise(node.values):
            if not (isinstance(before, ast.Constant) and isinstance(value, ast.FormattedValue)):
                continue
            text, told = str(before.value), ast.unparse(value.value)
            named = re.sub(r"[\w.]+\.ticket\b", "ticket", told)
            if text.endswith("PR #") or (text.endswith("#") and NO_TICKET.search(named)):
                found.append(f"line {node.lineno}: {text}{{{told}}}")
    return found


def test_a_hash_stands_before_tickets_only() -> None:
    sources = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in (ROOT / "fleet_tui").rglob("*.py")}
    assert {path: wrong for path, source in sources.items() if (wrong := _wrong(source))} == {}


def test_it_finds_what_is_wrong() -> None:
    source = 'f"#{approval.pr} lands"\nf"of #{approval.ticket} lands"\nf"PR #{number}"\nf"as #{event.seq}"\n'
    assert [wrong.partition(":")[0] for wrong in _wrong(source)] == ["line 1", "line 3", "line 4"]
