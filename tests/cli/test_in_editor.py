"""What a person's editor makes of a text: only what they changed themselves counts as a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.cli.common import in_editor


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that runs a line of shell on the file, and saves it whatever that did."""
    script, program = tmp_path / "does", tmp_path / "editor"
    program.write_text(f'#!/bin/sh\n. {script}\ntouch -t 209901010000 "$1"\n')
    program.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(program))
    monkeypatch.delenv("VISUAL", raising=False)
    return script


@pytest.mark.parametrize(
    "text", ["One.\n", "No end of line", "Hidden\u200b, \x1b[31mred\x1b[0m\n", "Of Windows\r\n", ""]
)
def test_what_was_saved_as_it_was_shown_is_no_change(editor: Path, text: str) -> None:
    editor.write_text(":")
    assert in_editor(text, ".md") is None


def test_what_was_changed_is_told_and_what_was_not_shown_too(editor: Path, capsys: pytest.CaptureFixture[str]) -> None:
    editor.write_text('echo "Two." >>"$1"')
    assert in_editor("One.", ".md") == "One.\nTwo.\n"
    assert capsys.readouterr().err == ""
    assert in_editor("One\u200b.\n", ".md") == "One.\nTwo.\n"
    assert "1 character that nobody would have seen" in capsys.readouterr().err
