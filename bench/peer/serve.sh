#!/usr/bin/env bash
# Starts resultsdbpy from PyPI on a port: bench/peer/serve.sh PORT
set -euo pipefail
cd "$(dirname "$0")/../.."
VERSION=3.1.10
tools=target/tools/resultsdbpy-$VERSION
if [ ! -e "$tools/ready" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "resultsdbpy==$VERSION"
  touch "$tools/ready"
fi
exec "$tools/bin/python" -W ignore bench/peer/serve.py "$1"
