"""What a person does through the watcher: approve, extend, stop, release, divide, make and change agents."""
