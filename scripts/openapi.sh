#!/usr/bin/env bash
# Asks a server with data whatever its OpenAPI document allows, and some of what it does not: no answer may be a 5xx or
# one that the document does not allow. Not asked is /api/live, whose answer has no end. EXAMPLES is how many requests
# each operation gets.
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

. scripts/server.sh
target/release/resultsdb demo --url "$url" 2>/dev/null

(cd "$work" && "$OLDPWD/$tools/bin/schemathesis" run "$url/api/openapi.json" --max-examples "$EXAMPLES" --seed 1 \
  --no-color --generation-database none --request-timeout 30 \
  --exclude-path /api/live \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance)
kill -0 "$server"
