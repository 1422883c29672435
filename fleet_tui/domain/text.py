"""The one sanitiser: text from an agent, repository, ticket or branch passes here before it is stored or shown."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NewType

SafeText = NewType("SafeText", str)
"""Text without control, bidirectional, zero-width or tag characters; newline and tab survive."""
NOTHING = SafeText("")

# Complete escape sequences go first, so that no readable remains ("]52;c;…") stay behind; an unterminated one is cut at
# its introducer by the second expression. A string sequence ends at the next introducer at the latest, which also keeps
# the search linear however many of them are left open.
_SEQUENCES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x1b\x07\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-~]"  # other escapes
)
_INTRODUCER = re.compile("[\x1b\x90\x98\x9b\x9d-\x9f]")
_FORBIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f"  # C0 without newline and tab, DEL
    "\x80-\x9f"  # C1
    "\u2028\u2029\u202a-\u202e"  # separators, bidi embeddings and overrides
    "\ufff9-\ufffb"  # interlinear annotation
    "\ud800-\udfff"  # lone surrogates
    # What Unicode calls default ignorable: characters that take no room and show nothing.
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "]"
)
_HIDDEN = re.compile(f"{_FORBIDDEN.pattern}|\r")
_HIDDEN_IN_NAMES = re.compile(f"{_FORBIDDEN.pattern}|[\r\n\t]")


def clean(text: str, limit: int | None = None) -> SafeText:
    """``text`` without anything that could steer a terminal or deceive an eye; idempotent.

    Carriage returns become newlines. ``limit`` is in characters; a cut text ends in ``…``.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _INTRODUCER.search(text):
        text = _SEQUENCES.sub("", text)
    text = _FORBIDDEN.sub("", text)
    if limit is not None and len(text) > limit:
        text = f"{text[: limit - 1]}…" if limit > 0 else ""
    return SafeText(text)


def taken_out(text: str) -> tuple[int, tuple[str, ...]]:
    """How many characters :func:`clean` takes out of ``text``, and the hidden ones among them, as ``U+200D``.

    An escape sequence goes with everything that belongs to it, so the number may be larger than what is named.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    names = dict.fromkeys(f"U+{ord(char):04X}" for char in _FORBIDDEN.findall(text))
    return len(text) - len(clean(text)), tuple(names)


def one_line(text: str, limit: int = 200) -> SafeText:
    """Like :func:`clean`, on one line: runs of white space become one space. What is over ``limit`` is cut off."""
    # Eight times the limit leaves room for what cleaning takes away, and bounds the work on a huge text.
    return SafeText(" ".join(clean(text[: limit * 8]).split())[:limit].rstrip())


def in_brief(text: str, limit: int) -> SafeText:
    """Like :func:`one_line`, for eyes: what is over ``limit`` characters ends in ``…``."""
    whole = one_line(text, limit + 1)
    return whole if len(whole) <= limit else SafeText(f"{whole[: limit - 1].rstrip()}…")


def reveal(text: str) -> SafeText:
    """Like :func:`clean`, but hidden characters are shown as ``<U+202E>``: in a diff, what is seen must be what lands.

    Line ends of Windows files are taken as line ends; any other carriage return is shown.
    """
    return _revealed(_HIDDEN, text.replace("\r\n", "\n"))


def reveal_name(name: str) -> SafeText:
    """Like :func:`reveal`, for the name of a file or branch: a line end or tab in it is hidden too."""
    return _revealed(_HIDDEN_IN_NAMES, name)


def some_names(names: Sequence[str], most: int, limit: int = 200) -> SafeText:
    """The first ``most`` names, each with at most ``limit`` characters, and how many more there are."""
    shown = ", ".join(reveal_name(name[:limit])[:limit] for name in names[:most])
    return SafeText(f"{shown} and {len(names) - most} more" if len(names) > most else shown)


def fitting(text: str, most_bytes: int) -> str:
    """As much of ``text`` as ``most_bytes`` of the log hold: JSON in ASCII, up to twelve bytes per character."""
    if len(json.dumps(text)) - 2 <= most_bytes:
        return text
    sizes = accumulate(len(json.dumps(char)) - 2 for char in text[:most_bytes])
    return text[: bisect_right(list(sizes), most_bytes)]


def _revealed(hidden: re.Pattern[str], text: str) -> SafeText:
    return SafeText(hidden.sub(lambda match: f"<U+{ord(match.group()):04X}>", text))
