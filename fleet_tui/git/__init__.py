"""Git without trust: a control repository of our own, workspaces for agents, the merge queue, the user's repository."""
