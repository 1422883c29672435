"""``fleet plan``: the advice about a ticket of a real repository with a history."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fleet_tui.cli.main import fleet
from fleet_tui.domain.errors import FleetError
from tests.cli.conftest import Shop

LONG = "# line\n" * 150
BODY = """We want all of this.

- [ ] Add a monthly report in `src/shop/report.py`
- [ ] Round in `price_of`
- [ ] Retry in mail.py
- [ ] Try it in tests/test_mail.py
"""


def git(repository: Path, *words: str) -> None:
    who = ["-c", "user.name=p", "-c", "user.email=p@example.com", "-c", "core.hooksPath=/dev/null"]
    subprocess.run(["git", *who, *words], cwd=repository, check=True, capture_output=True)


@pytest.fixture
def project(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(shop.repository)
    git(shop.repository, "init", "--quiet")
    files = {
        "src/shop/prices.py": f"def price_of(x):\n    return x\n{LONG}",
        "src/shop/report.py": f"from shop.prices import price_of\n{LONG}",
        "src/shop/mail.py": LONG,
        "tests/test_mail.py": "",
    }
    for name, text in files.items():
        path = shop.repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        git(shop.repository, "add", name)
        git(shop.repository, "commit", "--quiet", "-m", name)
    for n in range(3):
        for name in ("src/shop/mail.py", "tests/test_mail.py"):
            (shop.repository / name).write_text(f"{LONG}# {n}\n")
        git(shop.repository, "commit", "--quiet", "-a", "-m", f"mail {n}")
    return shop.repository


def run(*words: str) -> Result:
    return CliRunner().invoke(fleet, words)


def ticket(title: str, body: str) -> str:
    return str(json.loads(run("ticket", "new", title, "--body", body, "--json").output)["number"])


def test_a_ticket_decomposes_by_history_and_imports(project: Path) -> None:
    told = json.loads(run("plan", ticket("Money and mail", BODY), "--json").output)
    assert told["decomposes"] is True
    scopes = [(part["scope"], part["after"]) for part in told["parts"]]
    assert scopes == [
        (["/src/shop/prices.py"], []),
        (["/src/shop/report.py"], [1]),
        (["/src/shop/mail.py", "/tests/test_mail.py"], []),
    ]
    assert told["reasons"] == [
        "tasks 3 and 4 stay together: src/shop/mail.py and tests/test_mail.py changed together in 3 of 4 commits",
        "part 2 comes after part 1: src/shop/report.py imports src/shop/prices.py",
    ]


def test_people_are_told_the_same(project: Path) -> None:
    out = run("plan", f"#{ticket('Money and mail', BODY)}").output
    assert "Money and mail: 3 parts" in out
    assert "  - tasks 3 and 4 stay together" in out
    assert "2. Add a monthly report in src/shop/report.py   after part 1\n   scope /src/shop/report.py" in out
    assert "    | We want all of this." in out


def test_one_agent_and_why(project: Path) -> None:
    number = ticket("Small", "- [ ] Round `price_of`\n- [ ] Look at prices.py")
    assert json.loads(run("plan", number, "--json").output)["parts"] == []
    assert "one agent is better\n  - small: all that it names has 152 lines" in run("plan", number).output


def test_the_configuration_decides(project: Path, shop: Shop) -> None:
    shop.configure("version: 1\nfanout: {coupled_times: 9, small_lines: 0}\n")
    assert len(json.loads(run("plan", ticket("Money", BODY), "--json").output)["parts"]) == 4


def test_foreign_text_neither_steers_the_terminal_nor_passes_for_ours(project: Path) -> None:
    body = "- [ ] \x1b]0;x\x07mail.py \x1b[2J `$(touch pwned)`\n- [ ] prices.py\n\nfine\n1. No\n   scope /\n"
    number = ticket("T", "x")
    path = next((project / ".fleet/tickets").glob("*.md"))
    path.write_text(path.read_text().replace("\nx\n", f"\n{body}"))
    out = run("plan", number).output
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "    | 1. No" in out
    assert "\n1. No" not in out
    assert not (project / "pwned").exists()


def test_there_is_no_such_ticket_and_one_that_cannot_be_read(project: Path) -> None:
    assert isinstance(run("plan", "7").exception, FleetError)
    (project / ".fleet/tickets").mkdir(exist_ok=True)
    (project / ".fleet/tickets/0007-x.md").write_text("nothing")
    error = run("plan", "7").exception
    assert isinstance(error, FleetError)
    assert error.title == "the ticket cannot be read"


ACROSS = """Both must know pages.

- [ ] api: return pages from `/items`
- [ ] api: tell of the next page
- [ ] home: show a page at a time
"""


def test_tasks_of_several_repositories_are_a_part_for_each(project: Path, shop: Shop) -> None:
    (project.parent / "api").mkdir()
    shop.configure("version: 1\nrepos: {api: {path: ../api}}\n")
    told = json.loads(run("plan", ticket("Pages", ACROSS), "--json").output)
    parts = [(part["repo"], part["title"], part["after"], part["scope"]) for part in told["parts"]]
    assert parts == [
        ("api", "return pages from /items (and 1 more)", [], []),
        ("home", "show a page at a time", [1], []),
    ]
    assert all("Both must know pages." in part["body"] for part in told["parts"])
    assert "   repository api\n    | return pages" in run("plan", "1").output


def test_without_repositories_such_words_mean_nothing(project: Path) -> None:
    assert json.loads(run("plan", ticket("Pages", ACROSS), "--json").output)["parts"] == []
