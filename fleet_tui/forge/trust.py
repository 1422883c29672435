"""Whose words count on a forge where anybody may write: one answer for issues, comments, reviews and conversations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

MAY_WRITE = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
"""What GitHub calls those who may write to a repository, or belong to those who own it."""


class Said(Protocol):
    """Something that somebody wrote there."""

    @property
    def author(self) -> str: ...
    @property
    def association(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Trust:
    """``authors`` are the logins in lower case that the configuration names, if any; ``login`` is ours there."""

    authors: frozenset[str]
    login: str

    @classmethod
    def of(cls, authors: Iterable[str], login: str) -> Trust:
        return cls(frozenset(author.lower() for author in authors), login)

    def is_ours(self, said: Said) -> bool:
        """Whether it was written by whom the watcher is logged in as."""
        return bool(said.author) and said.author.lower() == self.login.lower()

    def is_trusted(self, said: Said) -> bool:
        """Whether its author's words count: ours, of who is named or, where nobody is, of who may write there."""
        if self.is_ours(said):
            return True
        if self.authors:
            return said.author.lower() in self.authors
        return said.association in MAY_WRITE
