"""The few words about what works with a vendor: every value of the record has them, or is known to need none."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest

from fleet_tui.readmodel.vendors import LACKS, NOT_WORTH_A_WORD, WORKS, VendorWorks, vendors
from fleet_tui.vendors.base import Capabilities

TOLD = ("guard", "permission", "usage", "money", "inject", "limit")


@pytest.mark.parametrize("name", TOLD)
def test_every_value_has_words_or_needs_none(name: str) -> None:
    values = set(get_args(get_type_hints(Capabilities)[name]))
    known = [value for words in (WORKS, LACKS, NOT_WORTH_A_WORD) for one, value in words if one == name]
    assert len(known) == len(values)
    assert set(known) == values


def test_an_answer_of_another_version_or_a_liar_is_only_text() -> None:
    hostile: dict[str, Any] = {
        "a\x1b[2J": {"guard": ["closed"], "usage": {}, "resume": "yes"},
        "b": "nothing",
        "c": {"error": "gone\x1b]0;x\x07 for good"},
    }
    assert vendors(hostile) == (
        VendorWorks(vendors({"a": {}})[0].name),
        VendorWorks(vendors({"b": {}})[0].name),
        VendorWorks(vendors({"c": {}})[0].name, trouble=vendors(hostile)[2].trouble),
    )
    assert vendors(hostile)[2].trouble == "gone for good"
    assert vendors(["a"]) == ()


def test_what_is_not_counted_is_not_said_of_money_once_more() -> None:
    (found,) = vendors({"x": {"guard": "none", "usage": "none", "money": "none", "resume": True}})
    assert found.lacks == ("no hooks: acts are not asked about", "tokens and money are not counted")
    assert found.works == ("its session goes on after a crash",)
