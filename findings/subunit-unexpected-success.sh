#!/usr/bin/env bash
# A test that should have failed but passed is a success, a failure or neither, by the reader of the same subunit
# stream.
#
# unittest fails a run with an unexpected success. stestr does so too, and prints it under "Failed 1 tests", but its
# totals say "Failed: 0". Of python-subunit's own filters on the stream of that run, subunit2csv calls the test a
# "success", subunit-stats counts it as passed and exits with 0, and subunit2junitxml writes a <failure>. Which of
# them stands between the run and a database decides whether the run was green.
#
# Seen with stestr 4.2.1, python-subunit 1.4.6, testtools 2.9.1, junitxml 0.7 and Python 3.11, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  stestr==4.2.1 python-subunit==1.4.6 testtools==2.9.1 junitxml==0.7
PATH="$tmp/venv/bin:$PATH"

mkdir tests && touch tests/__init__.py
printf '[DEFAULT]\ntest_path=./tests\ntop_dir=./\n' >.stestr.conf
cat >tests/test_known.py <<'PYTHON'
import unittest


class Known(unittest.TestCase):
    @unittest.expectedFailure
    def test_healed(self):
        pass
PYTHON

status=0
stestr run --serial >printed || status=$?
stestr last --subunit >run.subunit
echo "stestr run exits with $status, and prints:"
grep -E '^(Failed 1 tests| - (Failed|Passed|Unexpected Success):)' printed
[ "$status" = 1 ] || changed "stestr no longer exits with 1"
grep -q '^Failed 1 tests' printed || changed "stestr no longer lists the test as failed"
grep -q '^ - Failed: 0$' printed || changed "stestr's totals now count the failure"

subunit2csv --no-passthrough <run.subunit >run.csv 2>errors || true
stats=0
subunit-stats <run.subunit >stats 2>>errors || stats=$?
subunit2junitxml <run.subunit >run.xml 2>>errors || true
echo "subunit2csv: $(grep test_healed run.csv | cut -d, -f1,2)"
echo "subunit-stats, which exits with $stats: $(tr -s ' ' <stats | grep -E '^(Passed|Failed)' | paste -sd, -)"
echo "subunit2junitxml: $(grep -A1 '<testcase' run.xml | tr -d '\n')"
grep -q 'test_healed,success,' run.csv || changed "subunit2csv no longer calls it a success"
[ "$stats" = 0 ] || changed "subunit-stats no longer exits with 0"
grep -qE 'Passed tests: +1$' stats || changed "subunit-stats no longer counts it as passed"
grep -A1 'name="test_healed"' run.xml | grep -q '<failure' || changed "subunit2junitxml no longer writes a failure"
