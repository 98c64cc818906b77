#!/usr/bin/env bash
# Builds the Dockerfiles without any registry, looks at what came of it, and uses it: scripts/image.sh
#
# The names of their FROM lines are given to images that are made here: Debian from its packages, the same with Node of Debian,
# and the same with a compiler of Debian and Rust of this machine. They stay in a store of their own, below IMAGE_DIR, with
# what Cargo built, so that the second time is a short one.
#
# What the image lacks on purpose runs on this machine: Kafka by scripts/kafka.sh, and the engine by RESULTSDB. In front of them
# run the image's intake, processor and two query services behind the image of the proxy; they are asked for their health,
# uploaded to, and asked for a page.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/versions.env
RESULTSDB=${RESULTSDB:-$PWD/target/release/resultsdb}
IMAGE_DIR=${IMAGE_DIR:-$PWD/target/image}
MOST_BYTES=150000000

for tool in buildah mmdebstrap rustc java python3 "$RESULTSDB"; do
  command -v "$tool" >/dev/null || {
    echo "scripts/image.sh needs $tool: buildah and mmdebstrap are packages of Debian, scripts/fetch.sh and make build bring the rest" >&2
    exit 1
  }
done
[[ $(rustc --version) == "rustc $RUST."* ]] || {
  echo "scripts/image.sh builds with the Rust of this machine, which has to be $RUST: rustup toolchain install $RUST" >&2
  exit 1
}

mkdir -p "$IMAGE_DIR/tmp"
# Caches of a build lie where temporary files do.
export TMPDIR=$IMAGE_DIR/tmp BUILDAH_ISOLATION=chroot
b() { buildah --root "$IMAGE_DIR/store" --runroot "$IMAGE_DIR/run" "$@"; }

# made NAME: whether the store has an image of the name.
made() { b inspect --type image "$1" >/dev/null 2>&1; }

# A stand-in: NAME FROM PACKAGES… A machine may have authorities of its own to reach registries by.
stand_in() {
  local name=$1 from=$2 container
  shift 2
  container=$(b from --pull-never "$from")
  b run "$container" -- sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null' \
    sh ca-certificates "$@"
  b copy -q "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null
  b config --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt --env CARGO_HOME=/usr/local/cargo \
    --env PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  b commit -q --rm "$container" "$name" >/dev/null
}

debian=localhost/debian:$DEBIAN-slim
node=localhost/node:$NODE-$DEBIAN-slim
rust=localhost/rust:$RUST-$DEBIAN
if ! made "$debian"; then
  echo "making $debian of Debian's packages" >&2
  # As small as the public one: without pages of manuals and other languages, and without what apt keeps.
  mmdebstrap --quiet --variant=apt --include=usr-is-merged --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Dir::Cache::pkgcache ""' --aptopt='Dir::Cache::srcpkgcache ""' \
    --aptopt='DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; }' "$DEBIAN" "$IMAGE_DIR/debian.tar"
  container=$(b from scratch)
  b add -q "$container" "$IMAGE_DIR/debian.tar" / >/dev/null
  b config --cmd bash "$container"
  b commit -q --rm "$container" "$debian" >/dev/null
  rm "$IMAGE_DIR/debian.tar"
fi
made "$node" || { echo "making $node with Node of Debian" >&2; stand_in "$node" "$debian" nodejs npm; }
made "$rust" || { echo "making $rust with Rust of this machine" >&2; stand_in "$rust" "$debian" g++ make git; }

b build --quiet --pull-never --volume "$(rustc --print sysroot):/usr/local/rust:ro" --tag resultsdb . >/dev/null
b build --quiet --pull-never --tag resultsdb-proxy examples/proxy >/dev/null

work=$(mktemp -d)
pids=() containers=()
# Whatever is started is a group of processes of its own, and ends as one: buildah does not pass the signal on.
set -m
finish() {
  for pid in "${pids[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  [ ${#containers[@]} = 0 ] || b rm "${containers[@]}" >/dev/null
  rm -rf "$work"
}
trap finish EXIT
service=$(b from --pull-never resultsdb) && containers+=("$service")
# As in Docker, and other than in buildah, there are enough files for the connections of a proxy.
proxy=$(b from --pull-never --ulimit nofile=16384:16384 resultsdb-proxy) && containers+=("$proxy")

# What came of it.
root=$(b mount "$service")
for file in "$root"/usr/bin/{cc,gcc,c++,ld,make,cmake,cargo,rustc,node,npm} "$root"/usr/local/bin/{cargo,rustc,node,npm}; do
  [ ! -e "$file" ] || { echo "the image has ${file#"$root"}, which is for builds" >&2; exit 1; }
