#!/usr/bin/env bash
# Makes .venv and installs exactly what a lock file says, each file checked against its hash.
#   tools/install_python.sh LOCK...
# Environment: PYTHON, the interpreter to build from (otherwise the newest of 3.11 to 3.13 that is found).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if usable "$candidate"; then command -v "$candidate"; return; fi
  done
  say "Casework needs Python 3.11 or newer and found none. Install it, or name it: make run PYTHON=/path/to/python3"
  return 1
}

# Debian keeps ensurepip in a package of its own; without it a virtual environment has no pip.
ensure_venv_module() {
  local python=$1
  "$python" -c 'import ensurepip, venv' 2>/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Installing python3-venv, which this machine lacks."
    DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv </dev/null >/dev/null
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
  fi
  say "This Python has no venv module. On Debian or Ubuntu: sudo apt-get install python3-venv"
  return 1
}

if ! { [ -x .venv/bin/python ] && usable .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
  python=$(find_python)
  ensure_venv_module "$python"
  say "Making .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
pip=(.venv/bin/python -m pip --quiet --no-input)
for lock in "$@"; do
  say "Installing what $lock names"
  # A file address among the links that this machine adds may be missing for a package: pip warns, the hash decides.
  "${pip[@]}" install --require-hashes --no-deps --only-binary :all: -r "$lock" 2> >(grep -v '^WARNING: Location .* is ignored' >&2)
done
"${pip[@]}" install --no-build-isolation --no-deps --editable .
