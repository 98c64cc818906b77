#!/usr/bin/env bash
# Asks a server with data whatever its OpenAPI document allows, and some of what it does not: no answer may be a 5xx or
# one that the document does not allow. EXAMPLES is how many requests each operation gets.
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=4.32.5
EXAMPLES=${EXAMPLES:-25}
tools=target/tools/schemathesis-$VERSION
if [ ! -x "$tools/bin/schemathesis" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
fi

work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
target/release/resultsdb serve --data-dir "$work/data" --listen 127.0.0.1:0 --config examples/webkit.toml \
  >"$work/address" 2>"$work/log" &
server=$!
until grep -q listening "$work/address"; do kill -0 "$server"; sleep 0.1; done
url=$(sed 's/^listening on //' "$work/address")
target/release/resultsdb demo --url "$url" 2>/dev/null

(cd "$work" && "$OLDPWD/$tools/bin/schemathesis" run "$url/api/openapi.json" --max-examples "$EXAMPLES" --seed 1 \
  --no-color --generation-database none --request-timeout 30 \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance)
kill -0 "$server"
