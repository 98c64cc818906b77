#!/usr/bin/env bash
# Every file that names a version names that of scripts/versions.env.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/versions.env
mistakes=0

# hold FILE PATTERN VERSION: each place of the file that matches the pattern has the version, and there is at least one. What
# stands before \K in the pattern only says where.
hold() {
  local found
  found=$(grep -oP -- "$2" "$1" | sort -u || true)
  if [ "$found" != "$3" ]; then
    echo "$1 says ${found:-nothing} where scripts/versions.env says $3 ($2)" >&2
    mistakes=1
  fi
}

hold Dockerfile '^FROM rust:\K[^- ]+' "$RUST"
hold Dockerfile '^FROM node:\K[^- ]+' "$NODE"
hold Dockerfile '^FROM (rust:[^- ]+-|node:[^- ]+-|debian:)\K[a-z]+' "$DEBIAN"
hold examples/proxy/Dockerfile '^FROM debian:\K[a-z]+' "$DEBIAN"
hold Cargo.toml '^rust-version = "\K[^"]+' "$RUST"
hold package.json '"@chdb/lib-[^"]+": "\K[0-9]+\.[0-9]+' "$CLICKHOUSE"
hold docker-compose.yml 'apache/kafka:\K\S+' "$KAFKA"
hold docker-compose.yml 'clickhouse/clickhouse-server:\K\S+' "$CLICKHOUSE"
hold examples/cluster/compose.yml 'clickhouse/clickhouse-[a-z]+:\K\S+' "$CLICKHOUSE"
hold docker-compose.yml 'chrislusf/seaweedfs:\K\S+' "$SEAWEEDFS"
hold docker-compose.yml 'prom/prometheus:\K\S+' "$PROMETHEUS"
hold docker-compose.yml 'grafana/grafana:\K\S+' "$GRAFANA"
exit "$mistakes"
