"""From evidence to points, each with its reason, and from points to a band. Nothing here looks at a clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pathspec import GitIgnoreSpec

from fleet_tui.domain.states import RiskBand
from fleet_tui.domain.text import one_line
from fleet_tui.governance.risk.evidence import ChangedFile, Evidence, Kinds, Weakening
from fleet_tui.settings.risk import MOST, Bands, Factor, Risk

_SECOND = 1_000_000_000
_NAMED = 3
CEILING = "ceiling"
"""The reason that takes off what is over the highest score."""
FLOOR = "floor"
"""The reason that adds what is missing to the least score of the agent."""
_WEAKENED = {
    "deleted": "{path} deleted",
    "assertions": "{path} loses {count} assertions",
    "skips": "{path} switches tests off",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why ``points`` are in the score. ``factor`` is a key of ``risk.factors``, or ``floor`` or ``ceiling``."""

    factor: str
    points: int
    detail: str

    @property
    def text(self) -> str:
        return f"{self.points:+} {self.factor}: {self.detail}"

    @classmethod
    def of(cls, text: str) -> Reason:
        """The reason that reads ``text``.

        Raises:
            ValueError: it is none.
        """
        head, _, detail = text.partition(": ")
        points, factor = head.split(" ")
        return cls(factor, int(points), detail)


@dataclass(frozen=True, slots=True)
class Score:
    """``points`` is from 0 to 100 and the sum of the points of its reasons."""

    points: int
    band: RiskBand
    reasons: tuple[Reason, ...] = ()


def score(evidence: Evidence, rules: Risk, now_ns: int, previous: RiskBand = RiskBand.LOW) -> Score:
    """The risk of what was seen, as of ``now_ns``; ``previous`` is the band it was in. The same input, the same answer.

    More evidence of any kind never lowers the points.
    """
    reasons = [reason for reason in _reasons(evidence, rules, now_ns) if reason.points]
    total = sum(reason.points for reason in reasons)
    if total > MOST:
        reasons.append(Reason(CEILING, MOST - total, f"it adds up to {total}; the score ends at {MOST}"))
    if total < evidence.floor:
        detail = f"it was released from quarantine on this condition; else it would be {total}"
        reasons.append(Reason(FLOOR, min(MOST, evidence.floor) - total, detail))
    points = min(MOST, max(total, evidence.floor))
    return Score(points, band_of(points, rules.bands, rules.hysteresis, previous), tuple(reasons))


def band_of(points: int, bands: Bands, hysteresis: int, previous: RiskBand) -> RiskBand:
    """The band of a score: risen to at once, left only when the score is ``hysteresis`` below it."""
    reached = _reached(points, bands)
    kept = _reached(points + max(0, hysteresis - 1), bands)
    return max(reached, min(kept, previous, key=_severity), key=_severity)


def _severity(band: RiskBand) -> int:
    return band.severity


def _reached(points: int, bands: Bands) -> RiskBand:
    if points >= bands.critical:
        return RiskBand.CRITICAL
    if points >= bands.high:
        return RiskBand.HIGH
    return RiskBand.MEDIUM if points >= bands.medium else RiskBand.LOW


def kinds(rules: Risk, scope: Sequence[str] | None) -> Kinds:
    """What a changed file counts for: of very many, those that matter to the score are remembered."""

    def of(file: ChangedFile) -> frozenset[str]:
        counts = {
            "sensitive": matches(rules.paths.sensitive, file.path),
            "pipeline": matches(rules.paths.pipeline, file.path),
            "opaque": _is_opaque(file, rules),
            "scope": scope is not None and not matches(tuple(scope), file.path),
        }
        return frozenset(name for name, does in counts.items() if does)

    return of


def matches(patterns: tuple[str, ...], path: str) -> bool:
    """Whether ``path`` matches one of the .gitignore-style ``patterns``; case is ignored, as on many file systems."""
    return _spec(patterns).match_file(path.lower())


@lru_cache(maxsize=256)
def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(pattern.lower() for pattern in patterns if _is_pattern(pattern))


def _is_pattern(text: str) -> bool:
    """A ticket's scope may hold anything; what is no pattern matches nothing."""
    try:
        GitIgnoreSpec.from_lines([text])
    except ValueError:
        return False
    return True


# -- the factors -------------------------------------------------------------------------------------------------------


