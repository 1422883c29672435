"""Pure decisions: a snapshot in, a decision with its reasons out. No I/O, no clock of its own."""
