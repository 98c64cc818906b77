#!/usr/bin/env bash
# The JUnit file of jasmine-reporters shows specs that a filter left out as passed.
#
# Jasmine calls a spec that `--filter` (or `fit`) left out "excluded". The JUnit reporter has no word for that: it
# writes a testcase without a child and counts it under "tests", so it reads as a pass. A spec marked with `xit`,
# which is `<skipped>` in a full run, loses even that mark in a filtered one. One developer's run of a single spec
# thus brings a green result for all others, broken ones too.
#
# Seen with jasmine 7.0.0 and jasmine-reporters 2.5.2, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund jasmine@7.0.0 jasmine-core@7.0.0 jasmine-reporters@2.5.2

cat >sums_spec.js <<'JS'
describe("sums", () => {
  it("adds", () => expect(1 + 1).toBe(2));
  it("is broken", () => expect(1 + 1).toBe(3));
  xit("is not done", () => {});
});
JS
cat >run.js <<'JS'
const Jasmine = require("jasmine");
const { JUnitXmlReporter } = require("jasmine-reporters");
const runner = new Jasmine();
runner.addReporter(new JUnitXmlReporter({ savePath: process.argv[2], filePrefix: "report" }));
runner.execute(["sums_spec.js"], process.argv[3]);
JS

node run.js full >printed || true
node run.js filtered adds >>printed || changed "a filtered run no longer exits with 0"
for run in full filtered; do
  echo "$run:"
  grep -hE '<testsuite |<testcase|<failure|<skipped' "$run/report.xml" | sed 's/timestamp=.*errors/errors/'
done

grep -A1 'name="is broken"' full/report.xml | grep -q '<failure' || changed "the full run no longer has a <failure>"
grep -A1 'name="is not done"' full/report.xml | grep -q '<skipped' || changed "the full run no longer has a <skipped>"
for spec in "is broken" "is not done"; do
  grep -qE "name=\"$spec\" time=\"[0-9.]+\" />" filtered/report.xml ||
    changed "the filtered run no longer writes \"$spec\" as a testcase without a child"
done
grep -q 'tests="3" skipped="0" disabled="0" failures="0"' filtered/report.xml ||
  changed "the counts of the filtered run now tell which specs were left out"
