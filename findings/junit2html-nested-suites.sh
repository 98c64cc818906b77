#!/usr/bin/env bash
# junit2html sees no test in nested suites, and its limit on failures then passes a run that failed.
#
# Robot Framework writes one <testsuite> per folder and file, one inside the other (so do PHPUnit and Node).
# junit2html reads only the testcases of the outer ones: its summary of such a file has no test at all, and
# `--max-failures 1`, which exits with 1 for the same failure in a flat file, exits with 0. The counts in the outer
# suite's attributes say otherwise. A step of CI that relies on it stays green as soon as the tests lie in a folder.
#
# Seen with junit2html 31.1.4 and robotframework 7.5, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check junit2html==31.1.4 robotframework==7.5

mkdir suites
cat >suites/sums.robot <<'ROBOT'
*** Test Cases ***
Adds
    Should Be Equal As Integers    ${{1 + 1}}    3
ROBOT

venv/bin/robot --output NONE --log NONE --report NONE --xunit flat.xml suites/sums.robot >printed &&
  changed "robot no longer fails this file"
venv/bin/robot --output NONE --log NONE --report NONE --xunit nested.xml suites >>printed &&
  changed "robot no longer fails this folder"

for shape in flat nested; do
  status=0
  venv/bin/junit2html --summary-matrix --max-failures 1 "$shape.xml" >"$shape.txt" || status=$?
  echo "$status" >"$shape.status"
  echo "$shape: $(grep -m1 '<testsuite ' "$shape.xml" | grep -o 'tests="[0-9]*" errors="[0-9]*" failures="[0-9]*"')"
  counts=$(grep -E '^ +[A-Z][a-z]+ +:' "$shape.txt" | tr -s ' ' || echo " nothing")
  echo "  junit2html exits with $status, and says:$counts"
  grep -m1 '<testsuite ' "$shape.xml" | grep -q 'failures="1"' ||
    changed "robot no longer counts the failure in the outer suite"
done

[ "$(cat flat.status)" = 1 ] || changed "junit2html no longer exits with 1 for a failure in a flat file"
grep -qE 'Failed +: +1' flat.txt || changed "junit2html no longer counts the failure in a flat file"
[ "$(cat nested.status)" = 0 ] || changed "junit2html now exits with a failure for one in a nested suite"
if grep -qE '(Failed|Passed) +:' nested.txt; then changed "junit2html now counts tests of nested suites"; fi