done
[ -z "$(find "$root" -xdev -name '*chdb*' -print -quit)" ] || { echo "the image has the embedded engine" >&2; exit 1; }
for container in "$service" "$proxy"; do
  user=$(b inspect --format '{{.OCIv1.Config.User}}' "$container")
  bytes=$(du -sxB1 "$(b mount "$container")" | cut -f1)
  echo "$container: $((bytes / 1000000)) MB, user $user"
  if [ "$user" != 10001 ] || [ "$bytes" -ge "$MOST_BYTES" ]; then
    echo "that is another user than 10001, or not less than $((MOST_BYTES / 1000000)) MB" >&2
    exit 1
  fi
done

# port NAME: one that is free now.
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ask PATH [BODY]: the answer of the one address, which counts only if it succeeds.
ask() {
  python3 - "$url$1" "${@:2}" <<'PYTHON'
import sys
import urllib.error
import urllib.request

url, *body = sys.argv[1:]
headers = {"Prefer": "wait=30", "Content-Type": "application/json"} if body else {}
request = urllib.request.Request(url, data=body[0].encode() if body else None, headers=headers)
try:
    sys.stdout.write(urllib.request.urlopen(request, timeout=60).read().decode())
except urllib.error.HTTPError as error:
    sys.exit(error.read().decode())
except OSError as error:
    sys.exit(str(error))
PYTHON
}

# holds WHAT COMMAND…: waits until a command succeeds, three minutes at most, while everything that was started lives.
holds() {
  local what=$1 deadline=$((SECONDS + 180)) pid
  shift
  until "$@" >"$work/answer" 2>"$work/complaint"; do
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || SECONDS=$deadline; done
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "$what: waited in vain, or a process has ended" >&2
      tail -n 5 "$work/complaint" "$work"/*.log >&2
      exit 1
    fi
    sleep 0.1
  done
}

started() { grep -m1 -o "http://.*" "$1"; }

kafka=$(port)
scripts/kafka.sh "$work/kafka" "$kafka" >"$work/kafka.log" 2>&1 &
pids+=($!)
echo "only for this run" >"$work/password"
chmod 755 "$work"
"$RESULTSDB" engine --data-dir "$work/engine" --port 0 --password-file "$work/password" >"$work/engine.out" 2>"$work/engine.log" &
pids+=($!)
holds "the engine" started "$work/engine.out"
engine=$(cat "$work/answer")

# image COMMAND…: a command of the image, by its user, with its configuration. The engine's only user is `default`.
image() {
  b run --volume "$work/password:/run/secrets/clickhouse_password:ro" "$service" -- resultsdb "$@" \
    --set listen=127.0.0.1:0 --set "kafka.brokers=127.0.0.1:$kafka" --set "clickhouse.url=$engine" --set clickhouse.user=default \
    --set blobs=/tmp/blobs
}
holds "the tables and topics" image migrate
for name in ingest processor query-1 query-2; do
  image "${name%-*}" >"$work/$name" 2>"$work/$name.log" &
  pids+=($!)
done
declare -A address
for name in ingest query-1 query-2; do
  holds "$name" started "$work/$name"
  address[$name]=$(sed 's|http://||' "$work/answer")
done
url=http://127.0.0.1:$(port)
b run --env LISTEN="${url#http://}" --env INGEST_1="${address[ingest]}" --env INGEST_2="${address[ingest]}" \
  --env QUERY_1="${address[query-1]}" --env QUERY_2="${address[query-2]}" \
  "$proxy" -- haproxy -db -f /etc/haproxy/haproxy.cfg >"$work/proxy.log" 2>&1 &
pids+=($!)

holds "the health of the services" ask /__health
echo "GET /__health: $(cat "$work/answer")"
time=$(date +%s)
hash=$(printf '%040x' "$time")
upload=$(ask /api/upload '{
  "version": 0, "suite": "image", "timestamp": '"$time"',
  "configuration": {"platform": "container", "version": "1", "is_simulator": false, "architecture": "x86_64", "style": "release"},
  "commits": [{"repository_id": "project", "branch": "main", "timestamp": '"$time"', "hash": "'"$hash"'", "message": "A change"}],
  "test_results": {"results": {"starts": {"actual": "FAIL"}}}}')
echo "POST /api/upload: $upload"
shows() { ask '/triage?suite=image' | grep -F -m1 'starts'; }
holds "the page that shows the upload" shows
echo "GET /triage: $(sed 's/^ *//' "$work/answer")"
ask '/api/results/image/starts' | grep -q FAIL
echo "git of the image: $(b run "$service" -- git --version)"
