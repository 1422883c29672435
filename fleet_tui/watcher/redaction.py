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
_WINDOW, _STEP = 2_000, 1_000
"""Characters. A shape of up to ``_WINDOW - _STEP`` lies whole in one of the windows, wherever it begins."""
_SHORTEST = 16
_REST = re.compile(r"[A-Za-z0-9_.+/=\-]*")
"""What a token that a window cut off, or that is matched as short as possible, goes on with."""
_LAZY = "JSON Web Token"
Span = tuple[int, int, str]


def redact(text: str) -> str:
    """``text`` with every known shape of a credential replaced by its kind; idempotent.

    Some of the shapes take quadratic time: the maintained ones look at the text in windows, which overlap.
    """
    if len(text) < _SHORTEST:
        return text
    for kind, pattern in _OWN_PATTERNS:
        text = pattern.sub(f"[redacted: {kind}]", text)
    return _replaced(text, sorted(_spans(text), key=lambda span: (span[0], -span[1])))


def _spans(text: str) -> Iterator[Span]:
    """Where the maintained shapes are; a place may be named by several, and twice."""
    for at in range(0, max(1, len(text) - _STEP), _STEP):
        end = min(len(text), at + _WINDOW)
        for kind, pattern in _maintained():
            for match in pattern.finditer(text, at, end):
                cut = match.end() == end < len(text)
                if cut and match.start() >= at + _STEP:
                    continue  # the next window sees it whole, and whether it is one at all
                rest = _REST.match(text, match.end()) if cut or kind == _LAZY else None
                yield match.start(), rest.end() if rest else match.end(), kind


def _replaced(text: str, spans: list[Span]) -> str:
    """``text`` with every span, in order, replaced by its kind; spans that overlap are one, named after the first."""
    parts, done, after = [], 0, -1
    for start, end, kind in spans:
        if start >= after:
            parts += [text[done:start], f"[redacted: {kind}]"]
        done = after = max(after, end)
    return "".join([*parts, text[done:]])


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
