#!/usr/bin/env bash
# Asks everything again where rows are divided among shards: scripts/shards.sh [SHARDS]
#
# The tests of the processor, the intake, the query service and hooks, and the recorded contract on the three services, by way of
# distributed tables over so many shards of a cluster, which are all one engine (test-support/src/shards.rs). The tests are
# those that were built for all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
export RESULTSDB_TEST_SHARDS=${1:-2}
# Left out: how much is read cannot be told here, since every shard looks through the tables that all of them share (query's
# reads); and what is about servers that have all rows (processor's cluster).
scripts/nextest.sh run --release --locked --workspace --filterset '
  kind(test) & (package(query) - binary(reads) + package(processor) - binary(cluster) + package(ingest) + package(alerts))
  + binary_id(resultsdb::services) & test(=the_services_answer_as_recorded)'
