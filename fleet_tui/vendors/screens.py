"""What an agent's screen says by the detection rules of its vendor. Pure.

Vendors change their screens, and what an agent writes stands on them too: this is the last source of a run's state, its
rules are data (``config/detection/``), and a screen that no rule knows says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fleet_tui.domain.text import SafeText, clean, one_line
from fleet_tui.settings.detection import Region
from fleet_tui.vendors.base import DialogKind, Observation, ScreenState
from fleet_tui.vendors.bounded import MOST_CHARACTERS

_ABOVE = 4
"""Lines above the input that are near enough to speak of the present turn."""
_MOST_LINES = 400
_MOST_TYPED = 2_000


@dataclass(frozen=True, slots=True)
class Screen:
    """A pane as it is seen: its text, as plain as tmux gives it, and the title that its program set."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What stands in a region of the screen, and what that means. ``dialog``: of a dialog, what it asks."""

    name: str
    priority: int
    region: Region
    pattern: re.Pattern[str]
    state: ScreenState
    also: re.Pattern[str] | None = None
    dialog: DialogKind | None = None

    def match(self, lines: Sequence[str]) -> str | None:
        """The line nearest to the bottom on which the rule matches; None: on none."""
        found = next((line for line in reversed(lines) if self.pattern.search(line)), None)
        if found is None or (self.also is not None and not any(self.also.search(line) for line in lines)):
            return None
        return found


@dataclass(frozen=True, slots=True)
class InputPlace:
    """How the place is found where a person types: see :class:`fleet_tui.settings.detection.InputSettings`."""

    mark: re.Pattern[str]
    within: int = 60
    never: re.Pattern[str] | None = None
    above: re.Pattern[str] | None = None
    below: re.Pattern[str] | None = None
    placeholder: re.Pattern[str] | None = None
    folded: re.Pattern[str] | None = None

    def find(self, lines: Sequence[str]) -> tuple[int, int, str] | None:
        """The lines of the lowest input, first and behind the last, and what was typed there; None: there is none."""
        for first in range(len(lines) - 1, max(-1, len(lines) - 1 - self.within), -1):
            mark = self.mark.match(lines[first])
            end = self._end(lines, first) if mark is not None else None
            if mark is None or end is None or not self._is_framed(lines, first):
                continue
            typed = self._typed([lines[first][mark.end() :], *lines[first + 1 : end]])
            if self.never is None or not self.never.search(typed):
                return first, end, typed
        return None

    def _is_framed(self, lines: Sequence[str], first: int) -> bool:
        return self.above is None or (first > 0 and self.above.search(lines[first - 1]) is not None)

    def _end(self, lines: Sequence[str], first: int) -> int | None:
        if self.below is None:
            return first + 1
        return next((at for at in range(first + 1, len(lines)) if self.below.search(lines[at])), None)

    def _typed(self, lines: Iterable[str]) -> str:
        typed = "\n".join(line.strip(" \t│|") for line in lines).strip()[:_MOST_TYPED]
        return "" if self.placeholder is not None and self.placeholder.search(typed) else typed


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The detection rules of one vendor, the one that counts first at the front."""

    rules: tuple[Rule, ...]
    input: InputPlace
    lines: int
    files: tuple[str, ...] = ()
    """Where they come from, the shipped ones first."""
    own: bool = False
    """Whether there are rules for just this vendor; else only those are known that many programs share."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Rule to the place that it was written at."""

    def classify(self, screen: Screen) -> Observation | None:
        """What the first rule says that matches; None: no rule does, which is worth showing."""
        parts, typed = self._parts(screen)
        for rule in self.rules:
            line = rule.match(parts[rule.region])
            if line is not None:
                told = clean(line.strip())
                return Observation(rule.state, rule.name, told, dialog=rule.dialog, region=rule.region, typed=typed)
        return None

    def typed(self, screen: Screen) -> SafeText | None:
        """What stands in the input; empty: nothing; None: there is no input."""
        return self._parts(screen)[1]

    def region(self, screen: Screen, name: Region) -> SafeText:
        """The text of a region, for people."""
        return clean("\n".join(self._parts(screen)[0][name]))

    def _parts(self, screen: Screen) -> tuple[dict[Region, Sequence[str]], SafeText | None]:
        whole = [line[:MOST_CHARACTERS].rstrip() for line in clean(screen.text).split("\n")[-_MOST_LINES:]]
        lines = [line for line in whole if line.strip()]
        last = lines[-self.lines :]
        title = one_line(screen.title, MOST_CHARACTERS)
        parts: dict[Region, Sequence[str]] = {"title": [title] if title else [], "screen": lines}
        found = self.input.find(last)
        if found is None:
            return parts | {"bottom": last, "above-input": last, "input": (), "below-input": last}, None
        first, end, typed = found
        above, below = last[:first], last[end:]
        # An empty input is a line too: a rule may say that nothing stands there.
        parts |= {"bottom": [*above, *below], "above-input": above[-_ABOVE:], "below-input": below}
        return parts | {"input": typed.split("\n")}, clean(typed)
