"""`fleet vendor`: what is configured, what is there, and what works with it."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Shop
from tests.cli.test_template_commands import Run, run

__all__ = ["run"]


@pytest.fixture(autouse=True)
def configured(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.configure(
        "version: 1\nagents:\n"
        "  - {name: dev, role: developer, vendor: codex, prompt: Do it.}\n"
        "  - {name: rev, role: reviewer, vendor: scripted, prompt: Do it.}\n"
    )
    program = shop.repository.parent / "home" / "codex"
    program.write_text("#!/bin/sh\necho codex-cli 0.300.1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


def test_what_works_with_each(run: Run) -> None:
    rows = {row["name"]: row for row in json.loads(run("vendor", "list", "--json").stdout)}
    assert (rows["codex"]["found"], rows["codex"]["version"], rows["codex"]["agents"]) == (True, None, ["dev"])
    assert rows["codex"]["capabilities"]["permission"] == "hold"
    assert rows["claude-code"]["capabilities"]["permission"] == "relay"
    assert rows["aider"]["capabilities"]["guard"] == "none", "what nobody built is not claimed"
    table = run("vendor", "list").stdout
    assert next(line for line in table.splitlines() if line.startswith("codex")).split()[2:6] == [
        "found", "closed", "hold", "live"
    ]  # fmt: skip


def test_one_in_words_with_a_version_that_nobody_tried(run: Run) -> None:
    told = run("vendor", "show", "codex").stdout
    assert "codex: codex, codex-cli 0.300.1" in told
    assert "version 0.300.1 was not tried; 0.169.0 was" in told
    assert "its hook waits until you answer in the room" in told
    assert "the key Escape" in told


def test_one_that_is_not_configured(run: Run) -> None:
    done = run("vendor", "show", "nope")
    assert done.returncode == 2
    assert "vendors: claude-code" in done.stderr
