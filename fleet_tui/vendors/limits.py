"""When a usage limit is over, read from what vendors say of it in words; what is not understood is unknown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

FURTHEST_NS = 8 * 24 * 3600 * 1_000_000_000
"""No vendor's limit lasts longer: what claims to is not believed."""
_SECOND = 1_000_000_000
_JUST_OVER = timedelta(minutes=30)
"""A time of day that was this long ago is meant to be today's, not tomorrow's."""
_EPOCH = re.compile(r"\|(\d{10})\b")
_AFTER = re.compile(
    r"(?:try again|resets?|retry)\D{0,12}?\bin ((?:\d{1,5} ?(?:d|h|m|s)[a-z]*[ ,and]*)+)", re.IGNORECASE
)
_PART = re.compile(r"(\d{1,5}) ?([dhms])", re.IGNORECASE)
_SIZES = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_AT = re.compile(
    r"(?:resets?|try again)(?: at| on)? (?:(?P<month>[A-Z][a-z]{2})[a-z]* (?P<day>\d{1,2})(?:st|nd|rd|th)?,?"
    r"(?: (?P<year>\d{4}),?)?(?: at)? )?(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>[ap]m)"
    r"(?: \((?P<zone>[A-Za-z_]{2,30}(?:/[A-Za-z_+\-0-9]{1,30}){0,2})\))?",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def believed(reset_ns: int | None, now_ns: int) -> int | None:
    """``reset_ns``, if it can be one."""
    return reset_ns if reset_ns is not None and now_ns - FURTHEST_NS < reset_ns <= now_ns + FURTHEST_NS else None


def reset_ns(text: str, said_ns: int) -> int | None:
    """The instant (ns UTC) at which ``text``, said at ``said_ns``, says that the limit is over; None: it does not.

    ``resets 2pm (Europe/Paris)``, ``try again at Nov 28th, 2026 9:25 AM``, ``try again in 3 hours 5 minutes``,
    ``|EPOCH``. Without a zone the time is this machine's.
    """
    for read in (_epoch, _after, _at):
        try:
            found = read(text[:2_000], said_ns)
        except (ValueError, OverflowError, OSError, LookupError):  # the 31st of February, a zone that does not exist
            found = None
        if found is not None:
            return believed(found, said_ns)
    return None


def _epoch(text: str, _said_ns: int) -> int | None:
    found = _EPOCH.search(text)
    return int(found[1]) * _SECOND if found else None


def _after(text: str, said_ns: int) -> int | None:
    found = _AFTER.search(text)
    if found is None:
        return None
    seconds = sum(int(number) * _SIZES[unit.lower()] for number, unit in _PART.findall(found[1]))
    return said_ns + seconds * _SECOND if seconds else None


def _at(text: str, said_ns: int) -> int | None:
    found = _AT.search(text)
    if found is None:
        return None
    zone = ZoneInfo(found["zone"]) if found["zone"] else None
    said = datetime.fromtimestamp(said_ns // _SECOND, UTC).astimezone(zone)
    hour = int(found["hour"]) % 12 + (12 if found["half"].lower() == "pm" else 0)
    at = said.replace(hour=hour, minute=int(found["minute"] or 0), second=0, microsecond=0)
    if found["month"] is None:
        if at < said - _JUST_OVER:
            at += timedelta(days=1)
    else:
        month = _MONTHS.index(found["month"].lower()) + 1
        year = int(found["year"]) if found["year"] else said.year + (month < said.month)
        at = at.replace(year=year, month=month, day=int(found["day"]))
    if found["minute"]:
        at += timedelta(minutes=1)  # the seconds were cut off, and nobody is to go on too early
    return int(at.timestamp()) * _SECOND
