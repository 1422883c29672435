"""Guardrails before the act: what an agent is about to do in, allow, deny or ask out. Pure, like all of governance."""
