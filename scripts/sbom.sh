#!/usr/bin/env bash
# Writes what each command is made of, as CycloneDX 1.5, to target/sbom.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x target/tools/bin/cargo-cyclonedx ] ||
  cargo install --quiet --locked --version 0.5.7 --root target/tools cargo-cyclonedx
mkdir -p target/sbom
# The tool writes beside each manifest, and one for every binary of the workspace.
trap 'rm -f */*_bin.cdx.json' EXIT
PATH="$PWD/target/tools/bin:$PATH" cargo cyclonedx --manifest-path resultsdb/Cargo.toml --format json --spec-version 1.5 \
  --describe binaries --quiet
node scripts/sbom.mjs resultsdb/resultsdb_bin.cdx.json target/sbom/resultsdb.cdx.json --pages
node scripts/sbom.mjs client/resultsdb-client_bin.cdx.json target/sbom/resultsdb-client.cdx.json
