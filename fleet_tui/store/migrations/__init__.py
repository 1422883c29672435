"""Numbered, forward-only schema changes; each module has ``up(connection)``. Frozen once released."""
