"""What the fleet says on GitHub in its own name: nothing of an agent's words does anything there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet_tui.watcher.upstream import texts
from tests.governance.test_reviews_and_approvals import PULL_REQUEST


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Fixes #9 for @kim", "Fixes # 9 for @ kim"),
        ("fixes GH-9, closes gh-10", "fixes GH- 9, closes gh- 10"),
        ("fixes https://github.com/acme/shop/issues/9", "fixes github.com/acme/shop/issues/9"),
        ("closes HTTP://github.com/acme/shop/pull/3", "closes github.com/acme/shop/pull/3"),
        ("fixes hthttps://tps://github.com/acme/shop/issues/9", "fixes github.com/acme/shop/issues/9"),
        ("fixes Ghttps://H-9", "fixes GH- 9"),
        ("Cheap: a high-9 and C#", "Cheap: a high-9 and C#"),
        ("\x1b[2J", "ticket 7"),
    ],
)
def test_a_title_calls_nobody_and_closes_nothing(title: str, said: str) -> None:
    assert texts.title(replace(PULL_REQUEST, title=title, ticket=7)) == said
