"""The one sanitiser. Text from an agent, a repository, a ticket or a branch passes here before it is stored or shown."""

from __future__ import annotations

import re
from typing import NewType

SafeText = NewType("SafeText", str)
"""Text without control, bidirectional, zero-width or tag characters; newline and tab survive."""

# Complete escape sequences go first, so that no readable remains ("]52;c;…") stay behind; an unterminated one is cut at its
# introducer by the second expression.
_SEQUENCES = re.compile(
    r"\x1b[\]PX^_][^\x1b\x07\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC with their terminator
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x9b[0-?]*[ -/]*[@-~]"  # 8-bit CSI
    r"|\x1b[ -/]*[0-~]"  # other escapes
)
_FORBIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f"  # C0 without newline and tab, DEL
    "\x80-\x9f"  # C1
    "\u00ad\u061c\u180e"  # soft hyphen, Arabic letter mark, Mongolian vowel separator
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, separators, bidi, invisible operators
    "\U000e0000-\U000e0fff"  # tags and variation selectors supplement
    "\ud800-\udfff"  # lone surrogates
    "]"
)
_BIDI = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")


def clean(text: str, limit: int | None = None) -> SafeText:
    """``text`` without anything that could steer a terminal or deceive an eye; idempotent.

    Carriage returns become newlines. ``limit`` is in characters; a cut text ends in ``…``.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text or "\x9b" in text:
        text = _SEQUENCES.sub("", text)
    text = _FORBIDDEN.sub("", text)
    if limit is not None and len(text) > limit:
        text = text[: max(0, limit - 1)] + "…"
    return SafeText(text)


def one_line(text: str, limit: int = 200) -> SafeText:
    """Like :func:`clean`, on one line: runs of white space become one space."""
    return SafeText(" ".join(clean(text[: limit * 8]).split())[:limit])


def reveal(text: str) -> SafeText:
    """Like :func:`clean`, but hidden characters are shown as ``<U+202E>``: for diffs, where what is seen must be what lands."""
    text = text.replace("\r\n", "\n")
    shown = re.sub(
        _FORBIDDEN.pattern + "|\r",
        lambda match: f"<U+{ord(match.group()):04X}>",
        text,
    )
    return SafeText(shown)
