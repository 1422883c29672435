"""One answer to whose words count, for everything that people write on a forge."""

from __future__ import annotations

import pytest

from fleet_tui.forge.gh_values import Comment
from fleet_tui.forge.trust import Trust


@pytest.mark.parametrize(
    ("authors", "author", "association", "counts"),
    [
        ((), "pat", "MEMBER", True),
        ((), "pat", "OWNER", True),
        ((), "pat", "COLLABORATOR", True),
        ((), "pat", "CONTRIBUTOR", False),
        ((), "mallory", "NONE", False),
        (("Mallory",), "mallory", "NONE", True),
        (("mallory",), "pat", "OWNER", False),
        (("mallory",), "Fleet-Bot", "NONE", True),
        ((), "", "NONE", False),
    ],
)
def test_who_is_trusted(authors: tuple[str, ...], author: str, association: str, counts: bool) -> None:
    said = Comment(1, author, association, "", "", "")
    assert Trust.of(authors, "fleet-bot").is_trusted(said) is counts


def test_a_deleted_account_is_never_ours() -> None:
    assert not Trust.of((), "").is_trusted(Comment(1, "", "NONE", "", "", ""))
