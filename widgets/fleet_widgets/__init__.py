"""Reusable Textual widgets of a terminal control room: value types in, messages out, nothing known of fleets."""
