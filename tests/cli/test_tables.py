"""Tables of the command line: what does not fit says so."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from fleet_tui.cli.common import print_table
from fleet_tui.paths import shipped_config

LONG = 120


def _cell(text: str, capsys: Any) -> str:
    print_table(("WHAT",), [(text,)], empty="")
    shown: str = capsys.readouterr().out.splitlines()[1]
    return shown


@pytest.mark.parametrize("at", range(LONG - 3, LONG + 4))
def test_a_cut_cell_says_so_wherever_it_is_cut(capsys: Any, at: int) -> None:
    """Also where a word ends at the cut."""
    shown = _cell(f"{'a' * at} {'b' * 60}", capsys)
    assert len(shown) <= LONG
    assert shown.endswith("…")


def test_what_fits_is_shown_whole(capsys: Any) -> None:
    assert _cell("a" * LONG, capsys) == "a" * LONG
    assert _cell("a " + " " * 300 + "b", capsys) == "a b"
    assert _cell("a" * LONG + " " * 9, capsys) == "a" * LONG


def test_a_purpose_of_a_template_is_cut_in_sight(capsys: Any) -> None:
    """Each that ships, in the table that `fleet template list` prints."""
    files = shipped_config().glob("templates/*/*.yaml")
    purposes = [yaml.safe_load(file.read_text(encoding="utf-8"))["purpose"] for file in files]
    assert len(purposes) > 10
    for purpose in purposes:
        shown, whole = _cell(purpose, capsys), " ".join(purpose.split())
        assert shown == whole or (shown.endswith("…") and len(whole) > LONG)
