"""Errors that a person reads: what happened, where, and what to do."""

from __future__ import annotations


class FleetError(Exception):
    """A failure with a title, a message and a hint; the command line exits with ``exit_code``.

    Exit codes: 1 failure, 2 usage, 3 done for some of several only, 78 set-up.
    """

    exit_code = 1

    def __init__(self, title: str, message: str = "", hint: str = "") -> None:
        super().__init__(title, message, hint)
        self.title = title
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.title}: {self.message}" if self.message else self.title
        return f"{text}\n  try: {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, str]:
        """The form that travels over the bus."""
        return {"error": type(self).__name__, "title": self.title, "message": self.message, "hint": self.hint}


class UsageError(FleetError):
    """The command was called wrongly."""

    exit_code = 2


class SetupError(FleetError):
    """What a person set up does not allow it (configuration, directories, a missing program): trying again is in vain.

    The code is that of ``sysexits.h`` for configuration errors; supervisors know by it that a restart mends nothing.
    """

    exit_code = 78


class Refused(FleetError):
    """Policy does not allow the act for this caller."""


class WatcherUnavailable(FleetError):
    """Nobody answers on the watcher's socket."""


class Unanswered(WatcherUnavailable):
    """It was asked and did not answer: whether it did what was asked is not known, and the log may tell."""


class Uncertain(FleetError):
    """Nobody said whether what was attempted has happened: look, and repeat nothing blindly."""


class Partly(FleetError):
    """Of an act on several, some were done and others not."""

    exit_code = 3


class Conflict(FleetError):
    """What the act was bound to has changed meanwhile."""


class NothingToDo(Conflict):
    """It is like that already: of one an error, of one among many none."""
