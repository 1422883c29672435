"""Where tickets and pull requests live: the protocol and the local forge of files."""
