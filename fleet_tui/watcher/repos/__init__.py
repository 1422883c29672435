"""The repositories that work lands in: opened, looked at, followed, and the person's checkout of each."""
