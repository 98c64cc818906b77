#!/usr/bin/env bash
# All checks and tests; release profile, so that the binary under test is the one that ships.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --release --locked --workspace --all-targets -- -D warnings
cargo build --release --locked
cargo test --release --locked --workspace
node --test query/browser/
scripts/clients.sh
scripts/openapi.sh
