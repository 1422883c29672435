"""The sandbox's command line, and what is said when it cannot be had."""

from __future__ import annotations

from pathlib import Path

from fleet_tui.domain.users import AgentUser
from fleet_tui.tmux import sandbox
from fleet_tui.tmux.sandbox import View

MACHINE = (
    *(Path(path) for path in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc")),
    *sandbox.interpreter(),
)


def words(view: View) -> list[str]:
    return list(sandbox.wrap("bwrap", view, ("true",)))


def mounts(view: View) -> list[tuple[str, str]]:
    """Option and destination of each mount, in order."""
    found, line = [], words(view)
    for at, word in enumerate(line):
        if word in {"--bind", "--ro-bind", "--ro-bind-try"}:
            found.append((word, line[at + 2]))
        elif word in {"--tmpfs", "--proc", "--dev", "--remount-ro"}:
            found.append((word, line[at + 1]))
    return [mount for mount in found if not mount[1].startswith("/proc/")]


def test_more_specific_mounts_come_later_and_hidden_wins_over_shown() -> None:
    view = View(
        Path("/opt/fleet/state/ws"),
        writable=(Path("/opt/fleet/state/ws"),),
        readable=(Path("/opt"), Path("/opt/fleet/state"), Path("/opt/app")),
        hidden_dirs=(Path("/opt/fleet/state"), Path("/srv/nowhere")),
        hidden_files=(Path("/opt/key"),),
    )
    assert mounts(view) == [
        ("--dev", "/dev"),
        ("--ro-bind-try", "/opt"),
        ("--proc", "/proc"),
        ("--tmpfs", "/tmp"),
        ("--ro-bind", "/opt/key"),
        ("--tmpfs", "/opt/fleet/state"),
        ("--bind", "/opt/fleet/state/ws"),
        ("--remount-ro", "/opt/fleet/state"),
        ("--remount-ro", "/"),
    ]


def test_root_keeps_no_capability_and_the_terminal_stays() -> None:
    line = words(View(Path("/w"), (Path("/w"),), ()))
    assert line[1:5] == ["--unshare-user", "--cap-drop", "ALL", "--unshare-pid"]
    assert "--die-with-parent" in line
    assert "--new-session" not in line, "job control would be lost"
    assert "--unshare-net" not in line
    assert "--unshare-net" in words(View(Path("/w"), (), (), network=False))
    assert line[line.index("--chdir") :][:3] == ["--chdir", "/w", "--"]
    assert line[-1] == "true"


def test_what_does_not_start_is_explained(tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    view = View(tmp_path, (tmp_path,), MACHINE)
    assert "does not start" in sandbox.try_out(str(fake), view)
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new \033[31mnamespace' >&2; exit 1\n")
    fake.chmod(0o755)
    assert sandbox.try_out(str(fake), view) == "bubblewrap refuses: bwrap: No permissions to create new namespace"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    assert "no sandbox" in sandbox.try_out(str(fake), view), "one that lets everything through is none"


def test_as_another_user_it_has_only_the_rights_to_become_it_and_ways_that_it_can_go() -> None:
    user = AgentUser(12345, 12346, "other")
    hidden = (Path("/srv/state"),)
    view = View(Path("/srv/state/a/ws"), (Path("/srv/state/a/ws"),), (), hidden, user=user, processes=9, file_bytes=10)
    line = words(view)
    assert "--unshare-user" not in line, "there the other user is not to be had"
    assert [line[at + 1] for at, word in enumerate(line) if word == "--cap-add"] == [
        "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN",
    ]  # fmt: skip
    assert line.index("--cap-drop") < line.index("--cap-add")
    ways = [line[at - 2 : at + 2] for at, word in enumerate(line) if word == "--dir"]
    assert ways == [["--perms", "0755", "--dir", name] for name in ("/srv", "/srv/state", "/srv/state/a")]
    assert line[line.index("--chdir") + 1] == "/", "it may be closed until the user is another"
    assert line[-3:] == ["12345:12346:9:10", "/srv/state/a/ws", "true"]
