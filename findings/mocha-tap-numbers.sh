#!/usr/bin/env bash
# Mocha's TAP gives a failed hook the number of the test that comes next.
#
# A hook that fails gets a "not ok" line but does not count, so the next test's line has the same number. TAP asks for
# ascending numbers, and a reader that keeps one result a number lets the pass replace the failure: the run is then
# all green, while Mocha exits with 1. The tests behind the hook have no line at all, and the plan leaves room for the
# hook's line, so lines and plan agree in number and nothing looks lost. Keep all lines in their order.
#
# Seen with Mocha 12.0.3 (TAP 12 and 13), 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund mocha@12.0.3

cat >hooks.spec.js <<'JS'
describe("with a hook", () => {
  before(() => { throw new Error("cannot set up"); });
  it("never runs", () => {});
  it("never runs either", () => {});
});
describe("without one", () => {
  it("passes", () => {});
});
JS

for version in 12 13; do
  status=0
  npx mocha --reporter tap --reporter-option "tapVersion=$version" hooks.spec.js >"$version.tap" || status=$?
  echo "TAP $version, mocha exits with $status:"
  grep -E '^(not )?ok|^1\.\.|^# ' "$version.tap" | sed 's/^/  /'
  [ "$status" = 1 ] || changed "mocha no longer exits with 1 for a failed hook"
  grep -q '^not ok 1 with a hook "before all" hook for "never runs"$' "$version.tap" ||
    changed "the hook's line is another"
  grep -q '^ok 1 without one passes$' "$version.tap" || changed "the test after the hook has a number of its own"
  grep -qx '1\.\.2' "$version.tap" || changed "the plan is no longer the number of lines"
  if grep -qE 'ok [0-9]+ with a hook never runs' "$version.tap"; then changed "tests behind the hook now have lines"; fi
done
