"""What is asked of the watcher over its sockets: by agents, by their programs' hooks, and by the operator."""
