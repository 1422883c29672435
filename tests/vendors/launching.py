"""What every adapter is asked to start, in a run's directories."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.vendors.base import LaunchRequest


def launch_request(
    place: Path,
    session: str,
    *,
    model: str | None = None,
    prompt: str = "Do it.",
    sandboxed: bool = True,
    run_dir: str = "run",
    workspace: str = "ws",
) -> LaunchRequest:
    """A run of a developer, whose directories are made below ``place``."""
    run, home, tree = (place / name for name in (run_dir, "home", workspace))
    for path in (run, home, tree):
        path.mkdir()
    return LaunchRequest(
        "run-1", "dev", "developer", model, prompt, run, tree, home, 1, session=session, sandboxed=sandboxed
    )
