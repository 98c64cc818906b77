#!/usr/bin/env bash
# Asks everything again where rows are divided among shards: scripts/shards.sh [SHARDS]
#
# The tests of the processor, the intake, the query service and hooks, and the recorded contract on the three services, by way of
# distributed tables over so many shards of a cluster, which are all one engine (test-support/src/shards.rs). The tests are
# those that `cargo test --workspace` built.
set -euo pipefail
cd "$(dirname "$0")/.."
export RESULTSDB_TEST_SHARDS=${1:-2}
built=$(cargo test --release --locked --workspace --no-run --message-format=json 2>/dev/null | python3 -c '
import json, os, sys
for line in sys.stdin:
    one = json.loads(line)
    if one.get("executable") and one["target"]["kind"] == ["test"]:
        folder = os.path.dirname(one["manifest_path"])
        print(os.path.basename(folder), folder, one["target"]["name"], one["executable"])
')
ran=0
while read -r crate folder name executable; do
  arguments=()
  case $crate/$name in
    # How much is read cannot be told here: every shard looks through the tables that all of them share.
    query/reads) continue ;;
    # This is about servers that have all rows.
    processor/cluster) continue ;;
    query/* | processor/* | ingest/* | alerts/*) ;;
    resultsdb/services) arguments=(the_services_answer_as_recorded) ;;
    *) continue ;;
  esac
  echo "$crate: $name"
  # What reads standard input, as the engine does for inserts, would read the list.
  (cd "$folder" && "$executable" --quiet "${arguments[@]}" </dev/null)
  ran=$((ran + 1))
done <<<"$built"
[ "$ran" -gt 25 ] || { echo "only $ran files of tests were found" >&2; exit 1; }
echo "$ran files of tests passed on $RESULTSDB_TEST_SHARDS shards"
