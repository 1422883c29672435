"""An agent tried without making it: what would be written and run, with what rights, on which prompt. Rows of text."""

from __future__ import annotations

from collections.abc import Iterator

from fleet_tui.readmodel.catalogue import Preview
from fleet_tui.tui.present.text import fact, paragraph, short
from fleet_widgets.lines import Line, Span
from fleet_widgets.text_pane import Section

_LATER = "each run"
"""Where the part of the prompt is from that is written when a run begins."""


def preview_sections(preview: Preview | None, refused: str, *, asking: bool) -> tuple[Section, ...]:
    """What ``fleet agent create --dry-run`` tells: first what one would look at before, then all of the prompt."""
    title = "dry run (nothing has been written or started)"
    if preview is None:
        told = f"x {refused}" if refused else "asking the watcher" if asking else "not known yet"
        return (Section(title, ((Span(told, "warn" if refused else "quiet"),),)),)
    tokens = sum(layer.tokens for layer in preview.layers if layer.origin != _LATER)
    return (
        Section(title, (*_runs(preview), (), *_checks(preview))),
        Section(f"prompt: ~{tokens} tokens at the start of each run", tuple(_layers(preview))),
        Section(f"writes {preview.file}", paragraph(preview.text, "quiet")),
        *(Section(f"prompt: {layer.origin}", paragraph(layer.text, "quiet")) for layer in preview.layers),
    )


def title(preview: Preview | None) -> str:
    """Above a dry run that has the whole screen."""
    return "dry run" if preview is None else f"dry run of {preview.name} from {preview.template}"


def _runs(preview: Preview) -> Iterator[Line]:
    place = f"its own clone, branch agent/{preview.ticket or 'N'}-…" if preview.family == "author" else "a checkout"
    yield fact("workspace", f"{place} from @{short(preview.base)}" if preview.base else place)
    level = f"sandbox {preview.isolation}" if preview.isolation not in ("", "L0") else "no sandbox (L0)"
    yield fact("inside", level)
    yield fact("runs", preview.launch)
    yield fact("variables", f"{', '.join(preview.environment)} (of its environment; no values are shown)")
    yield fact("budget", preview.budget)
    yield fact("publishes", f"{', '.join(preview.publishes)} ({preview.role}: {preview.family})")
    yield fact("starts on", starts_on(preview))
    yield fact("writes", f"{preview.file}, {preview.prompt_file}")


def _checks(preview: Preview) -> Iterator[Line]:
    for check in preview.checks:
        yield (Span(" + " if check.ok else " - ", "quiet" if check.ok else "strong"), Span(check.text))


def _layers(preview: Preview) -> Iterator[Line]:
    for layer in preview.layers:
        is_later = layer.origin == _LATER
        size = "not known yet  " if is_later else f"~{layer.tokens:>5} tokens  "
        yield (Span(size, "quiet"), Span(layer.text.strip("()") if is_later else layer.origin))


def starts_on(preview: Preview) -> str:
    if preview.ticket is None:
        return ", ".join(preview.starts_on)
    return f"ticket #{preview.ticket} {preview.ticket_title}, and no other"
