"""Credentials are taken out of events before they are hashed: what is in the log stays in the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

_MAINTAINED = (
    "aws.AWSKeyDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "jwt.JwtTokenDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "openai.OpenAIDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)
"""Detectors of detect-secrets that go by the shape of a token alone; those that guess from words are for risk."""
_OWN = (
    ("Private Key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END [A-Z0-9 ]*-----|.*)"),
    ("Anthropic Key", r"sk-ant-[A-Za-z0-9_\-]{20,}"),
    ("OpenAI Project Key", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{20,}"),
    ("GitHub Token", r"github_pat_[A-Za-z0-9_]{40,}"),
    ("Google Key", r"AIza[0-9A-Za-z_\-]{35}"),
    ("Google Token", r"ya29\.[0-9A-Za-z_\-]{30,400}"),
    ("Hugging Face Token", r"hf_[0-9A-Za-z]{30,60}"),
    ("NPM tokens", r"npm_[0-9A-Za-z]{36}"),
    ("Docker Token", r"dckr_pat_[0-9A-Za-z_\-]{20,60}"),
    ("AWS Secret Key", r"(?i:aws_secret_access_key)\s{0,3}[=:]\s{0,3}[\"']?[0-9A-Za-z/+]{40}"),
    ("Bearer Token", r"(?i:authorization:\s{0,3}bearer)\s{1,3}[0-9A-Za-z._~+/\-]{16,2000}=*"),
)
_OWN_PATTERNS = tuple((kind, re.compile(pattern, re.DOTALL)) for kind, pattern in _OWN)
_WINDOW = 2_000
"""Characters; a maintained shape that crosses the edge of one is missed."""
_SHORTEST = 16


def redact(text: str) -> str:
    """``text`` with every known shape of a credential replaced by its kind; idempotent.

    Some of the shapes take quadratic time: long words, in which alone that matters, are looked at in windows.
    """
    if len(text) < _SHORTEST:
        return text
    for kind, pattern in _OWN_PATTERNS:
        text = pattern.sub(f"[redacted: {kind}]", text)
    return "".join(_redact_part(part) for part in _parts(text))


def _redact_part(part: str) -> str:
    for kind, pattern in _maintained():
        part = pattern.sub(f"[redacted: {kind}]", part)
    return part


def _parts(text: str) -> Iterator[str]:
    """``text`` in pieces of at most some thousand characters, cut at blanks where there are any."""
    at = 0
    while at < len(text):
        end = at + _WINDOW
        if end < len(text):
            blank = max(text.rfind(" ", at, end), text.rfind("\n", at, end))
            end = blank + 1 if blank > at else end
        yield text[at:end]
        at = end


def credentials(text: str) -> Iterator[tuple[str, str]]:
    """Every known shape of a credential in ``text``, which is short: its kind, and the credential itself."""
    for kind, pattern in (*_OWN_PATTERNS, *_maintained()):
        for match in pattern.finditer(text):
            yield kind, match.group()


@cache
def _maintained() -> tuple[tuple[str, re.Pattern[str]], ...]:
    from importlib import import_module

    patterns: list[tuple[str, re.Pattern[str]]] = []
    for name in _MAINTAINED:
        module, _, detector = name.partition(".")
        found = getattr(import_module(f"detect_secrets.plugins.{module}"), detector)()
        patterns += [(found.secret_type, re.compile(shape)) for shape in found.denylist]
    return tuple(patterns)
