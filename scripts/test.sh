#!/usr/bin/env bash
# All checks and tests; release profile, so that the binary under test is the one that ships.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
scripts/check-templates.sh
scripts/check-documents.sh
scripts/check-versions.sh
scripts/check-manifests.sh
# Licences, sources and versions of everything that is linked. Advisories need a database that not every machine reaches.
target/tools/bin/cargo-deny --log-level warn check licenses bans sources
cargo clippy --release --locked --workspace --all-targets -- -D warnings
# Alone, so that the rules cannot come to need the store: in the workspace, other crates turn its part of schema on.
cargo clippy --release --locked -p analysis --all-targets -- -D warnings
# Everything at once: what the tests need of other crates is more than what the commands need, and by themselves the commands
# would have all of these crates compiled once more.
cargo build --release --locked --workspace --all-targets
# The rule of verdicts on a labelled simulation, against its floors.
target/release/bench judge
# Whoever mends one failure wants to know of the others.
export NEXTEST_TEST_THREADS=$(($(nproc) * 3 / 2))
scripts/nextest.sh run --release --locked --workspace
cargo test --release --locked --workspace --doc
# The same questions where rows are divided among shards.
scripts/shards.sh
# More instructions than a path's limit fail.
GUNGRAUN_RUNNER="$PWD/target/tools/bin/gungraun-runner" cargo bench --locked --workspace --bench instructions
node --test --test-concurrency="$(nproc)" query/browser/
# Each with a server of its own, the longest first. Lines say whose they are.
printf 'scripts/%s.sh\n' openapi clients columnar quarantine s3 |
  xargs -P "$(nproc)" -I{} bash -o pipefail -c '{} 2>&1 | sed "s|^|{}: |"'
