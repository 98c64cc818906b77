#!/usr/bin/env bash
# Vitest's JUnit file shows tests that `--bail` kept from running as passed.
#
# After the first failure the rest of the file is not run. The JUnit reporter writes those tests without a child and
# with time 0, as it writes a test that passed; the suite's counts agree (one failure, nothing skipped beyond what the
# file skips itself). The JSON reporter calls the same tests "pending". A history fed with the XML gets a pass for
# each test behind the failure, also for one that would have failed.
#
# Seen with Vitest 4.1.12, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

echo '{"type": "module", "private": true}' >package.json
npm install --silent --no-audit --no-fund vitest@4.1.12

cat >order.test.js <<'JS'
import { expect, test } from "vitest";

test("stops the run", () => expect(1).toBe(2));
test("would fail too", () => expect(3).toBe(4));
test.skip("is skipped", () => {});
JS

status=0
npx vitest run --bail=1 --reporter=junit --outputFile.junit=report.xml --reporter=json --outputFile.json=report.json \
  >printed 2>&1 || status=$?
echo "vitest exits with $status, and writes:"
grep -E '<testsuite |<testcase|<failure|<skipped' report.xml
[ "$status" = 1 ] || changed "vitest no longer exits with 1"

node - <<'JS' || changed "the test that never ran is no longer a childless testcase in the XML and pending in the JSON"
const fs = require("node:fs");
const xml = fs.readFileSync("report.xml", "utf8");
const [, body] = xml.match(/<testcase [^>]*name="would fail too" time="0"[^>]*>([^]*?)<\/testcase>/);
const suite = xml.match(/<testsuite [^>]*>/)[0];
const tests = JSON.parse(fs.readFileSync("report.json", "utf8")).testResults[0].assertionResults;
const { status } = tests.find((test) => test.title === "would fail too");
console.log(`the test that never ran: ${JSON.stringify(body.trim())} in the XML, "${status}" in the JSON`);
const sameCounts = / failures="1" /.test(suite) && / skipped="1" /.test(suite);
process.exit(body.trim() === "" && status === "pending" && sameCounts ? 0 : 1);
JS
