#!/usr/bin/env bash
# Asks everything again where rows are divided among shards: scripts/shards.sh [SHARDS]
#
# The tests of the processor, the intake and the query service, and the recorded contract on the three services, by way of
# distributed tables over so many shards of a cluster, which are all one engine (test-support/src/shards.rs).
set -euo pipefail
cd "$(dirname "$0")/.."
export RESULTSDB_TEST_SHARDS=${1:-2}
# How much is read cannot be told here: every shard looks through the tables that all of them share.
cargo test --release --locked -p processor -p ingest -p query -p alerts -p access -- --skip no_endpoint_reads_in_proportion_to_history
cargo test --release --locked -p resultsdb --test services the_services_answer_as_recorded
