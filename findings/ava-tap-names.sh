#!/usr/bin/env bash
# AVA renames every test in its TAP when a second test file is added, and its summary counts a todo as a failure.
#
# With one file, a test's TAP line holds its title alone; with two, the title follows the file's name and "›". So
# adding a file, or running one file alone, gives all tests new names, and a history keyed by name loses them. AVA
# also prints a todo as "not ok … # TODO" and adds it to "# fail" (other writers of TAP do not), though its exit
# status is 0; "# tests" leaves skipped ones out, so it is less than the plan. Trust the lines and the exit status,
# not the summary.
#
# Seen with AVA 7.0.0, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

echo '{"type": "module", "private": true}' >package.json
npm install --silent --no-audit --no-fund ava@7.0.0

cat >first.test.js <<'JS'
import test from "ava";

test("adds", (t) => t.is(1 + 1, 2));
test.skip("is skipped", (t) => t.pass());
test.todo("is planned");
JS

one=0 two=0
npx ava --tap >one.tap || one=$?
cp first.test.js second.test.js
npx ava --tap >two.tap || two=$?
for run in one two; do
  echo "$run:"
  grep -E '^(not )?ok|^1\.\.|^# ' "$run.tap" | sed 's/^/  /'
done
echo "ava exits with $one and $two"

[ "$one $two" = "0 0" ] || changed "a todo now makes AVA exit with a failure"
grep -qE '^ok [0-9]+ - adds$' one.tap || changed "with one file, a line no longer holds the title alone"
grep -qE '^ok [0-9]+ - first › adds$' two.tap || changed "with two files, the file's name no longer precedes the title"
if grep -qE -- '- adds$' two.tap; then changed "with two files, the title alone is a name too"; fi
grep -qE '^not ok [0-9]+ - is planned # TODO' one.tap || changed "a todo is no longer a \"not ok\" line"
grep -qx '# fail 1' one.tap || changed "the summary no longer counts the todo as a failure"
grep -qx '1\.\.3' one.tap || changed "the plan no longer has all three tests"
grep -qx '# tests 2' one.tap || changed "the summary no longer leaves the skipped test out"
