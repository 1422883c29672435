"""Structural work on the server by libtmux: rare, in a thread, with a time limit. Import it late: libtmux is slow."""

from __future__ import annotations

import subprocess
from typing import Any

from libtmux.common import tmux_cmd
from libtmux.server import Server

from fleet_tui.domain.errors import FleetError
from fleet_tui.tmux.command import LIMIT_S, environment


class TimedCommand(tmux_cmd):
    """libtmux's command with a time limit and our environment; libtmux itself waits for ever on a stuck server."""

    def __init__(self, *args: Any, tmux_bin: str | None = None) -> None:
        self.cmd = [tmux_bin or "tmux", *(str(argument) for argument in args)]
        try:
            done = subprocess.run(
                self.cmd,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT_S,
                env=environment(),
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FleetError(
                "tmux does not answer", f"`{args[-1]}` took over {LIMIT_S:g} s", "see `fleet doctor`"
            ) from None
        self.returncode = done.returncode
        self.stdout = done.stdout.decode("utf-8", "backslashreplace").splitlines()
        self.stderr = [line for line in done.stderr.decode("utf-8", "backslashreplace").splitlines() if line]


class PrivateServer(Server):
    """A libtmux server on our own socket and configuration whose every command is a :class:`TimedCommand`."""

    def cmd(self, cmd: str, *args: Any, target: str | int | None = None) -> tmux_cmd:
        place = [f"-L{self.socket_name}", *([f"-f{self.config_file}"] if self.config_file else [])]
        aim = ["-t", str(target)] if target is not None else []
        return TimedCommand("-u", *place, cmd, *aim, *args, tmux_bin=self.tmux_bin)