def _reasons(evidence: Evidence, rules: Risk, now_ns: int) -> Iterable[Reason]:
    """One reason per factor, in the order of the configuration."""
    factors, paths, behaviour = rules.factors, rules.paths, evidence.behaviour
    files = evidence.files
    sensitive = [file.path for file in files if matches(paths.sensitive, file.path)]
    pipeline = [file.path for file in files if matches(paths.pipeline, file.path)]
    opaque = [file.path for file in files if _is_opaque(file, rules)]
    yield Reason("sensitive", _points(factors.sensitive, len(sensitive)), f"touches {_names(sensitive)}")
    yield Reason("pipeline", _points(factors.pipeline, len(pipeline)), f"decides what runs: {_names(pipeline)}")
    many = len(files) + evidence.more_files
    yield Reason("size", _points(factors.size, evidence.lines), f"{evidence.lines} lines in {_plural(many, 'file')}")
    weakened = sum(item.count if item.what == "assertions" else 1 for item in evidence.weakened)
    yield Reason("tests", _points(factors.tests, weakened), _names([_weakening(item) for item in evidence.weakened]))
    for factor, name, likely in (
        (factors.secrets, "secrets", False),
        (factors.likely_secrets, "likely_secrets", True),
    ):
        found = [secret for secret in evidence.secrets if secret.likely is likely]
        places = [f"{secret.kind} in {secret.path}:{secret.line}" for secret in found]
        yield Reason(name, _points(factor, len({secret.digest for secret in found})), _names(places))
    new = evidence.dependencies
    yield Reason("dependencies", _points(factors.dependencies, len(new)), f"new: {_names(new)}")
    yield Reason("opaque", _points(factors.opaque, len(opaque)), f"nobody can read {_names(opaque)}")
    unread = evidence.unread
    yield Reason("unread", _points(factors.unread, len(unread)), f"too large to be searched: {_names(unread)}")
    outside = _outside(evidence)
    yield Reason("scope", _points(factors.scope, len(outside)), f"outside the ticket's scope: {_names(outside)}")
    for factor, name, instants, words, more in (
        (factors.denied, "denied", behaviour.denied, "refused act", ""),
        (factors.failures, "failures", behaviour.failures, "failed gate", ""),
        (factors.loops, "loops", behaviour.loops, "repetition", ""),
        (factors.restarts, "restarts", behaviour.restarts, "new start", " after a crash"),
        (factors.rejections, "rejections", behaviour.rejections, "rejection", ""),
    ):
        told = f"{_plural(len(instants), words)}{more}"
        yield Reason(name, _faded(factor, instants, rules.half_life_s, now_ns), told)
    silence = _points(factors.silence, behaviour.silence_s)
    yield Reason("silence", silence, f"no sign of life for {_steps(factors.silence, behaviour.silence_s)} s")
    spent = behaviour.spent_percent
    yield Reason("spend", _points(factors.spend, spent), f"{_steps(factors.spend, spent)} % of its budget in an hour")


def _points(factor: Factor, count: float) -> int:
    return int(min(factor.cap, factor.points * int(max(0, count - factor.free) // factor.per)))


def _steps(factor: Factor, count: int) -> int:
    """``count`` as far as it counts: a reason changes only when its points may."""
    return count - max(0, count - factor.free) % factor.per


def _faded(factor: Factor, instants: Sequence[int], half_life_s: int, now_ns: int) -> int:
    """Each counts half after a half-life; the newest are the free ones, as if they had not happened yet."""
    counted = sorted(instants)[: max(0, len(instants) - factor.free)]
    weight = sum(2.0 ** (-max(0, now_ns - instant) / (half_life_s * _SECOND)) for instant in counted)
    # Less than a thousandth of a point is the rounding of the sum.
    return int(min(factor.cap, factor.points * weight / factor.per + 1e-3))


def _is_opaque(file: ChangedFile, rules: Risk) -> bool:
    return file.opaque or matches(rules.paths.generated, file.path)


def _outside(evidence: Evidence) -> list[str]:
    scope = evidence.scope
    return [] if scope is None else [file.path for file in evidence.files if not matches(scope, file.path)]


def _weakening(item: Weakening) -> str:
    return _WEAKENED.get(item.what, "{path} weakened").format(path=item.path, count=item.count)


def _names(items: Sequence[str]) -> str:
    """The first ones, and how many more."""
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return one_line(", ".join(items[:_NAMED]), 180) + more


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
