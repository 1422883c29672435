"""What the watcher says about templates and the agent that is sketched: one thing is asked at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fleet_tui.domain.errors import FleetError, WatcherUnavailable
from fleet_tui.domain.text import NOTHING, SafeText, one_line
from fleet_tui.readmodel import catalogue
from fleet_tui.readmodel.catalogue import Offer, Preview, TemplateDetail
from fleet_tui.readmodel.values import Health

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp

Args = dict[str, Any]


class Offers:
    """Call :meth:`want` again and again: it asks for what is not here. ``changed`` is called when an answer came."""

    def __init__(self, room: RoomApp, changed: Callable[[], None]) -> None:
        self._room = room
        self._changed = changed
        self.offer: Offer | None = None
        self.trouble: SafeText = NOTHING
        """Why the list is not here."""
        self._details: dict[tuple[str, int | None], TemplateDetail] = {}
        self._previews: tuple[Args, Preview | None, SafeText] | None = None
        """The newest answer about an agent: what was asked, and what it would be or why it cannot be."""
        self._asking = False
        self._is_old = True
        """Whether the list is to be asked for."""
        self._failed: object = None
        """The wish that was not answered: not asked for again by itself."""
        self._away: Health | None = None
        """How the watcher was when it did not answer."""

    def again(self) -> None:
        """Everything is asked anew; what is here stays until it is answered."""
        self.trouble, self._failed = NOTHING, None
        self._details.clear()
        self._previews = None
        self._is_old = True

    def detail(self, template: str | None, ticket: int | None) -> TemplateDetail | None:
        return self._details.get((template or "", ticket))

    def preview(self, args: Args | None) -> Preview | None:
        """What an agent made of ``args`` would be; None while that is not known, or it cannot be."""
        return self._previews[1] if self._previews is not None and self._previews[0] == args else None

    def refusal(self, args: Args | None) -> SafeText:
        """Why there cannot be an agent made of ``args``."""
        return self._previews[2] if self._previews is not None and self._previews[0] == args else NOTHING

    def want(self, template: str | None, ticket: int | None, args: Args | None) -> None:
        """Ask for the next thing that is missing: the list, the template, the agent."""
        if self._asking or self._room.why_off:
            return
        self._look_whether_it_is_back()
        wish: tuple[str, str, Args] | None = None
        if self._is_old:
            wish = ("the templates", "templates", {})
        elif template and (template, ticket) not in self._details:
            wish = (f"template {template}", "template", {"template": template, "ticket": ticket})
        elif args is not None and (self._previews is None or self._previews[0] != args):
            wish = (f"what {args['agent'] or 'it'} would be", "preview_agent", args)
        if wish is not None and wish != self._failed:
            self._asking = True
            self._room.run_worker(self._ask(*wish), group="offers", exit_on_error=False)

    def _look_whether_it_is_back(self) -> None:
        """What failed because the watcher was away is asked again as soon as it is well."""
        health = self._room.picture.health
        if self._away is not None and health is not self._away and health.missed == 0:
            self._failed, self._away, self.trouble = None, None, NOTHING
            if self._previews is not None and self._previews[1] is None:
                self._previews = None

    async def _ask(self, words: str, op: str, args: Args) -> None:
        try:
            answer = await self._room.errands.ask(words, op, args)
        except FleetError as error:
            self._fail((words, op, args), error)
        else:
            self._take(op, args, answer)
        finally:
            self._asking = False
        self._changed()

    def _take(self, op: str, args: Args, answer: Args) -> None:
        if op == "templates":
            self.offer, self.trouble, self._is_old = catalogue.offer(answer), NOTHING, False
        elif op == "template":
            self._details[(args["template"], args["ticket"])] = catalogue.detail(answer)
        else:
            self._previews = (args, catalogue.preview(answer), NOTHING)

    def _fail(self, wish: tuple[str, str, Args], error: FleetError) -> None:
        self._away = self._room.picture.health if isinstance(error, WatcherUnavailable) else None
        told = one_line(f"{error.title}: {error.message}" + (f" ({error.hint})" if error.hint else ""), 400)
        if wish[1] == "preview_agent":
            self._previews = (wish[2], None, told)
        else:
            self._failed, self.trouble = wish, told
