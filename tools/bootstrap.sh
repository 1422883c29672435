#!/bin/sh
# Set up what lies outside Python packages: git, tmux 3.2 or newer, and a virtual environment in the directory given.
#
#     sh tools/bootstrap.sh .venv
#     sh tools/bootstrap.sh --npm      only npm, for `make vendors`
#
# A missing program is installed with the system's package manager when that needs no password; otherwise the script says
# exactly what to type and stops. FLEET_NO_INSTALL=1 makes it never install anything.
set -eu

TMUX_MINIMUM="3.2"
VENV="${1:?usage: bootstrap.sh VENV_DIRECTORY}"

say() { printf 'fleet setup: %s\n' "$*"; }

fail() {
    printf 'fleet setup: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

package_manager() {
    for manager in brew apt-get dnf pacman apk; do
        if have "$manager"; then
            printf '%s\n' "$manager"
            return
        fi
    done
}

# The command that installs the packages named, without the privilege prefix.
install_command() {
    case "$(package_manager)" in
        brew) printf 'brew install %s\n' "$*" ;;
        apt-get) printf 'apt-get install -y --no-install-recommends %s\n' "$*" ;;
        dnf) printf 'dnf install -y %s\n' "$*" ;;
        pacman) printf 'pacman -S --noconfirm --needed %s\n' "$*" ;;
        apk) printf 'apk add %s\n' "$*" ;;
        *) return 1 ;;
    esac
}

# "" when no prefix is needed, "sudo -n" when that works without a password, "no" when neither.
privilege() {
    if [ "$(package_manager)" = brew ] || [ "$(id -u)" -eq 0 ]; then
        printf '\n'
    elif have sudo && sudo -n true 2>/dev/null; then
        printf 'sudo -n\n'
    else
        printf 'no\n'
    fi
}

install() {
    reason="$1"
    shift
    command_line="$(install_command "$@")" ||
        fail "$reason, and no package manager that this script knows was found." "Install: $*" "Then run make again."
    prefix="$(privilege)"
    typed="$command_line"
    [ "$(package_manager)" = brew ] || [ "$(id -u)" -eq 0 ] || typed="sudo $command_line"
    if [ "${FLEET_NO_INSTALL:-}" = 1 ] || [ "$prefix" = no ]; then
        fail "$reason. Type:" "$typed" "and run make again."
    fi
    say "$reason; installing with: ${prefix:+$prefix }$command_line"
    # Words of our own making only, split on purpose: the prefix and the command hold no user input.
    # shellcheck disable=SC2086
    if [ "$(package_manager)" = apt-get ]; then
        $prefix env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
        $prefix env DEBIAN_FRONTEND=noninteractive $command_line </dev/null || fail "that failed. Type:" "$typed"
    else
        $prefix $command_line </dev/null || fail "that failed. Type:" "$typed"
    fi
}

# Whether version $1 (such as 3.3a, next-3.4, openbsd-7.4) is at least $2 (major.minor).
at_least() {
    numbers="$(printf '%s' "$1" | sed -n 's/[^0-9]*\([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2/p')"
    [ -n "$numbers" ] || return 1
    # shellcheck disable=SC2086
    set -- $numbers "${2%%.*}" "${2#*.}"
    [ "$1" -gt "$3" ] || { [ "$1" -eq "$3" ] && [ "$2" -ge "$4" ]; }
}

ensure_git() {
    have git || install "git was not found" git
    have git || fail "git is still not on PATH after the installation."
}

ensure_tmux() {
    have tmux || install "tmux was not found (fleet needs $TMUX_MINIMUM or newer)" tmux
    have tmux || fail "tmux is still not on PATH after the installation."
    version="$(tmux -V 2>/dev/null)" || version="of an unknown version"
    at_least "$version" "$TMUX_MINIMUM" || fail "found $version at $(command -v tmux), but fleet needs $TMUX_MINIMUM or newer." \
        "Install a newer tmux (Debian 12, Ubuntu 22.04, Fedora 36 and Homebrew have one) and run make again."
}

