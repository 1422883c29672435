"""The programs that agents run: how to start them, how they get their prompt, what their screens mean."""
