#!/usr/bin/env bash
# Prints the path of a Chromium or Chrome for the browser tests, after installing one where that is possible.
# Environment: CHROMIUM_PATH, the browser to use.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

find_browser() {
  local name
  if [ -n "${CHROMIUM_PATH:-}" ]; then
    [ -x "$CHROMIUM_PATH" ] && { printf '%s\n' "$CHROMIUM_PATH"; return; }
    say "CHROMIUM_PATH names $CHROMIUM_PATH, which cannot be run."
    exit 1
  fi
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return
  done
  return 1
}

find_browser && exit
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "Installing Chromium for the browser tests"
  DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core </dev/null >/dev/null
  find_browser && exit
fi
say "The browser tests need Chromium or Chrome: install it (Debian: sudo apt-get install chromium), or name it in CHROMIUM_PATH."
exit 1