# offer PROGRAM PACKAGE GOOD WITHOUT: what fleet is better with. Never a reason to stop.
offer() {
    ! have "$1" || return 0
    typed="$(install_command "$2")" || return 0
    prefix="$(privilege)"
    if [ "${FLEET_NO_INSTALL:-}" = 1 ] || [ "$prefix" = no ]; then
        say "$1 was not found; $4. To change that: sudo $typed"
        return 0
    fi
    say "$1 was not found ($3); installing with: ${prefix:+$prefix }$typed"
    # A fresh system knows no packages yet.
    # shellcheck disable=SC2086
    [ "$(package_manager)" != apt-get ] || $prefix apt-get update -qq </dev/null >/dev/null 2>&1 || true
    # shellcheck disable=SC2086
    $prefix $typed </dev/null >/dev/null 2>&1 || say "that failed; $4"
}

offer_bubblewrap() {
    [ "$(uname -s)" != Linux ] || offer bwrap bubblewrap "it isolates agents" "agents will run without a sandbox"
}

offer_ssh_keygen() {
    case "$(package_manager)" in
        apt-get) package=openssh-client ;;
        dnf) package=openssh-clients ;;
        apk) package=openssh-keygen ;;
        *) package=openssh ;;
    esac
    offer ssh-keygen "$package" "it checks approvals by signature" "nobody can approve by signature"
}

offer_gh() {
    case "$(package_manager)" in
        apk | pacman) package=github-cli ;;
        *) package=gh ;;
    esac
    offer gh "$package" "it is how fleet talks to GitHub" "fleet works with local tickets only"
}

python_works() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

python_has_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

# Sets PYTHON to an interpreter that can make virtual environments, or PYTHON_BARE to one that cannot.
find_python() {
    PYTHON='' PYTHON_BARE=''
    for candidate in ${FLEET_PYTHON:-python3.13 python3.12 python3.11 python3}; do
        python_works "$candidate" || continue
        if python_has_venv "$candidate"; then
            PYTHON="$candidate"
            return
        fi
        PYTHON_BARE="${PYTHON_BARE:-$candidate}"
    done
}

python_hint() {
    case "$(package_manager)" in
        brew) printf 'brew install python@3.13\n' ;;
        dnf) printf 'sudo dnf install python3.11\n' ;;
        pacman) printf 'sudo pacman -S python\n' ;;
        apk) printf 'apk add python3\n' ;;
        *) printf 'sudo apt-get install python3 python3-venv     (Debian 12, Ubuntu 24.04 or newer)\n' ;;
    esac
}

# Debian splits the venv module into a package of its own, named after the exact version.
venv_package() {
    version="$("$PYTHON_BARE" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    printf 'python%s-venv\n' "$version"
}

ensure_python() {
    find_python
    if [ -z "$PYTHON" ] && [ -n "$PYTHON_BARE" ]; then
        have apt-get || fail "$PYTHON_BARE cannot make virtual environments (its venv or ensurepip module is missing)." \
            "Install the complete Python 3.11 or newer and run make again."
        install "$PYTHON_BARE has no venv module" "$(venv_package)"
        find_python
    fi
    [ -n "$PYTHON" ] || fail "no Python 3.11 or newer was found (looked for python3.13, python3.12, python3.11, python3)." \
        "Install one, for example:" "$(python_hint)" "or name one: FLEET_PYTHON=/path/to/python3.12 make"
}

ensure_venv() {
    if [ -x "$VENV/bin/python" ] && python_works "$VENV/bin/python" && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    ensure_python
    say "making the virtual environment $VENV with $("$PYTHON" -V 2>&1)"
    "$PYTHON" -m venv --clear "$VENV"
}

ensure_npm() {
    [ "$(package_manager)" = brew ] && package=node || package=npm
    have npm || install "npm was not found (it fetches vendors' programs)" "$package"
    have npm || fail "npm is still not on PATH after the installation."
}

if [ "$VENV" = --npm ]; then
    ensure_npm
    exit
fi
ensure_git
ensure_tmux
offer_bubblewrap
offer_ssh_keygen
offer_gh
ensure_venv
