#!/usr/bin/env bash
# Makes the calls of WebKit's clients against a server of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh
python3 scripts/clients.py "$url"
