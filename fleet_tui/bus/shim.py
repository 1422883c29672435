"""Scripts on an agent's PATH: `fleet`, which runs the light client, and shims that ask it before a program runs."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

CLIENT = Path(__file__).resolve().with_name("client.py")


def client_argv() -> list[str]:
    """How to run the light client: no site directory, no environment of Python's, no pyenv shim in between."""
    return [sys.executable, "-I", "-S", str(CLIENT)]


def write_shim(directory: Path) -> Path:
    """Write the executable ``fleet`` into ``directory`` (made if missing) and return its path; a repeat replaces it."""
    return _write(directory / "fleet", f'#!/bin/sh\nexec {shlex.join(client_argv())} "$@"\n')


def write_mcp(directory: Path) -> Path:
    """Write the executable ``fleet-mcp``, which serves the run it is called by over MCP, and return its path."""
    argv = [sys.executable, "-I", "-m", "fleet_tui", "mcp", "serve"]
    return _write(directory / "fleet-mcp", f"#!/bin/sh\nexec {shlex.join(argv)}\n")


GUARDED = {
    "git": "add|blame|branch|cat-file|cherry-pick|commit|describe|diff|fetch|grep|log|ls-files|merge|rebase|reset|"
    "restore|rev-list|rev-parse|rm|show|stash|status|switch",
    "gh": "",
    "tmux": "",
}
"""Programs that are asked about, and what of them goes through without: first words that no rule is about."""


def write_guards(directory: Path, spared: Sequence[Path] = ()) -> None:
    """Write a shim for each of :data:`GUARDED` into ``directory``: advice with a reason, no wall. A repeat replaces
    it.

    What one of the programs ``spared`` runs itself goes through: vendors' programs look at a repository in their own
    ways, with settings that no agent may use. Where a process cannot be looked at so (no ``/proc``), it is asked about.
    """
    for program, harmless in GUARDED.items():
        _write(directory / program, _guard(program, harmless, spared))


def _guard(program: str, harmless: str, spared: Sequence[Path]) -> str:
    skip = f'case "$1" in {harmless}) ;; *) {{ask}} ;; esac' if harmless else "{ask}"
    ask = f'{shlex.join(client_argv())} guard exec {program} "$@" || exit 2'
    if spared:
        names = "|".join(shlex.quote(str(path)) for path in spared)
        ask = f'case "$(readlink "/proc/$PPID/exe" 2>/dev/null)" in {names}) ;; *) {ask} ;; esac'
    return f"""#!/bin/sh
# Asks the fleet before {program} runs, then runs the next {program} on PATH.
{skip.replace("{ask}", ask)}
here=${{0%/*}}
rest=
set -f
IFS=:
for folder in $PATH; do
    [ "$folder" = "$here" ] || rest="${{rest:+$rest:}}$folder"
done
unset IFS
set +f
PATH=$rest command -v {program} >/dev/null || {{ echo "fleet: {program} is not installed" >&2; exit 127; }}
exec "$(PATH=$rest command -v {program})" "$@"
"""


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o755)
    draft.replace(path)
    return path
