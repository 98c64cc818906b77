#!/usr/bin/env bash
# Runs that execute no test write reports in which every test passed: pytest, Robot Framework and Mocha.
#
# `pytest --setup-plan --junitxml`, `robot --dryrun --xunit` and `mocha --dry-run --reporter xunit` check or list the
# tests only, but write a full report, in which a test that always fails passes. Only pytest's file has a sign:
# tests="0" in the suite above the testcases. So a step of CI that looks for broken imports or keywords, and leaves
# its report where the next step uploads `*.xml`, adds a green result for everything.
#
# Seen with pytest 9.2.0, robotframework 7.5 and Mocha 12.0.3, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pytest==9.2.0 robotframework==7.5
echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund mocha@12.0.3

cat >test_sums.py <<'PYTHON'
def test_sums():
    assert 1 + 1 == 3
PYTHON
cat >sums.robot <<'ROBOT'
*** Test Cases ***
Sums
    Fail    wrong sum
ROBOT
cat >sums.spec.js <<'JS'
it("sums", () => { throw new Error("wrong sum"); });
JS

with_pytest() { venv/bin/pytest -p no:cacheprovider --junitxml "$@" test_sums.py; }
with_robot() { venv/bin/robot --output NONE --log NONE --report NONE --xunit "$@" sums.robot; }
with_mocha() { npx mocha --reporter xunit --reporter-option "output=$1" "${@:2}" sums.spec.js; }

for tool in pytest:--setup-plan robot:--dryrun mocha:--dry-run; do
  name=${tool%:*} option=${tool#*:}
  "with_$name" "$name-run.xml" >printed 2>&1 && changed "$name no longer fails the test when it runs it"
  grep -q '<failure' "$name-run.xml" || changed "$name no longer reports the failure when it runs the test"
  "with_$name" "$name-dry.xml" "$option" >printed 2>&1 || changed "$name $option no longer exits with 0"
  echo "$name $option:"
  grep -oE '<testcase [^>]*>|tests="[0-9]*"' "$name-dry.xml" | sed 's/^/  /'
  grep -q '<testcase' "$name-dry.xml" || changed "$name $option no longer lists the test"
  if grep -qE '<(skipped|failure|error)' "$name-dry.xml"; then changed "$name $option no longer writes a pass"; fi
done
grep -q 'tests="0"' pytest-dry.xml || changed "pytest no longer counts no tests"
