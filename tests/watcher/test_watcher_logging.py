"""The watcher's own log: lines for people, whatever the messages quote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fleet_tui.paths import FleetPaths

PROGRAM = """
import logging, sys
from pathlib import Path
from fleet_tui.paths import FleetPaths
from fleet_tui.watcher.spawn import configure_logging

configure_logging(FleetPaths.of(Path(sys.argv[1])), foreground=True)
logging.getLogger("test").warning("ref %s refused", sys.argv[2])
try:
    raise ValueError(sys.argv[2])
except ValueError:
    logging.getLogger("test").exception("failed")
"""
HOSTILE = "\x1b]0;owned\x07\u202ea\x9b31m\n2030-01-01T00:00:00.000Z level=ERROR forged"


def test_foreign_text_steers_nothing_and_begins_no_line(place: Path) -> None:
    paths = FleetPaths.of(place / "shop")
    paths.create()
    argv = [sys.executable, "-c", PROGRAM, str(paths.repository), HOSTILE]
    done = subprocess.run(argv, capture_output=True, check=True)
    for written in (paths.log_file.read_text("utf-8"), done.stderr.decode()):
        assert "ref a" in written
        assert "ValueError: a" in written
        assert not {c for c in written if c != "\n" and (ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c == "\u202e")}
        begun = [line for line in written.splitlines() if not line.startswith(" ")]
        assert len(begun) == 2
