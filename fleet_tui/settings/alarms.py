"""The ``alarms`` section: what each alarm means for whoever must answer it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fleet_tui.settings import fields as f
from fleet_tui.settings.section import Section


class AlarmSettings(Section):
    """One kind of alarm. The one expected response is told with each alarm, since it names what it is about."""

    consequence: f.Filled = Field(description="What happens when nobody answers.")
    respond_within_s: Annotated[f.Number, Field(ge=1, le=30 * 86_400)] = Field(description="How long that may take.")
