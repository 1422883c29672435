"""The agents' terminals: the private tmux server, live frames, guarded delivery, and the runner in each pane."""
