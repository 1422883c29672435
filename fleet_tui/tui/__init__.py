"""The control room: screens over the read model. It reads, draws and sends commands; it decides nothing."""
