#!/usr/bin/env bash
# With unittest-xml-reporting, a test's name in the file depends on whether its subtests pass.
#
# A test all of whose subtests pass is one testcase, "test_sums". Let some fail, and "test_sums" is gone: there is one
# testcase for each failing subtest, "test_sums (n=1)" and so on, and nothing for those that passed. So a history
# keyed by name has tests that only ever fail and are never seen to heal, and one that vanishes on the days it is
# broken. The test is the name without the parenthesis; it failed if any such element did.
#
# Seen with unittest-xml-reporting 4.0.0, lxml 6.1.3 and Python 3.11, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check unittest-xml-reporting==4.0.0 lxml==6.1.3

cat >sums.py <<'PYTHON'
import os
import unittest

BROKEN = {int(n) for n in os.environ["BROKEN"].split()}


class Sums(unittest.TestCase):
    def test_sums(self):
        for n in range(4):
            with self.subTest(n=n):
                self.assertNotIn(n, BROKEN)
PYTHON

run() { BROKEN=$1 venv/bin/python -m xmlrunner sums --output-file "$2" >printed 2>&1; }
run "" green.xml || changed "passing subtests no longer pass the run"
run "1 3" red.xml && changed "failing subtests no longer fail the run"

names() { grep -o '<testcase [^>]*' "$1" | sed 's/.* name="\([^"]*\)".*/\1/' | paste -sd, -; }
green=$(names green.xml)
red=$(names red.xml)
echo "all four subtests pass: $green"
echo "two of the four fail:   $red"
[ "$green" = "test_sums" ] || changed "passing subtests are no longer one element with the name of the test"
[ "$red" = "test_sums (n=1),test_sums (n=3)" ] || changed "failing subtests are no longer one element each"
