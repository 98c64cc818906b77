#!/usr/bin/env bash
# Builds another commit beside this one and measures both in one run: scripts/versus.sh COMMIT [options of `bench versus`].
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -lt 1 ]; then
  echo "name the commit to compare with, for instance: make bench-versus REF=HEAD~20" >&2
  exit 1
fi
other=$(scripts/build-ref.sh "$1")
shift
cargo build --release --locked -p resultsdb -p bench
target/release/bench versus --other "$other" "$@"
