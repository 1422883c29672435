"""No known shape of a credential survives redaction, wherever in however long a text it stands."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_tui.watcher.redaction import redact
from tests.examples import tried

# In pieces, so that nobody's scanner takes this file for a leak.
SECRETS = {
    "AWS Access Key": "AKIA" + "IOSFODNN7EXAMPLE",
    "AWS Secret Key": "aws_secret_access_key=" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "Azure Storage Account access key": "AccountKey=" + "a1B2" * 22,
    "Basic Auth Credentials": "https://kim:" + "hunter2secret@example.org/x",
    "Discord Bot Token": "M" + "a1" * 12 + "." + "b2" * 3 + "." + "c3" * 13 + "d",
    "Docker Token": "dckr_pat_" + "a1B2" * 7,
    "GitHub Token": "ghp_" + "a1B2" * 9,
    "GitLab Token": "glpat-" + "a1B2" * 5,
    "Google Key": "AIza" + "a1B2c" * 7,
    "Hugging Face Token": "hf_" + "a1B2" * 9,
    "Anthropic Key": "sk-ant-" + "api03-" + "x" * 90,
    "OpenAI Token": "sk-" + "a1B2" * 5 + "T3BlbkFJ" + "a1B2" * 5,
    "OpenAI Project Key": "sk-proj-" + "a1B2" * 30,
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxIn0" + "a1B2" * 150 + ".abcDEF123",
    "Mailchimp Access Key": "0a1b2c3d" * 4 + "-us12",
    "NPM tokens": "npm_" + "a1B2" * 9,
    "PyPI Token": "pypi-" + "AgEIcHlwaS5vcmc" + "a1B2" * 40,
    "Private Key": "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEabcd\n" * 40 + "-----END RSA PRIVATE KEY-----",
    "SendGrid API Key": "SG." + "a1" * 11 + "." + "b2" * 21 + "c",
    "Slack Token": "xoxb-" + "12345-67890-" + "a1b2c3",
    "Square OAuth Secret": "sq0csp-" + "a1B2c3d" * 6 + "e",
    "Stripe Access Key": "sk_live_" + "a1B2" * 6,
    "Telegram Bot Token": "123456789:" + "a1B2c" * 7,
    "Twilio API Key": "AC" + "0a1b2c3d" * 4,
}
FILLINGS = (";", "a;", "lorem ipsum, ", "line of text\n", "\t{},", "über-")


@given(
    kind=st.sampled_from(sorted(SECRETS)),
    filling=st.sampled_from(FILLINGS),
    before=st.integers(0, 4_500),
    after=st.integers(0, 4_500),
)
@tried(300)
def test_a_secret_is_found_at_any_place_of_a_long_text(kind: str, filling: str, before: int, after: int) -> None:
    secret = SECRETS[kind]
    ahead, behind = (filling * before)[:before] + ";", ";" + (filling * after)[:after]
    found = redact(ahead + secret + behind)
    assert f"[redacted: {kind}]" in found
    assert secret not in found
    # Nor is a half of it left, as a window that ends within it would leave.
    assert secret[-12:] not in found.removesuffix(behind) or kind == "Basic Auth Credentials"
    assert found.startswith(ahead[:-30]) or kind == "Basic Auth Credentials"
    assert found.endswith(behind)
    assert redact(found) == found


@pytest.mark.parametrize("offset", range(1_900, 2_010, 5))
@pytest.mark.parametrize("kind", ["GitHub Token", "JSON Web Token", "GitLab Token"])
def test_a_secret_across_the_edge_of_a_window_is_found(kind: str, offset: int) -> None:
    assert redact(";" * offset + SECRETS[kind] + ";" * 3_000) == ";" * offset + f"[redacted: {kind}]" + ";" * 3_000


def test_two_secrets_side_by_side_are_both_taken_out() -> None:
    text = f"{SECRETS['GitHub Token']} {SECRETS['AWS Access Key']},{SECRETS['Stripe Access Key']}"
    assert redact(text) == "[redacted: GitHub Token] [redacted: AWS Access Key],[redacted: Stripe Access Key]"


def test_everyday_text_of_any_length_is_left_alone() -> None:
    text = "commit 3f9c1e2a7b6d5c4e see https://example.org/a?b=c a@b.example: AC/DC\n" * 500
    assert redact(text) == text


@pytest.mark.parametrize("unit", ["eyJ", "://a:", "sk-", "//", "aws", "xoxb-1-", "A"])
def test_a_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    """Twice the text may take twice the time, give or take, and not four times."""

    def took_s(size: int) -> float:
        text = (unit * size)[:size]
        runs = []
        for _ in range(3):
            begun_s = time.process_time()
            redact(text)
            runs.append(time.process_time() - begun_s)
        return min(runs)

    assert took_s(64_000) < 3 * took_s(32_000) + 0.05
