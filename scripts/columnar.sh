#!/usr/bin/env bash
# Reads answers as Parquet and Arrow with other programs, compares them with the same answers as CSV row by row, and runs the
# recipes of examples/recipes on them. Then exports everything, and compares the files with what the API said.
set -euo pipefail
cd "$(dirname "$0")/.."
TOOLS=(duckdb==2.0.1 pandas==3.1.1 pyarrow==26.0.1)
tools=target/tools/columnar-$(printf '%s-' "${TOOLS[@]}" | tr -d '=')
if [ ! -e "$tools/installed" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "${TOOLS[@]}"
  touch "$tools/installed"
fi

. scripts/server.sh
target/release/resultsdb demo --url "$url" 2>/dev/null
"$tools/bin/python" scripts/columnar.py "$url" "$work"
"$tools/bin/python" scripts/exported.py ask "$url" "$work"
kill "$server"
wait "$server"
server=
target/release/resultsdb export --data-dir "$work/data"
"$tools/bin/python" scripts/exported.py compare "$work" "$work/data/blobs"
