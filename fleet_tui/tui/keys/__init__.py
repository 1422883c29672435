"""The one table of keys: hints, help, palette, docs/keys.md and the user's keymap all come from it."""
