"""Changes of a frame in another order: the same cells, and fewer bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.tui.regroup import Run, regrouped
from fleet_tui.tui.squeeze import squeezed
from tests.tui.test_squeeze import HEIGHT, STYLES, WIDTH, cells

NORMAL, GREEN, GREY = (
    "38;2;196;200;204;48;2;30;33;36",
    "38;2;152;224;36;48;2;30;33;36",
    "38;2;139;143;146;48;2;30;33;36",
)


def run(x: int, y: int, codes: str, text: str) -> Run:
    width = sum(2 if character == "漢" else 1 for character in text)
    return Run(x, y, width, codes, f"\x1b[{codes}m{text}\x1b[0m", text.isspace())


@st.composite
def frames(draw: st.DrawFn) -> list[Run]:
    """Runs in few styles, some side by side, none over another."""
    styles = draw(st.lists(st.sampled_from([*STYLES, NORMAL, f"1;{NORMAL}", GREEN, GREY]), min_size=1, max_size=4))
    found: list[Run] = []
    for y in range(HEIGHT):
        x = draw(st.integers(0, 20))
        for _ in range(draw(st.integers(0, 5))):
            text = draw(st.one_of(st.text("ab 漢", min_size=1, max_size=8), st.integers(1, 12).map(lambda n: " " * n)))
            found.append(run(x, y, draw(st.sampled_from(styles)), text))
            x += found[-1].width + draw(st.sampled_from([0, 0, 0, 1, 5]))
    assert x <= WIDTH
    return found


@given(frames(), st.booleans())
def test_the_same_cells_in_any_order(runs: list[Run], erase: bool) -> None:
    in_order = "".join(f"\x1b[{one.y + 1};{one.x + 1}H{one.written}" for one in runs)
    assert cells(squeezed(regrouped(runs) + "\x1b[H", erase=erase)) == cells(in_order + "\x1b[H")


def test_each_colour_is_said_once_for_all_panes() -> None:
    feet = [
        one
        for x in (0, 40, 80)
        for one in (
            run(x, 0, GREEN, "o "),
            run(x + 2, 0, NORMAL, "Thinking "),
            run(x + 11, 0, GREY, "(38s, 266 tokens)"),
        )
    ]
    written = squeezed(regrouped(feet), erase=True)
    assert [written.count(codes.split(";48")[0]) for codes in (GREEN, NORMAL, GREY)] == [1, 1, 1]
    in_order = squeezed("".join(f"\x1b[{one.y + 1};{one.x + 1}H{one.written}" for one in feet), erase=True)
    assert len(written) < 0.75 * len(in_order)


def test_what_is_cheap_to_say_stays_where_it_is() -> None:
    bold = f"1;{NORMAL}"
    row = [run(0, 0, bold, "Bash"), run(4, 0, NORMAL, "(pytest)"), run(12, 0, bold, "  "), run(14, 0, bold, "Read")]
    assert squeezed(regrouped(row), erase=True).count("H") == 1


def test_a_colour_of_one_place_goes_with_its_neighbours() -> None:
    row = [run(0, 0, NORMAL, "state"), run(5, 0, GREEN, "RUN"), run(8, 0, GREY, "5s")]
    assert regrouped(row).count("H") == 1
