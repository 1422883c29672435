"""A screen that reads for itself leaves the keys nine tenths of the time."""

from __future__ import annotations

from fleet_tui.tui.pace import Pace


def test_the_longer_a_read_takes_the_later_the_next_one_may_be() -> None:
    now = [100.0]
    pace = Pace(lambda: now[0])
    assert pace.may_read
    with pace.reading():
        now[0] += 0.03
    assert not pace.may_read
    now[0] += 0.26
    assert not pace.may_read
    now[0] += 0.02
    assert pace.may_read
    with pace.reading():
        pass
    assert pace.may_read, "what costs nothing is read with every picture"
