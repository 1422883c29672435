"""The control room in a real terminal: a pane of a private tmux server, read with capture-pane."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence

from tests.e2e.e2e_support import Place


class Room:
    """One program in one pane."""

    def __init__(self, place: Place, argv: Sequence[str], size: tuple[int, int], env: dict[str, str]) -> None:
        self._place = place
        self._server = f"fleet-test-{uuid.uuid4().hex[:12]}"
        said = " ".join(f"{name}={shlex.quote(value)}" for name, value in env.items())
        # What the program leaves behind stays readable, with its exit code below.
        line = f"env {said} {shlex.join(argv)}; echo EXIT-$?; exec cat"
        columns, rows = size
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-s", "room", "-x", str(columns), "-y", str(rows),
            "-c", str(place.repository), line,
        )  # fmt: skip

    def _tmux(self, *words: str) -> str:
        argv = ["tmux", "-u", "-L", self._server, *words]
        done = subprocess.run(argv, env=self._place.env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "room:")

    def keys(self, *names: str) -> None:
        """Press keys by their tmux names."""
        self._tmux("send-keys", "-t", "room:", *names)

    def insist(self, key: str, condition: Callable[[], bool], what: str) -> None:
        """Press ``key`` again until it works: a strip takes no key in its first instants, so that none slips in."""

        def pressed() -> bool:
            if not condition():
                self.keys(key)
            return condition()

        self._place.until(pressed, what)

    def until(self, *texts: str, limit_s: float = 60) -> str:
        """The first screen that shows all of ``texts``."""
        last = [""]

        def shown() -> str | None:
            last[0] = self.screen()
            return last[0] if all(text in last[0] for text in texts) else None

        try:
            return self._place.until(shown, f"{texts} on the screen", limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- the screen:\n{last[0]}") from None

    def close(self) -> None:
        argv = ["tmux", "-L", self._server, "kill-server"]
        subprocess.run(argv, env=self._place.env, capture_output=True, timeout=60, check=False)


@contextlib.contextmanager
def room(
    place: Place, *words: str, size: tuple[int, int] = (120, 40), env: dict[str, str] | None = None
) -> Iterator[Room]:
    """``fleet WORDS`` in a terminal of its own, ended afterwards."""
    opened = Room(place, place.argv(*words), size, env or {})
    try:
        yield opened
    finally:
        opened.close()
