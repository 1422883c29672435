"""What a program wrote to its terminal, taken apart: printable text, and the sequences that are not on the list."""

from __future__ import annotations

import re

# What Textual's driver and compositor write. Everything else is somebody else's.
ALLOWED = re.compile(
    r"\x1b\[(?:"
    r"[0-9;]*[Hmr]"  # the cursor's place, colours, margins
    r"|[0-9]*[ABCDGJKX]"  # moves and erasures
    r"|\?[0-9;]+[hl]"  # modes: alternate screen, mouse, paste, focus, synchronised output
    r"|\?2026\$p|\?2048\$p"  # asks for synchronised output and in-band size
    r"|[<>=][0-9;]*u"  # keyboard protocol
    r"|>4;[0-9]m"  # keys with modifiers
    r"|c"  # what kind of terminal is this
    r")"
    r"|\x1b[78=>]"
    r"|\x1b\]22;[a-z-]*\x07"  # the pointer's shape, by a word of Textual's own
)
_STRING = re.compile(r"\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|[\x90\x98\x9d-\x9f].*?(?:\x07|\x1b\\|\x9c|$)", re.DOTALL)
_OTHER = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]|\x1b", re.DOTALL)
_FORBIDDEN = re.compile(
    "[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f"  # C0 but backspace, tab, line ends; DEL; C1
    "\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"  # hidden, reordering
)


def foreign(written: bytes) -> list[str]:
    """Every sequence and character in ``written`` that neither Textual nor the room has any reason to write."""
    text = written.decode("utf-8", "surrogateescape")
    rest, found = ALLOWED.sub("", text), []
    for pattern in (_STRING, _OTHER, _FORBIDDEN, re.compile("[\ud800-\udfff]")):
        found += pattern.findall(rest)
        rest = pattern.sub("", rest)
    return found
