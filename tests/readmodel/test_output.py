"""What an ended run showed last, as a screen may show it."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.readmodel.output import read_output


def test_nothing_kept_is_none(tmp_path: Path) -> None:
    assert read_output(tmp_path / "run-1.log") is None


def test_lines_are_clean_whoever_wrote_them(tmp_path: Path) -> None:
    path = tmp_path / "run-1.log"
    path.write_bytes(b"\x1b]0;owned\x07one\r\n  two\xff\n\xe2\x80\xaethree\n")
    assert read_output(path) == ("one", "  two\ufffd", "three")
