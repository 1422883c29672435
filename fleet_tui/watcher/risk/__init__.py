"""What risk is computed from, as found: diffs, credentials, what the log says of an agent, working trees."""
