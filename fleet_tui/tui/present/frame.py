"""The four lines around every screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_tui.domain.text import in_brief, one_line
from fleet_tui.readmodel.away import Missed
from fleet_tui.readmodel.health import Trust, age_s, trust
from fleet_tui.readmodel.held import Held
from fleet_tui.readmodel.values import FleetSummary, NeedKind, Other, Picture, Snapshot
from fleet_tui.settings.problems import running_on
from fleet_tui.tui.present.text import age, badge, clock, count, seconds_short, until
from fleet_widgets.lines import Line, Span, fill, giving, line, width_of
from fleet_widgets.words import wrap_words

TINY, SMALL, MEDIUM, LARGE = 60, 80, 100, 160


@dataclass(frozen=True, slots=True)
class Frame:
    """What the lines around a screen need to know besides the picture."""

    title: str
    """Key and name of the screen: ``1 WALL``."""
    width: int
    now_ns: int
    started_ns: int
    signal: str = ""
    """How live panes are noticed to change."""
    link: str = ""
    """What the way to the terminal takes, where that is little: ``slow 8 kB/s: pictures every 10 s``."""
    ways_out: tuple[str, ...] = ("r retry",)
    """Keys, with their words, that help while the watcher is away."""
    notes: tuple[str, ...] = ()
    """What is unusual about this room: that it only looks, that its bell is silent, who else is here."""
    replay: str = ""
    """``REPLAY 14:02:31`` where it is a recording that is shown."""


def top_line(picture: Picture, frame: Frame) -> Line:
    """Screen, counts, badges; isolation, data age and clock. Where the room is short, whole fields are left out."""
    title = Span(f"{frame.title:<12}", "strong")
    state = trust(picture.health, frame.started_ns, frame.now_ns)
    if state is Trust.FROZEN:
        return _frozen_line(title, picture, frame)
    if frame.replay:
        return _replay_line(title, picture, frame)
    late = state is Trust.LATE
    # Nothing on this line moves while all is well: a counter of seconds would cost bytes all day and say nothing.
    data = f"data {age_s(picture.health, frame.started_ns, frame.now_ns)}s!" if late else "data ok"
    snapshot = picture.snapshot
    counts = _counts(snapshot.summary, frame.width) if snapshot else [(Span("reading the log", "quiet"),)]
    fields = [
        _Field((title,), 0),
        *(_Field(value, rank) for rank, value in zip(_count_ranks(len(counts)), counts, strict=True)),
        _Field((fill(),), 0),
        *(_Field((Span(f" {note} ", "strong"),), 2) for note in frame.notes),
        *(_Field((span,), 4 if index == 0 else 9) for index, span in enumerate(_conditions(picture, frame))),
        _Field((Span(f" {data}", "warn" if late else "quiet"),), 0),
        _Field((Span(f" {clock(frame.now_ns)[:5]}{_utc(frame)}", "quiet"),), 6),
    ]
    return _fitted(fields, frame.width)


@dataclass(frozen=True, slots=True)
class _Field:
    """Part of line 1. Of two the one with the higher ``rank`` is left out first; those of rank 0 stay."""

    spans: tuple[Span, ...]
    rank: int


def _count_ranks(counts: int) -> list[int]:
    """Of the counts the agents go first, then badges from the last on; who needs a person stays longest."""
    return [8, *([1] if counts > 1 else []), *(min(7, 3 + index) for index in range(max(0, counts - 2)))]


def _fitted(fields: Sequence[_Field], width: int) -> Line:
    kept = list(fields)
    while sum(width_of(field.spans) for field in kept) > width and any(field.rank for field in kept):
        last = max(range(len(kept)), key=lambda at: (kept[at].rank, at))
        del kept[last]
    return line(*(span for field in kept for span in field.spans))


def _replay_line(title: Span, picture: Picture, frame: Frame) -> Line:
    """Nobody may take a recording for the fleet: it says what it is and of when, whatever else there is no room for."""
    counts = _counts(picture.snapshot.summary, frame.width) if picture.snapshot else []
    utc = Span(_utc(frame), "quiet")
    fields = [
        _Field((title, Span(frame.replay, "warn"), utc, Span("  ")), 0),
        *(_Field(value, rank) for rank, value in zip(_count_ranks(len(counts)) if counts else (), counts, strict=True)),
        _Field((fill(),), 0),
        _Field((Span(" nothing can be done ", "quiet"),), 9),
    ]
    return _fitted(fields, frame.width)


def _frozen_line(title: Span, picture: Picture, frame: Frame) -> Line:
    health = picture.health
    late = seconds_short(age_s(health, frame.started_ns, frame.now_ns))
    when = f"{'LAST DATA' if frame.width >= SMALL else 'DATA'} {clock(health.fresh_ns)}, "
    since_when = f": {when if frame.width >= TINY else ''}{late} AGO" if health.fresh_ns else f": NO DATA FOR {late}"
    fields = [
        _Field((title, Span("FROZEN", "warn")), 0),
        _Field((Span(since_when, "warn"),), 1),
        _Field((fill(),), 0),
        *(_Field((one,), 2) for one in _conditions(picture, frame)),
        _Field((Span(f" now {clock(frame.now_ns)}{_utc(frame)}", "quiet"),), 3),
    ]
    return _fitted(fields, frame.width)


def _utc(frame: Frame) -> str:
    return " UTC" if frame.width >= MEDIUM else ""


def _counts(summary: FleetSummary, width: int) -> list[tuple[Span, ...]]:
    """Agents, who needs a person, and a field for each badge."""
    agents = f"{summary.agents} ag" if width < MEDIUM else count(summary.agents, "agent")
    if width >= LARGE and summary.doing:
        words = "  ".join(f"{number} {word.lower()}" for word, number in summary.doing)
        agents = f"{agents}: {words}"
    gap = "  " if width >= SMALL else " "
    needs = f"{gap}NEED YOU {summary.needs}{gap[1:]}" if summary.needs else ""
    marks = [(Span(" "), badge(priority, is_open), Span(str(number))) for priority, is_open, number in summary.badges]
    return [(Span(agents, "quiet"),), (Span(needs, "strong"),), *marks]


def _conditions(picture: Picture, frame: Frame) -> list[Span]:
    """What the agents are held by, on every screen; with room to spare, how the panes are watched."""
    isolation = one_line(picture.snapshot.fleet.isolation, 12) if picture.snapshot else ""
    if frame.width < MEDIUM:
        tier = f"link {frame.link.split()[0].rstrip(':')}" if frame.link else ""
        return [
            *([Span(f" {'iso ' if frame.width >= SMALL else ''}{isolation}", "quiet")] if isolation else []),
            *([Span(f" {tier} ", "warn")] if tier else []),
        ]
    signal = one_line(frame.signal, 30) if frame.width >= LARGE else ""
    words = [f"isolation {isolation}" if isolation else "", f"panes by {signal}" if signal else ""]
    link = [Span(f"  link {frame.link} ", "warn")] if frame.link else []
    return [*link, *(Span(f"  {word} ", "quiet") for word in words if word)]


def alarm_line(picture: Picture, frame: Frame, keys: tuple[str, str] = ("a", "w")) -> Line:
    """The first alarm that nobody has acknowledged, and the key that answers it."""
    if trust(picture.health, frame.started_ns, frame.now_ns) is Trust.FROZEN:
        silent_s = age_s(picture.health, frame.started_ns, frame.now_ns)
        text = f" WATCHER DOWN: no answer for {silent_s} s; agents may run on"
        return line(badge(1, True), Span(text), fill(), Span(f"  {'  '.join(frame.ways_out)}", "hint"))
    needs = picture.snapshot.needs if picture.snapshot else ()
    alarms = [item for item in needs if item.kind is NeedKind.ALARM]
    if not alarms:
        rejected = picture.snapshot is not None and picture.snapshot.fleet.config_problems
        return _problem_line(picture.snapshot, frame) if rejected else line(Span("no alarms", "quiet"))
    first = alarms[0]
    more = f"  +{len(alarms) - 1} more" if len(alarms) > 1 else ""
    return line(
        badge(first.priority, True),
        *((Span(" "), giving(first.who, "strong"), Span(" ")) if first.who else (Span(" "),)),
        giving(first.title),
        Span(f" (first of {first.followers + 1})" if first.followers else "", "quiet"),
        fill(),
        Span(f" {age(first.since_ns, frame.now_ns):>3}", "quiet"),
        Span(f"  {keys[0]} ack" + (f"  {keys[1]} open" if frame.width >= MEDIUM else ""), "hint"),
        Span(more if frame.width >= MEDIUM else "", "quiet"),
    )


def notes(*, only_looks: bool, muted_ns: int, others: Sequence[Other] = (), width: int = MEDIUM) -> tuple[str, ...]:
    """``READ-ONLY``, ``MUTED 28m``, ``kim (pts/3) also here``; where it is narrow only how many."""
    minutes = -(-muted_ns // 60_000_000_000)
    found = ["READ-ONLY"] if only_looks else []
    found += [f"MUTED {minutes}m"] if muted_ns > 0 else []
    if len(others) == 1 and width >= MEDIUM:
        found.append(f"{in_brief(others[0].who, 40)} also here")
    elif others:
        found.append(f"+{len(others)} here" if width < MEDIUM else f"{len(others)} others here")
    return tuple(found)


def frozen_notice(picture: Picture, start: Sequence[str], width: int) -> tuple[Line, ...]:
    """What is known while the watcher is away, and how to get it back, in lines of ``width`` cells. ``start`` are the
    words of a shell line."""
    health = picture.health
    what = f"the picture is of {clock(health.fresh_ns)}" if health.fresh_ns else "there is no picture yet"
    tries = f"; asked {count(health.missed, 'time')}, again every second" if health.missed else ""
    why = (Span(f" {what}; CAPITALS are off ({one_line(health.error, 200) or 'no answer yet'}{tries})", "quiet"),)
    return (
        *wrap_words(why, width),
        *(wrap_words((Span(f" {_MEANWHILE}", "quiet"),), width) if width >= SMALL else ()),
        (Span(" to start the watcher, in another terminal:", "quiet"),),
        *((Span(f"   {part}", "strong"),) for part in shell_lines(start, width - 4)),
    )


_MEANWHILE = (
    "meanwhile nothing starts and nothing lands; acts that a rule must judge are refused; "
    "runs stop at the end of their run time"
)


def away_text(missed: Missed) -> str:
    """``while away 47s: 2 landed, 1 alarm, 0 approvals; 5 has all of it``."""
    more = [f"{missed.runs} runs ended"] if missed.runs else []
    parts = [f"{missed.landed} landed", count(missed.alarms, "alarm"), count(missed.approvals, "approval"), *more]
    return f"while away {seconds_short(missed.seconds)}: {', '.join(parts)}; 5 has all of it"


def shell_lines(words: Sequence[str], width: int) -> list[str]:
    """A shell line in parts that may be copied together; a word that is wider than ``width`` stays whole."""
    parts = [""]
    for word in words:
        longer = f"{parts[-1]} {word}".lstrip()
        if parts[-1] and len(longer) + 2 > width:
            parts[-1] += " \\"
            parts.append(word)
        else:
            parts[-1] = longer
    return parts


def _problem_line(snapshot: Snapshot | None, frame: Frame) -> Line:
    """Of a rejected configuration whose alarm somebody has seen: it still is not the one in force."""
    assert snapshot is not None
    problems, wide = snapshot.fleet.config_problems, frame.width >= MEDIUM
    since = running_on(snapshot.config_since_ns, one_line(snapshot.fleet.policy, 20), frame.now_ns)
    text = f" config has {count(len(problems), 'error')}: {since}: {one_line(problems[0], 300)}"
    return line(badge(2, False), Span(text), fill(), Span("  8", "hint-key"), Span(" shows it" if wide else "", "hint"))


def message_line(text: str, style: str, held: Held | None, now_ns: int, marks: str = "") -> Line:
    """How many are marked, the result of the last act, and the countdown of a held one."""
    parts: list[Span] = [Span(f"{marks}  " if marks else "", "strong"), giving(text, style), fill()]
    if held is not None:
        parts += [
            Span(" "),
            giving(held.target, "strong", rank=2),
            Span(f" {held.what} in {until(held.until_ns, now_ns)} s  ", "strong"),
            Span("u", "hint-key"),
            Span(" undo", "hint"),
        ]
    return line(*parts)


def hint_line(hints: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]], width: int) -> Line:
    """At most seven hints, as many as fit, and on the right those that are true everywhere."""
    end = _hints(right)
    room = width - sum(len(part.text) for part in end) - 2
    shown: list[Span] = []
    for key, label in hints[:7]:
        more = [*_hints(((key, label),)), Span("  ", "hint")]
        if sum(len(part.text) for part in [*shown, *more]) > room:
            break
        shown += more
    return line(*shown, fill(" ", "hint"), *end)


def _hints(pairs: Sequence[tuple[str, str]]) -> list[Span]:
    parts: list[Span] = []
    for index, (key, label) in enumerate(pairs):
        parts += [Span("  " if index else "", "hint"), Span(key, "hint-key"), Span(f" {label}", "hint")]
    return parts
