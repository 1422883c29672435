"""Slugs for addresses."""

import re


def slugify(text):
    """Lower-case words joined by ``-``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
