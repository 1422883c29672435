"""Git settings as the text of a config file: one write instead of one process per key, safe for any value."""

from __future__ import annotations

from collections.abc import Mapping

_ESCAPES = {"\\": "\\\\", '"': '\\"'}
_CONTROLS = {"\n": "\\n", "\t": "\\t", "\b": "\\b"}


def config_text(settings: Mapping[str, str]) -> str:
    """``{"branch.x.remote": "origin"}`` as ``[branch "x"]`` with ``remote = "origin"``.

    Section and key are ours; the part between (a branch name, say) and the values may be anything without NUL or, in
    the middle part, a line break.
    """
    return "".join(_entry(name, value) for name, value in settings.items())


def _entry(name: str, value: str) -> str:
    section, _, rest = name.partition(".")
    middle, _, key = rest.rpartition(".")
    header = f'[{section} "{_escape(middle, _ESCAPES)}"]' if middle else f"[{section}]"
    return f'{header}\n\t{key} = "{_escape(value, _ESCAPES | _CONTROLS)}"\n'


def _escape(text: str, table: Mapping[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)
