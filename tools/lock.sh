#!/bin/sh
# Write requirements.lock anew: every package that running, testing and building needs, with versions and hashes, for
# every supported Python on Linux and macOS. Versions already in the lock are kept unless UPGRADE=1.
set -eu

UV_VERSION=0.13.8
PYTHON="${1:?usage: lock.sh PYTHON}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

"$PYTHON" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"

# uv does not read pip's configuration; without this, the lock would be made from another index than the installation.
index="$("$PYTHON" -m pip config get global.index-url 2>/dev/null || true)"
[ -z "$index" ] || export UV_DEFAULT_INDEX="$index"

[ "${UPGRADE:-}" = 1 ] || cp requirements.lock "$work/lock" 2>/dev/null || true
"$work/venv/bin/uv" pip compile --quiet --system-certs --universal --python-version 3.11 --extra dev \
    --generate-hashes --no-header --no-emit-index-url --no-emit-find-links pyproject.toml --output-file "$work/lock"
{
    echo "# Everything that running, testing and building fleet installs. Made by \`make lock\`; do not edit."
    echo "# Holds no addresses: packages come from wherever pip is configured to look, and the hashes must match."
    cat "$work/lock"
} | awk 'NR <= 2 || !/^# (Everything that running|Holds no addresses)/' >"$work/new"
mv "$work/new" requirements.lock
