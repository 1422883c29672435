"""The story that the README links to: a well-formed recording that tells what it promises, and nothing of a machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyte

CAST = Path(__file__).parents[2] / "docs" / "story.cast"
TOLD = {"Q": "bo", "y": "any other key cancels", "A": "APPROVE merge of", "u": "lands in"}
"""What is on the screen when a key is pressed."""


def test_the_story_plays_from_the_alarm_to_the_undo() -> None:
    head, *events = [json.loads(line) for line in CAST.read_text(encoding="utf-8").splitlines()]
    assert head["version"] == 2
    times = [event[0] for event in events]
    assert times == sorted(times)
    assert times[-1] < 40
    keys = [event[2] for event in events if event[1] == "m"]
    assert "".join(keys) == "wQy2wAyu"
    screen = pyte.Screen(head["width"], head["height"])
    stream = pyte.Stream(screen)
    for _, kind, text in events:
        if kind == "o":
            stream.feed(text)
        shown = "\n".join(screen.display)
        assert kind == "o" or TOLD.get(text, "NEED YOU") in shown, text
        assert not re.search(r"(?<![\w.])/(tmp|root|work|Users|home/(?!you/))\b", shown)
    assert "is not approved any more" in "\n".join(screen.display)
