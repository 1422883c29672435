"""Pure functions from events to rows, by noun. See :mod:`fleet_tui.store.projections.registry`."""
