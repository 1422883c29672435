"""What a diff takes on the bus: text in any script is shown as far as it fits, and never keeps the rest from coming."""

from __future__ import annotations

import json

import pytest

from fleet_tui.bus import protocol
from fleet_tui.domain.text import clean
from fleet_tui.git.values import DiffLine, FileChange, FileDiff, Hunk
from fleet_tui.watcher.desks.diff_answer import answer


def file(path: str, text: str) -> FileDiff:
    change = FileChange(path, "M", 1, 0, False, None, "100644", "100644")
    return FileDiff(change, (Hunk(1, 0, 1, 1, clean(""), (DiffLine("+", None, 1, clean(text, 200_000)),)),))


@pytest.mark.parametrize("letter", ["x", "ж", "字", "😀", "\t", '"', "\\"])
@pytest.mark.parametrize("length", [1_000, 90_000])
def test_what_fits_comes_and_what_does_not_says_so(letter: str, length: int) -> None:
    files = answer([file("long.txt", letter * length), file("short.txt", "short")])
    frame = protocol.encode({"id": "req-" + "0" * 32, "ok": True, "result": {"files": files}})
    assert len(frame) < protocol.MAX_FRAME
    long, short = files
    assert short["hunks"][0]["lines"] == [["+", None, 1, "short"]]
    assert long["truncated"] == (not long["hunks"])
    whole = len(json.dumps(letter * length)) + 4_000 < protocol.MAX_FRAME
    assert bool(long["hunks"]) == whole
