#!/usr/bin/env bash
# Builds another commit, starts a deployment of it and upgrades that to this one under load: scripts/upgrade.sh COMMIT
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -ne 1 ]; then
  echo "name the commit to upgrade from, for instance: make upgrade REF=HEAD~20" >&2
  exit 1
fi
before=$(scripts/build-ref.sh "$1")
UPGRADE_FROM="$PWD/$before" cargo test --release --locked -p resultsdb --test deployment_upgrade -- --nocapture
