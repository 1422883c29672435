"""The watcher's sockets: protocol, identity by the kernel's word, server, clients and the spool."""
