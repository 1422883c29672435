"""The bell rings at the edge, with grace, cooldown and one bell for a flood; what is urgent rings until it is seen."""

from __future__ import annotations

from fleet_tui.domain.text import one_line
from fleet_tui.readmodel.bell import Bell, Which
from fleet_tui.readmodel.values import NeedItem, NeedKind

S = 1_000_000_000
START_S = 1_000_000


def need(
    name: str, priority: int = 2, at_s: float = 0, agent: str | None = None, kind: NeedKind = NeedKind.ALARM
) -> NeedItem:
    since_ns = int((START_S + at_s) * S)
    return NeedItem(kind, name, priority, agent or name, one_line("text"), since_ns, None)


class Room:
    """A bell under a fake clock, asked each second. ``rung`` are the seconds since the start at which it rang."""

    def __init__(self, which: Which = "urgent") -> None:
        self.bell = Bell(which, START_S * S)
        self.at_s = 0
        self.rung: list[int] = []

    def wait(self, seconds: int, *needs: NeedItem, away: bool = False) -> list[int]:
        for _ in range(seconds):
            if self.bell.is_due(needs, (START_S + self.at_s) * S, watcher_away=away):
                self.rung.append(self.at_s)
            self.at_s += 1
        return self.rung


def test_what_stands_at_the_start_does_not_ring_and_what_comes_later_rings_once() -> None:
    room = Room()
    assert room.wait(100, need("old")) == []
    assert room.wait(300, need("old"), need("new", at_s=100)) == [102]


def test_what_goes_within_two_seconds_does_not_ring() -> None:
    room = Room()
    room.wait(40)
    room.wait(2, need("blip", at_s=40))
    assert room.wait(20) == []


def test_priority_1_rings_at_once_and_each_minute_five_times_until_it_is_seen() -> None:
    room = Room()
    room.wait(40)
    assert room.wait(600, need("p1", 1, 40)) == [40, 100, 160, 220, 280]
    room = Room()
    room.wait(40)
    room.wait(70, need("p1", 1, 40))
    assert room.wait(300) == [40, 100], "acknowledged: it is no longer in the queue"


def test_priority_1_that_stood_at_the_start_begins_after_the_grace() -> None:
    assert Room().wait(60, need("p1", 1)) == [30]


def test_priority_1_rings_though_its_agent_has_just_rung_for_less() -> None:
    room = Room()
    room.wait(40)
    room.wait(5, need("p2", 2, 40, "dev"))
    assert room.wait(3, need("p2", 2, 40, "dev"), need("p1", 1, 45, "dev")) == [42, 45]


def test_one_subject_rings_once_a_minute() -> None:
    room = Room()
    room.wait(40)
    needs: list[NeedItem] = []
    for number in range(4):
        needs.append(need(f"a{number}", 2, room.at_s, "dev"))
        room.wait(20, *needs)
    assert room.rung == [42, 102]
    other = need("b", 2, room.at_s, "rev")
    room.wait(5, *needs, other)
    assert room.rung == [42, 102, 122]


def test_e7_a_burst_of_200_in_10_seconds_rings_once() -> None:
    for first in (1, 2):
        room = Room()
        room.wait(40)
        needs: list[NeedItem] = []
        for second in range(10):
            needs += [need(f"{second}-{n}", first if not needs and not n else 2, 40 + second) for n in range(20)]
            room.wait(1, *needs)
        room.wait(40, *needs)
        assert len(room.rung) == 1
        later = [*needs, need("later", 2, 80)]
        assert len(room.wait(5, *later)) == 1, "the flood goes on"


def test_after_the_flood_bells_ring_again() -> None:
    room = Room()
    room.wait(40)
    needs = [need(f"a{n}", 2, 40) for n in range(12)]
    room.wait(700, *needs)
    assert len(room.rung) == 1
    room.wait(5, *needs, need("new", 2, 740))
    assert room.rung[1:] == [742]


def test_what_has_time_is_silent_or_rings_together() -> None:
    asked = [need(f"q{n}", 3, 40 + n, kind=NeedKind.QUESTION) for n in range(5)]
    room = Room()
    room.wait(40)
    assert room.wait(400, *asked) == []
    room = Room("all")
    room.wait(40)
    for number in range(1, 6):
        room.wait(30, *asked[:number])
    assert room.rung == [42]
    assert room.wait(300, *asked) == [42, 342]


def test_off_is_off_and_held_acts_are_silent() -> None:
    room = Room("off")
    room.wait(40)
    assert room.wait(100, need("p1", 1, 40)) == []
    room = Room("all")
    room.wait(40)
    assert room.wait(100, need("h", 3, 40, kind=NeedKind.HELD)) == []


def test_a_watcher_that_is_away_is_urgent() -> None:
    room = Room()
    room.wait(40)
    assert room.wait(130, away=True) == [40, 100, 160]
    room.wait(120)
    assert room.wait(1, away=True) == [40, 100, 160, 290]


def test_a_clock_that_is_set_back_does_not_silence_it() -> None:
    room = Room()
    room.wait(200)
    room.wait(70, need("p1", 1, 200))
    room.at_s = 100
    assert room.wait(61, need("p1", 1, 200)) == [200, 260, 100, 160]
