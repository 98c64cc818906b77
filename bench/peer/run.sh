#!/usr/bin/env bash
# Runs what uses resultsdbpy from PyPI: bench/peer/run.sh serve PORT, or bench/peer/run.sh front PORT URL;
# bench/peer/run.sh install only fetches it
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
[ "$1" = install ] && exit
exec "$tools/bin/python" -W ignore "bench/peer/$1.py" "${@:2}"
