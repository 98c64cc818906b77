#!/usr/bin/env bash
# Backs a server that runs up to a bucket, restores it from there, and compares what both answer. The bucket is one of a stand-in
# for S3 from PyPI; with BUCKET=s3://name/prefix and the usual AWS variables it is a real one.
set -euo pipefail
cd "$(dirname "$0")/.."
RESULTSDB=${RESULTSDB:-$PWD/target/release/resultsdb}
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT

# The first line of a file that matches, once it is there, while the process that writes it lives.
line() {
  until grep -m1 -o "$2" "$1" 2>/dev/null; do
    kill -0 "$3" || { cat "$1" >&2; exit 1; }
    sleep 0.1
  done
}

if [ -z "${BUCKET:-}" ]; then
  tools=target/tools/moto-5.2.5
  if [ ! -x "$tools/bin/moto_server" ]; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.5'
  fi
  "$tools/bin/moto_server" -p 0 >"$folder/moto" 2>&1 &
  pids+=($!)
  AWS_ENDPOINT_URL=$(line "$folder/moto" 'http://127.0.0.1:[0-9]*' $!)
  export AWS_ENDPOINT_URL AWS_ALLOW_HTTP=true AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b
  python3 -c 'import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method="PUT"))' "$AWS_ENDPOINT_URL/backups"
  BUCKET=s3://backups/resultsdb
fi

"$RESULTSDB" serve --data-dir "$folder/data" --listen 127.0.0.1:0 >"$folder/serve" 2>"$folder/log" &
pids+=($!)
url=$(line "$folder/serve" 'http://.*' $!)
"$RESULTSDB" demo --url "$url" 2>/dev/null
"$RESULTSDB" backup --data-dir "$folder/data" --to "$BUCKET"
"$RESULTSDB" backup --data-dir "$folder/data" --to "$BUCKET"
"$RESULTSDB" check --backup "$BUCKET"
"$RESULTSDB" restore --from "$BUCKET" --data-dir "$folder/copy"
"$RESULTSDB" serve --data-dir "$folder/copy" --listen 127.0.0.1:0 >"$folder/copied" 2>"$folder/log" &
pids+=($!)
copy=$(line "$folder/copied" 'http://.*' $!)
ask() { python3 -c 'import sys, urllib.request as r; sys.stdout.buffer.write(r.urlopen(sys.argv[1]).read())' "$1"; }
for path in '/api/suites?recent=false' '/api/results/layout-tests' '/api/commits?repository_id=webkit' '/api/upload?limit=100'; do
  ask "$url$path" >"$folder/one"
  ask "$copy$path" >"$folder/other"
  cmp "$folder/one" "$folder/other"
  [ "$(wc -c <"$folder/one")" -gt 100 ]
done
echo "the restored copy answers alike"
