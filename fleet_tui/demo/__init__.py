"""The demo: a real repository, real tickets, real processes, and (headless) a person who decides."""
