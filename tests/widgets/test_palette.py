"""Colours that everybody can tell apart, and text that can be read on its ground: of all themes that have colours.

Colour vision is simulated by the matrices of Machado, Oliveira and Fernandes, "A physiologically-based model for
simulation of color vision deficiency" (IEEE TVCG 15(6), 2009; table 1, severity 1.0), on linear RGB. Distances are
those of CIE 1976 and of CIEDE2000 (Sharma, Wu and Dalal, 2005), contrast is that of WCAG 2.
"""

from __future__ import annotations

from itertools import combinations
from math import atan2, cos, degrees, dist, exp, hypot, radians, sin, sqrt

import pytest
from rich.color import Color, ColorSystem
from rich.style import Style

from fleet_widgets.palette import PALETTES, STYLE_NAMES, palette

Triple = tuple[float, float, float]
SIGHT: dict[str, tuple[Triple, Triple, Triple]] = {
    "common": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
COLOURED = ("grey", "light", "contrast")
TOLD_APART = (("p1-ack", "p2-ack", "p3-ack", "normal"), ("added", "removed", "normal"))
"""Styles that mean different things in the same place."""


def linear(colour: Color) -> Triple:
    red, green, blue = (
        part / 3294.6 if part <= 10.31475 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in colour.get_truecolor()
    )  # fmt: skip
    return red, green, blue


def luminance(colour: Color) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def seen(colour: Color, sight: str) -> Triple:
    """The colour in CIE L*a*b* (D65), as somebody with that sight sees it."""
    rgb = [min(1.0, max(0.0, sum(a * b for a, b in zip(row, linear(colour), strict=True)))) for row in SIGHT[sight]]
    x, y, z = (
        sum(a * b for a, b in zip(row, rgb, strict=True)) / white
        for row, white in (
            ((0.4124564, 0.3575761, 0.1804375), 0.95047),
            ((0.2126729, 0.7151522, 0.0721750), 1.0),
            ((0.0193339, 0.1191920, 0.9503041), 1.08883),
        )
    )
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def ciede2000(one: Triple, other: Triple) -> float:
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (hypot(a1, b1) + hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * sqrt(mean**7 / (mean**7 + 25**7))
    c1, c2 = hypot(a1 * stretch, b1), hypot(a2 * stretch, b2)
    h1, h2 = degrees(atan2(b1, a1 * stretch)) % 360, degrees(atan2(b2, a2 * stretch)) % 360
    turn = ((h2 - h1 + 180) % 360 - 180) if c1 * c2 else 0.0
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    waves = ((0.17, 1, 30), (-0.24, 2, 0), (-0.32, 3, -6), (0.2, 4, 63))
    t = 1 - sum(size * cos(radians(times * hue - shift)) for size, times, shift in waves)
    dl = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / sqrt(20 + (light - 50) ** 2))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * sqrt(c1 * c2) * sin(radians(turn) / 2) / (1 + 0.015 * chroma * t)
    bend = -2 * sqrt(chroma**7 / (chroma**7 + 25**7)) * sin(radians(60 * exp(-(((hue - 275) / 25) ** 2))))
    return sqrt(dl**2 + dc**2 + dh**2 + bend * dc * dh)


def test_the_measures_give_published_values() -> None:
    """Pairs 1, 7, 17 and 25 of Sharma's data; black on white; red as protanopes see it is a dark yellow."""
    for one, other, expected in (
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ):
        assert ciede2000(one, other) == pytest.approx(expected, abs=1e-4)
    assert contrast(Color.parse("#000000"), Color.parse("#ffffff")) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), Color.parse("#ffffff")) == pytest.approx(4.48, abs=0.01)
    lightness, a, b = seen(Color.parse("#ff0000"), "protan")
    assert lightness < 45
    assert abs(a) < b


def reduced(style: Style, depth: str) -> tuple[Color, Color]:
    assert style.color is not None
    assert style.bgcolor is not None
    if depth == "256":
        return style.color.downgrade(ColorSystem.EIGHT_BIT), style.bgcolor.downgrade(ColorSystem.EIGHT_BIT)
    return style.color, style.bgcolor


@pytest.mark.parametrize("depth", ["truecolor", "256"])
@pytest.mark.parametrize("name", COLOURED)
def test_all_text_can_be_read_on_its_ground(name: str, depth: str) -> None:
    known = palette(name)
    raised = known.style("cursor").bgcolor
    assert raised is not None
    for style in STYLE_NAMES:
        colour, ground = reduced(known.style(style), depth)
        # What is old stays readable, but it is not what is to be read: the screen says in words that it is old.
        least = 3.0 if style == "stale" else 4.5
        assert contrast(colour, ground) >= least, style
        if ground == known.style("normal").bgcolor and style != "stale":
            assert contrast(colour, raised) >= 4.5, f"{style} in the row of the cursor"


@pytest.mark.parametrize("depth", ["truecolor", "256"])
@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("name", COLOURED)
def test_what_means_different_things_looks_different_to_everybody(name: str, sight: str, depth: str) -> None:
    for names in TOLD_APART:
        for one, other in combinations(names, 2):
            first, second = (seen(reduced(palette(name).style(each), depth)[0], sight) for each in (one, other))
            assert dist(first, second) >= 20, f"{one} {other}"
            assert ciede2000(first, second) >= 12, f"{one} {other}"


@pytest.mark.parametrize("name", PALETTES)
def test_badges_differ_without_their_colour(name: str) -> None:
    """What nobody has acknowledged stands out by more than a hue: filled, or underlined."""
    known, ground = palette(name), palette(name).style("normal").bgcolor
    for priority in ("p1", "p2", "p3"):
        fresh, seen_before = known.style(priority), known.style(f"{priority}-ack")
        assert fresh.reverse or fresh.underline or fresh.bgcolor != ground, priority
        assert not seen_before.reverse, priority
        assert not seen_before.underline, priority
        assert seen_before.bgcolor == ground, priority


def test_sixteen_colours_are_three_different_ones() -> None:
    """The terminal's own colours cannot be measured; that they are not the same can."""
    names = [palette("ansi").style(f"p{priority}-ack").color for priority in (1, 2, 3)]
    assert [colour.name for colour in names if colour] == ["bright_red", "bright_yellow", "bright_cyan"]
