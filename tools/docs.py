"""Write the generated documents, or check that they are current: ``python tools/docs.py [--check]``."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

GENERATED: dict[str, tuple[str, ...]] = {
    "docs/events.md": ("-m", "fleet_tui.domain.eventdoc"),
    "docs/configuration.md": ("-m", "fleet_tui.settings.explain"),
    "docs/keys.md": ("-m", "fleet_tui.tui.present.help"),
}
"""Each document, and the Python command that prints it."""


def render(command: tuple[str, ...]) -> str:
    """What the generator prints.

    Raises:
        CalledProcessError: the generator failed; its own message is on stderr.
    """
    done = subprocess.run((sys.executable, *command), cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def difference(name: str, current: str) -> list[str]:
    """The unified difference between the written and the rendered document."""
    path = ROOT / name
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    return list(difflib.unified_diff(written.splitlines(), current.splitlines(), name, "generated", lineterm="", n=1))


def main(arguments: list[str]) -> int:
    stale = 0
    for name, command in GENERATED.items():
        current = render(command)
        changes = difference(name, current)
        if not changes:
            continue
        if "--check" in arguments:
            stale += 1
            print(f"{name} is not current; run: make docs", *changes[:20], sep="\n", file=sys.stderr)
        else:
            (ROOT / name).write_text(current, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
