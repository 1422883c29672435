"""`y`: a menu of what can be copied here; the next key copies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on

from fleet_tui.tui.keys.key import Here
from fleet_tui.tui.lending import lend
from fleet_tui.tui.pager import page
from fleet_tui.tui.present.copying import About, Offer, choices, of_selection, offer, unique
from fleet_tui.tui.screens.places import Places
from fleet_widgets.key_menu import KeyMenu


class Copies(Places):
    """What is copied is what was there when the menu was opened, whatever moves meanwhile."""

    page_of: ClassVar[str] = ""
    """The key of that among `copies` which the pager shows."""

    def __init__(self) -> None:
        super().__init__()
        self._offers: tuple[Offer, ...] = ()

    def here(self) -> Here:
        """What is selected."""
        raise NotImplementedError

    def copies(self) -> Iterable[Offer]:
        """What can be copied of this screen besides what follows from the selection."""
        return ()

    def about(self, here: Here) -> About:
        """The selected agent's run and pull request."""
        tile, reader, program = here.tile, self.room.reader(), self.room.context.program
        if tile is None or reader is None:
            return About(program)
        run = tile.run or (tile.last.id if tile.last is not None else None)
        number = tile.pr or (tile.last.pr if tile.last is not None else None)
        return About(
            program,
            reader.run(run) if run is not None else None,
            reader.pull_request(number) if number is not None else None,
        )

    def as_text(self) -> str:
        """The screen as it stands, row by row."""
        rows = (strip.text.rstrip() for strip in self._compositor.render_strips(self.size))
        return "\n".join(rows).rstrip() + "\n"

    def do_copy_menu(self) -> None:
        here = self.here()
        selected = of_selection(here, self.about(here))
        written = self.room.copier.written
        self._offers = unique((*self.copies(), *selected, *written, offer("s", "screen", self.as_text())))
        self.query_one(KeyMenu).ask("copy", choices(self._offers))

    def paged(self) -> Offer | None:
        """What the pager shows: a name and the text."""
        return next((one for one in self.copies() if one.key == self.page_of), None)

    async def do_text_page(self) -> None:
        what = self.paged()
        if what is None or not what.text.strip():
            self.room.say("e: there is nothing to read here", "quiet")
            return
        await lend(self.room, page(self.room, f"{what.what}.txt", what.text))

    @on(KeyMenu.Chosen)
    def _copy_chosen(self, message: KeyMenu.Chosen) -> None:
        message.stop()
        for one in self._offers:
            if one.key == message.key:
                self.room.say(f"{one.what}: on its way", "quiet")
                self.room.copier.copy(one)

    @on(KeyMenu.Closed)
    def _copy_closed(self, message: KeyMenu.Closed) -> None:
        message.stop()
        why = f": {message.key} is none of the choices" if message.key else ""
        self.room.say(f"nothing was copied{why}", "quiet")
