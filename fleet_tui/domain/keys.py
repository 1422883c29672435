"""The names of keys as tmux takes them."""

from __future__ import annotations

import re

KEY_NAME = re.compile(
    r"(?:[CMS]-){0,3}(?:[A-Za-z0-9]|Enter|Escape|Tab|BTab|Space|BSpace|Up|Down|Left|Right|Home|End|PPage|NPage|IC|DC|F\d{1,2})\Z"
)
