"""Which repository on the forge the tickets of this fleet are of, or the work on some of them lands in: whatever it is
called today, and no other."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.domain.errors import SetupError
from fleet_tui.domain.forges import Trouble
from fleet_tui.domain.text import one_line
from fleet_tui.forge.gh_values import Repository
from fleet_tui.forge.trouble import ForgeTrouble
from fleet_tui.settings.forge import ForgeSettings

_ID = "id:"


class Identity:
    """What the fleet remembers in ``file``: a line for each name, and one with the number that GitHub has given it."""

    def __init__(self, file: Path, *, is_home: bool = True) -> None:
        self._file = file
        self._is_home = is_home

    def require(self, wanted: ForgeSettings, *, has_tickets: bool) -> None:
        """Numbers of tickets are those of the forge: the ones of another would be taken for them.

        Raises:
            SetupError: the tickets in the log are of another forge.
        """
        name = _name(wanted.repo) if wanted.kind == "github" else "local"
        if not self._file.is_file():
            self._write(["local" if has_tickets else name])
        known = [line for line in self._lines() if not line.startswith(_ID)]
        if name not in known:
            told = f"the tickets of this fleet are of `{one_line(' '.join(known))}`, and `forge` in the configuration"
            hint = f"change it back, or begin a new log: move {self._file.parent} away"
            raise SetupError("another forge", f"{told} says `{name}`", hint)

    def recognise(self, found: Repository, asked: str) -> None:
        """Remember the repository that GitHub answered with, asked for by the name ``asked``.

        Raises:
            ForgeTrouble: it is another one than before: whoever has the name now says what they like.
        """
        lines = self._lines()
        known = next((line.removeprefix(_ID) for line in lines if line.startswith(_ID)), "")
        if known not in ("", str(found.id)):
            whose = "the tickets of this fleet are of" if self._is_home else "was there before"
            otherwise = "begin a new log" if self._is_home else f"remove {self._file}, and restart the watcher"
            what = f"{asked} on GitHub is not the repository that {whose}"
            hint = f"name that one in the configuration as it is called today, or {otherwise}"
            raise ForgeTrouble(Trouble.GONE, what, hint=hint)
        wanted = [*lines, *([] if known else [f"{_ID}{found.id}"])]
        if _name(found.name) not in lines:
            wanted.append(_name(found.name))  # so that the configuration may call it so
        if wanted != lines:
            self._write(wanted)

    def _lines(self) -> list[str]:
        return self._file.read_text(encoding="utf-8").split() if self._file.is_file() else []

    def _write(self, lines: list[str]) -> None:
        self._file.write_text("\n".join(lines), encoding="utf-8")


def _name(repo: str) -> str:
    return f"github:{repo}"
