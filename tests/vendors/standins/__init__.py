"""Model servers on loopback that answer from a script, for trials of the vendors' real programs without any network."""
