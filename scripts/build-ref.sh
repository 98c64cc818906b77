#!/usr/bin/env bash
# Builds the server of another commit below target/versus, and prints where it lies: scripts/build-ref.sh COMMIT
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -ne 1 ]; then
  echo "name one commit, for instance: $0 HEAD~20" >&2
  exit 2
fi
command -v git >/dev/null || { echo "$0 needs git" >&2; exit 1; }
commit=$(git rev-parse --verify --quiet "$1^{commit}") || {
  echo "there is no commit $1 in this repository" >&2
  exit 1
}
tree="target/versus/$commit"
if [ ! -e "$tree" ]; then
  # Renamed once it is whole.
  rm -rf "$tree.new"
  mkdir -p "$tree.new"
  git archive "$commit" | tar -x -C "$tree.new"
  mv "$tree.new" "$tree"
fi
# Beside the folder of the same name, which has the command's source.
binary="$tree/built/resultsdb"
if [ ! -f "$binary" ]; then
  # The embedded engine and the scripts of pages come from packages, which another commit may ask for in other versions.
  (cd "$tree" && { [ -d node_modules ] || npm ci --no-audit --no-fund >&2; })
  (cd "$tree" && CARGO_TARGET_DIR="$PWD/../build" cargo build --release --locked -p resultsdb >&2)
  mkdir -p "$tree/built"
  cp target/versus/build/release/resultsdb "$binary.new"
  mv "$binary.new" "$binary"
fi
echo "$binary"
