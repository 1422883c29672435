"""The base of every section of the configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Immutable, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)
