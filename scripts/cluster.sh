#!/usr/bin/env bash
# Runs a deployment on four ClickHouse servers, two shards of two replicas each with three keepers, and tries what it
# promises: scripts/cluster.sh
#
# The recorded contract; a replica that dies and comes back, while which uploads are taken and pages answered; a keeper that
# dies; a rebuild of all views; and `resultsdb doctor` at the end, which must find nothing wrong. Everything is removed again.
# Needs Docker with its compose plugin, 2.24.4 or newer, about 12 GiB of memory, and the images that the compose files name.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in docker curl python3 cargo; do
  command -v "$tool" >/dev/null || { echo "scripts/cluster.sh needs $tool, which is not there" >&2; exit 1; }
done
docker info >/dev/null 2>&1 || { echo "scripts/cluster.sh needs a Docker engine, and none answers" >&2; exit 1; }
version=$(docker compose version --short 2>/dev/null || true)
if [ "$(printf '%s\n2.24.4\n' "${version#v}" | sort -V | head -1)" != 2.24.4 ]; then
  echo "scripts/cluster.sh needs docker compose 2.24.4 or newer, and found ${version:-none}" >&2
  exit 1
fi
URL=http://localhost:8080
secret=clickhouse_password.txt
made=
[ -e "$secret" ] || { (umask 077; head -c 24 /dev/urandom | base64 > "$secret"); made=$secret; }
c() { docker compose --project-name resultsdb-cluster -f docker-compose.yml -f examples/cluster/compose.yml "$@"; }
finish() {
  local status=$?
  [ "$status" = 0 ] || c logs --tail 40 >&2 || true
  c down --volumes --timeout 20 >/dev/null 2>&1 || true
  [ -z "$made" ] || rm -f "$made"
}
trap finish EXIT

# until_true WHAT SECONDS COMMAND…: waits for a condition.
until_true() {
  local what=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "$what: not after so long" >&2; return 1; }
    read -rt 1 <> <(:) || true
  done
}
# send N: an upload of a run that started N seconds after the first.
send() {
  python3 - "$1" <<'PY' | curl -fsS --max-time 30 -H 'Content-Type: application/json' -d @- "$URL/api/upload"
import json, sys
number = int(sys.argv[1])
start = 1_790_000_000 + number
print(json.dumps({
    "version": 0, "suite": "cluster", "timestamp": start,
    "configuration": {"platform": "Mac", "version": 14_000_000, "is_simulator": False, "architecture": "arm64"},
    "commits": [{"repository_id": "webkit", "branch": "main", "id": f"{number:040x}", "timestamp": start, "order": 0}],
    "test_results": {"details": {}, "run_stats": {}, "results": {f"test-{part}": {} for part in range(50)}},
}))
PY
}
# shows N: whether so many runs of the test are shown.
shows() {
  curl -fsS --max-time 30 "$URL/api/results/cluster/test-7?limit=1000&recent=false" |
    python3 -c 'import json, sys; sys.exit(sum(len(one["results"]) for one in json.load(sys.stdin)) != int(sys.argv[1]))' "$1"
}

c up --detach --build --wait
cargo run --quiet --release --locked -p test-support --features contract --bin contract -- "$URL"

for number in 1 2 3; do send "$number" >/dev/null; done
until_true "three uploads are shown" 60 shows 3
echo "a replica dies: uploads are taken, and what is there is answered"
c kill clickhouse-4
send 4 >/dev/null
until_true "what was there is answered without the replica" 60 shows 3
c start clickhouse-4
until_true "the upload is shown once the replica is back" 300 shows 4
echo "a keeper dies: uploads are shown"
c kill keeper-2
send 5 >/dev/null
until_true "an upload is shown without the keeper" 120 shows 5
c start keeper-2
echo "all views are made anew"
c run --rm --no-deps migrate rebuild
shows 5
c run --rm --no-deps migrate rebuild --drop-old
c run --rm --no-deps migrate doctor
echo "the cluster did all of it"
