"""Generated documents are current, and every link between documents leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


def test_generated_documents_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "tools/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_decisions_are_numbered_without_gaps_and_each_has_its_parts() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        for part in ("Status: ", "## Context", "## Decision", "## Consequences"):
            assert part in text, f"{page.name} lacks {part}"


def test_code_that_documents_name_exists() -> None:
    """Files that the pages name in backquotes, as `folder/file.ext` or `folder/`."""
    pattern = re.compile(
        r"`((?:fleet_tui|widgets|tests|tools|config|store|watcher|tui|tmux|domain|governance|readmodel|bus)/[\w./-]*)`"
    )
    missing = [
        f"{path.name}: {name}"
        for path in DOCUMENTS
        for name in pattern.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists() and not (ROOT / "fleet_tui" / name).exists()
    ]
    assert missing == []
