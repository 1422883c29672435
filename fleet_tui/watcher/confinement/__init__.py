"""What runs held in, and how: agents, and the commands that the watcher runs of a branch."""
