#!/usr/bin/env bash
# Lints what the migrations do to a PostgreSQL that is in use: no lock that stops everybody, no lost data.
set -euo pipefail
cd "$(dirname "$0")/.."

statements=$(mktemp --suffix=.sql)
trap 'rm -f "$statements"' EXIT
.venv/bin/alembic upgrade head --sql >"$statements" 2>"$statements.log" || { cat "$statements.log" >&2; exit 1; }
rm -f "$statements.log"
[ -s "$statements" ] || { echo "The migrations say nothing in SQL." >&2; exit 1; }
.venv/bin/squawk --config .squawk.toml "$statements"
