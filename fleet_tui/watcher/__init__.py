"""The only writer: compares what should be with what is, closes the difference, and records all of it."""
