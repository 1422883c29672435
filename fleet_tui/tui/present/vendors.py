"""What works with an agent's program, and what does not: on the agent's page, and of all of them on screen 8."""

from __future__ import annotations

from collections.abc import Sequence

from fleet_tui.readmodel.vendors import VendorWorks
from fleet_tui.tui.present.text import fact
from fleet_widgets.lines import Line, Span
from fleet_widgets.text_pane import Section


def of_agent(vendor: VendorWorks | None) -> tuple[Section, ...]:
    """What does not work stands alone, line by line: it is what one must know. None where the watcher has not told."""
    if vendor is None:
        return ()
    if vendor.trouble:
        return (Section(f"vendor {vendor.name}", (fact("unknown", vendor.trouble, "warn"),)),)
    lines = [fact("not" if at == 0 else "", text, "strong") for at, text in enumerate(vendor.lacks)]
    lines += [fact("works", "; ".join(vendor.works))] if vendor.works else []
    return (Section(f"vendor {vendor.name}", (*lines, fact("more", f"fleet vendor show {vendor.name}", "quiet"))),)


def of_all(vendors: Sequence[VendorWorks]) -> tuple[Section, ...]:
    """One line each."""
    lines = tuple(_line(vendor) for vendor in vendors)
    return (Section("vendors: what does not work with them (fleet vendor show NAME)", lines),) if lines else ()


def _line(vendor: VendorWorks) -> Line:
    name = Span(f"{vendor.name:<10} ", "quiet")
    if vendor.trouble:
        return (name, Span("x ", "warn"), Span(vendor.trouble))
    return (name, Span("; ".join(vendor.lacks) or "nothing that is known"))
