#!/usr/bin/env bash
# Writes the lock files anew from pyproject.toml: newest versions allowed, every file's hash, for every platform and
# Python from 3.11 on, and no address. The resolver is a tool of its own, beside the product's environment.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -x .tools/bin/uv ] || { .venv/bin/python -m venv .tools && .tools/bin/python -m pip --quiet install uv; }

write() {
  local lock=$1
  shift
  .tools/bin/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --no-header "$@" --output-file "$lock.new"
  {
    # shellcheck disable=SC2016
    echo '# Locked with hashes for Python 3.11 and newer. Made by `make lock` from pyproject.toml; do not edit.'
    cat "$lock.new"
  } >"$lock"
  rm "$lock.new"
}

write requirements-dev.lock pyproject.toml --group dev
# What runs in production is exactly what was tested.
write requirements.lock pyproject.toml --group build --constraints <(sed -E '/^#/d; / --hash/d; s/ \\$//; s/^    --hash.*//' requirements-dev.lock)
write requirements-node.lock --group node
