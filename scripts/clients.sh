#!/usr/bin/env bash
# Makes the calls of WebKit's clients against servers of its own: one that asks nobody, and one that asks uploaders for a key.
set -euo pipefail
cd "$(dirname "$0")/.."
(. scripts/server.sh && python3 scripts/clients.py "$url")

keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
key=$(target/release/resultsdb keys create --name clients --scope upload 2>"$keys/entry")
{
  cat examples/webkit.toml
  printf '\n[access]\nreading = "open"\n'
  sed -n '/^\[\[access.keys\]\]/,$p' "$keys/entry"
} >"$keys/config.toml"
(CONFIG=$keys/config.toml && . scripts/server.sh && API_KEY=$key python3 scripts/clients.py "$url")
