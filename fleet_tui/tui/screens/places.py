"""The digits: from any screen to any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual._styles_cache import StylesCache
from textual.screen import Screen

if TYPE_CHECKING:
    from fleet_tui.tui.app import RoomApp


class Places(Screen[None]):
    """One method per place, as the table of keys names them; the place is as it was left."""

    @property
    def room(self) -> RoomApp:
        return cast("RoomApp", self.app)

    def on_unmount(self) -> None:
        # Textual remembers by an lru_cache on a method what is gone, and with it every row that it drew: a megabyte
        # for each screen that was opened and left.
        StylesCache.get_inner_outer.cache_clear()

    async def do_screen_wall(self) -> None:
        """All agents, also from the page of one."""
        await self.room.go("wall")
        while len(self.room.screen_stack) > 1:
            await self.room.pop_screen()

    async def do_screen_approvals(self) -> None:
        await self.room.go("approvals")

    async def do_screen_alarms(self) -> None:
        await self.room.go("alarms")

    async def do_screen_pipeline(self) -> None:
        await self.room.go("pipeline")

    async def do_screen_events(self) -> None:
        await self.room.go("events")

    async def do_screen_budgets(self) -> None:
        await self.room.go("budgets")

    async def do_screen_new(self) -> None:
        await self.room.go("new")

    async def do_screen_system(self) -> None:
        await self.room.go("system")

    async def do_screen_last(self) -> None:
        await self.room.go_back_to_last()
