"""Credentials are taken out of events before they are hashed: what is in the log stays in the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
)
_SHORTEST = 16


def redact(text: str) -> str:
    """``text`` with every known shape of a credential replaced by its kind; idempotent."""
    if len(text) < _SHORTEST:
        return text
    for kind, pattern in _patterns():
        text = pattern.sub(f"[redacted: {kind}]", text)
    return text


def credentials(text: str) -> Iterator[tuple[str, str]]:
    """Every known shape of a credential in ``text``: its kind, and the credential itself."""
    for kind, pattern in _patterns():
        for match in pattern.finditer(text):
            yield kind, match.group()


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    own = [(kind, re.compile(pattern, re.DOTALL)) for kind, pattern in _OWN]
    return (*own, *_maintained())


def _maintained() -> Iterable[tuple[str, re.Pattern[str]]]:
    from importlib import import_module

    for name in _MAINTAINED:
        module, _, detector = name.partition(".")
        found = getattr(import_module(f"detect_secrets.plugins.{module}"), detector)()
        for pattern in found.denylist:
            yield found.secret_type, re.compile(pattern) if isinstance(pattern, str) else pattern
