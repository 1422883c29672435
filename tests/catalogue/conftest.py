"""A repository and the settings of a fleet on it; nothing of this machine's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_tui.settings.load import load_settings
from fleet_tui.settings.schema import Settings


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    made = tmp_path / "shop"
    (made / ".fleet").mkdir(parents=True)
    (made / ".fleet" / "config.yaml").write_text(
        "# ours\nversion: 1\nagents:\n  - {name: dev, role: developer, vendor: codex, prompt: Do it.}\n"
        "gates:\n  - {name: test, run: make check}\n"
    )
    return made


@pytest.fixture
def settings(repository: Path) -> Settings:
    return load_settings(repository, environ={}).require()
