"""Patterns for hostile text: regular expressions that never go back, so none can take long.

A quantifier takes what it can and gives nothing back (as if written ``*+``), a group keeps its first alternative that
fits (as if written ``(?>…)``), and only single characters are repeated. The time is bounded by the length of the
pattern times the square of the line's, whatever stands in the line.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 300
"""Of a pattern, and of the line that it is looked for in."""
MOST_REPEATS = 300
_COUNT = re.compile(r"\{(\d*)(?:,(\d*))?\}")
"""What ``re`` takes for a count, whatever its numbers."""


class UnboundedPattern(ValueError):
    """The pattern cannot be used; ``hint`` says what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def compile_bounded(pattern: str) -> re.Pattern[str]:
    """``pattern``, in any case of letters, compiled so that it never goes back.

    Raises:
        UnboundedPattern: it is no regular expression, or has what could go back.
    """
    if not pattern or len(pattern) > MOST_CHARACTERS:
        raise UnboundedPattern(f"a pattern has 1 to {MOST_CHARACTERS} characters", "make two rules of it")
    try:
        re.compile(pattern)
        return re.compile(_Rewriter(pattern).run(), re.IGNORECASE)
    except re.error as error:
        hint = "put a backslash before a character that is meant"
        raise UnboundedPattern(f"no regular expression: {error}", hint) from error


class _Rewriter:
    """Walks once over a pattern that ``re`` accepts."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._out: list[str] = []
        self._last = ""
        """What a quantifier would repeat: its first character, or ``)`` for a group."""

    def run(self) -> str:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        return "".join(self._out)

    def _step(self, char: str) -> None:
        count = self._count() if char == "{" else None
        if char == "\\":
            self._escape()
        elif char == "[":
            self._take(self._class_end() - self._at, "[")
        elif char == "(":
            self._group()
        elif char in "*+?" or count is not None:
            self._quantifier(count.group() if count is not None else char)
        else:
            self._take(1, char)

    def _count(self) -> re.Match[str] | None:
        count = _COUNT.match(self._text, self._at)
        if count is None or count.group() == "{}":
            return None  # it stands for itself
        if any(len(number) > 3 or int(number) > MOST_REPEATS for number in count.groups() if number):
            raise UnboundedPattern(f"`{count.group()}` is too many", f"at most {MOST_REPEATS}: no line is longer")
        return count

    def _take(self, length: int, last: str) -> None:
        self._out.append(self._text[self._at : self._at + length])
        self._at += length
        self._last = last

    def _escape(self) -> None:
        following = self._text[self._at + 1]
        if following in "123456789N":
            raise UnboundedPattern(f"`\\{following}` is not allowed", "write out what is meant")
        self._take(2, "\\")

    def _class_end(self) -> int:
        at = self._at + 1
        at += self._text[at] == "^"
        at += self._text[at] == "]"
        while self._text[at] != "]":
            at += 2 if self._text[at] == "\\" else 1
        return at + 1

    def _group(self) -> None:
        special = self._text[self._at + 1] == "?"
        if special and self._text[self._at + 2] not in ":>":
            raise UnboundedPattern("`(?` with anything but `:` is not allowed", "use plain groups: `(a|b)`")
        self._out.append("(?>")
        self._at += 3 if special else 1
        self._last = "("

    def _quantifier(self, quantifier: str) -> None:
        if self._last == ")" and quantifier != "?":
            hint = "repeat single characters or `[…]`; a group may have `?`"
            raise UnboundedPattern("a group may not be repeated", hint)
        if self._last == "." and quantifier != "?":
            hint = "say what may stand there, such as `[^)]{0,60}`"
            raise UnboundedPattern("a repeated `.` takes everything that follows and gives nothing back", hint)
        self._at += len(quantifier)
        rest = self._text[self._at : self._at + 1]
        if rest == "?":
            raise UnboundedPattern("`*?` and the like are not allowed", "say where it ends, such as `[^)]*`")
        self._at += rest == "+"
        self._out.append(f"{quantifier}+")
        self._last = quantifier
