"""The ``budgets`` and ``prices`` sections: what may be spent, by whom, in which time; and what tokens cost."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, ValidationInfo, WithJsonSchema, field_validator

from fleet_tui.domain.amounts import MOST, parse_amount
from fleet_tui.domain.spending import FLEET, Rule, Scope
from fleet_tui.settings import fields as f
from fleet_tui.settings.fields import describe, problem
from fleet_tui.settings.section import Section


def _amount(value: Any) -> int | str:
    if isinstance(value, str):
        try:
            parse_amount(value)
        except ValueError as error:
            raise problem(str(error), "write it like 3600, 90m, 500k tokens, $6.00 or 20 turns") from None
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise problem(f"expected an amount, got {describe(value)}", "write it like 3600, 90m, 500k, $6.00 or 20 turns")


Amount = Annotated[
    int | str,
    BeforeValidator(_amount),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST}, {"type": "string"}]}),
]


class OwnBudget(Section):
    """A ceiling on what one agent spends."""

    unit: Literal["seconds", "tokens", "money", "turns"] = Field(
        description="Run time, tokens read and written, micro-dollars, or prompts taken up."
    )
    ceiling: Amount = Field(
        description="How much: a whole number of the unit (of `money`: micro-dollars), or text such as `90m`, `500k`, "
        "`$6.00`."
    )
    window: Literal["total", "week", "day"] = Field(
        "total", description="Counted since the beginning, since Monday, or since midnight (UTC)."
    )
    warn_share: Annotated[float, Strict(), Field(gt=0, le=1)] = Field(
        0.8, description="Share of the ceiling at which a person is warned."
    )
    grace_s: Annotated[f.Number, Field(ge=0, le=3600)] = Field(
        30,
        description="Seconds of run time for a partial report at the ceiling; who gives none is stopped. 0: no report, "
        "held at once.",
    )

    @field_validator("ceiling")
    @classmethod
    def _of_its_unit(cls, ceiling: int | str, info: ValidationInfo) -> int:
        unit = info.data.get("unit")
        given, amount = (None, ceiling) if isinstance(ceiling, int) else parse_amount(ceiling)
        if given is not None and unit is not None and given != unit:
            raise problem(f"an amount of {given} where {unit} are counted", "change the unit or the ceiling")
        if not 1 <= amount <= MOST:
            raise problem("must be above 0 and below 10^15")
        return amount

    def rule_for(self, scope: Scope, name: str) -> Rule:
        assert isinstance(self.ceiling, int)
        return Rule(scope, name, self.unit, self.ceiling, self.window, round(self.warn_share * 1000), self.grace_s)


class BudgetSettings(OwnBudget):
    """A ceiling on what is spent. Every budget that covers a run must have room."""

    scope: Scope = Field(
        description="What is counted together: each run, each ticket, each agent, each role, or the whole fleet."
    )
    name: f.Filled = Field("*", description="Glob on the agent's or role's name or the ticket's number.")

    @property
    def rule(self) -> Rule:
        return self.rule_for(self.scope, FLEET if self.scope == "fleet" else self.name)


_Price = Annotated[f.Number, Field(ge=0, le=10**12)]


class PriceSettings(Section):
    """What a million tokens of a model cost, in micro-dollars."""

    input: _Price = Field(description="Tokens read.")
    output: _Price = Field(description="Tokens written.")
    cache_read: _Price | None = Field(None, description="Tokens read from the cache; empty: as `input`.")
    cache_write: _Price | None = Field(None, description="Tokens put into the cache; empty: as `input`.")
