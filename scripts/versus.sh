#!/usr/bin/env bash
# Builds another commit beside this one and measures both in one run: scripts/versus.sh COMMIT [options of `bench versus`].
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -lt 1 ]; then
  echo "name the commit to compare with, for instance: make bench-versus REF=HEAD~20" >&2
  exit 1
fi
commit=$(git rev-parse --verify --quiet "$1^{commit}") || {
  echo "there is no commit $1 in this repository" >&2
  exit 1
}
shift
tree="target/versus/$commit"
if [ ! -e "$tree/Cargo.toml" ]; then
  mkdir -p "$tree"
  git archive "$commit" | tar -x -C "$tree"
fi
# The embedded engine and the scripts of pages come from packages, which another commit may ask for in other versions.
(cd "$tree" && { [ -d node_modules ] || npm ci --no-audit --no-fund >&2; })
(cd "$tree" && CARGO_TARGET_DIR="$PWD/../build" cargo build --release --locked -p resultsdb)
cp target/versus/build/release/resultsdb "$tree/resultsdb"
cargo build --release --locked -p resultsdb -p bench
target/release/bench versus --other "$tree/resultsdb" "$@"
