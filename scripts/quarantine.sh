#!/usr/bin/env bash
# Runs tests with pytest, Jest and cargo-nextest, uploads what they report, puts some of the failures into quarantine, and runs
# the tests again with the list that the server writes for the runner: everything must run but what is in quarantine.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON_TOOLS=(pytest==9.2.0)
NODE_TOOLS=(jest@30.5.2 jest-junit@17.0.0)
tools=$PWD/target/tools/runners-$(printf '%s-' "${PYTHON_TOOLS[@]}" "${NODE_TOOLS[@]}" | tr -d '=@')
if [ ! -e "$tools/installed" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "${PYTHON_TOOLS[@]}"
  npm install --silent --no-audit --no-fund --prefix "$tools" "${NODE_TOOLS[@]}"
  touch "$tools/installed"
fi

. scripts/server.sh
export RESULTSDB_URL=$url PATH=$tools/bin:$tools/node_modules/.bin:$PATH
resultsdb=$PWD/target/release/resultsdb
nextest=$PWD/scripts/nextest.sh
projects=$PWD/scripts/quarantine
time=$(($(date +%s) - 60))

# upload SUITE REPORT: as a run of one commit, with names as the runner has them.
upload() {
  "$resultsdb" upload "$2" --suite "$1" --root "$work/$1" --repository runners --commit "$(printf '%040x' "$time")" \
    --commit-time "$time" --branch main >/dev/null
}

# park SUITE TEST...
park() {
  local suite=$1 test
  shift
  for test; do
    "$resultsdb" quarantine add --suite "$suite" --test "$test" --reason 'fails by chance' --days 7
  done
}

# list SUITE FORMAT: the file with the list.
list() {
  "$resultsdb" quarantine export --suite "$1" --format "$2" -o "$work/$1.list"
  echo "$work/$1.list"
}

# same WHAT EXPECTED FOUND: lines in any order.
same() {
  diff <(sort <<<"$2") <(sort <<<"$3") || { echo "$1 ran other tests than it should" >&2; exit 1; }
}

fails() {
  if "$@" >"$work/said" 2>&1; then
    cat "$work/said"
    echo "$* did not fail" >&2
    exit 1
  fi
}

passes() {
  "$@" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
}

cp -r "$projects/." "$work"

# Names are those of the JUnit report, whose classes stand for folders, modules and classes; test_one begins as test_one_more.
cd "$work/pytest"
ran() { grep -o 'classname="[^"]*" name="[^"]*"' report.xml; }
fails pytest -q --junitxml report.xml
all=$(ran)
upload pytest report.xml
park pytest 'tests.unit.test_numbers::test_fails' 'tests.unit.test_numbers.TestClass::test_*[a b]' 'tests.unit.test_numbers::test_one'
passes pytest -q --junitxml report.xml "@$(list pytest pytest 2>"$work/left-out")"
grep -q "left out of the list: 'tests.unit.test_numbers::test_one', because pytest would leave out" "$work/left-out"
same pytest "$(grep -v 'test_fails"\|\[a b\]' <<<"$all")" "$(ran)"
# Names of a JSON report are node ids.
park pytest-ids 'tests/unit/test_numbers.py::test_fails' 'tests/unit/test_numbers.py::TestClass::test_c[a b]'
passes pytest -q --junitxml report.xml "@$(list pytest-ids pytest)"
same pytest "$(grep -v 'test_fails"\|\[a b\]' <<<"$all")" "$(ran)"
passes pytest -q --collect-only "@$(list nothing pytest)"

# The JSON of Jest names files, titles of blocks and titles; a title may hold what stands between them.
cd "$work/jest"
ran() { node -p 'JSON.parse(fs.readFileSync("report.json")).testResults.flatMap(f => f.assertionResults.filter(t => t.status !== "pending").map(t => t.fullName)).join("\n")'; }
fails jest --json --outputFile report.json
all=$(ran)
upload jest report.json
park jest 'main.test.js::math::fails (a+b)' 'main.test.js::math::deep::three::4/é' 'main.test.js::math::same'
passes jest --json --outputFile report.json -t "$(cat "$(list jest jest 2>"$work/left-out")")"
grep -q "left out of the list: 'main.test.js::math::same', because jest would leave out 'other.test.js::Math::same', too" "$work/left-out"
same jest "$(grep -v 'fails (a+b)\|deep three' <<<"$all")" "$(ran)"
# jest-junit gives titles alone.
fails jest --reporters "$tools/node_modules/jest-junit"
upload jest-titles junit.xml
park jest-titles 'math fails (a+b)' 'math deep three::4/é'
passes jest --json --outputFile report.json -t "$(cat "$(list jest-titles jest)")"
same jest "$(grep -v 'fails (a+b)\|deep three' <<<"$all")" "$(ran)"
fails jest -t "$(cat "$(list nothing jest)")"

# Names are those of binaries and paths, each of which may hold what stands between the two.
cd "$work/nextest"
export CARGO_TARGET_DIR=$work/nextest/target
ran() { grep -o 'name="[^"]*" classname="[^"]*"' target/nextest/ci/junit.xml; }
fails "$nextest" run --offline --profile ci --no-fail-fast
all=$(ran)
upload nextest target/nextest/ci/junit.xml
park nextest 'demo::tests::fails' 'demo::it::fails' 'demo::bin/tool::tests::fails'
passes "$nextest" run --offline --profile ci -E "$(cat "$(list nextest nextest)")"
same cargo-nextest "$(grep -v 'fails"' <<<"$all")" "$(ran)"
passes "$nextest" list --offline -E "$(cat "$(list nothing nextest)")"

for suite in pytest jest nextest; do
  "$resultsdb" quarantine export --suite "$suite" | grep -v '^#' >"$work/names"
  "$resultsdb" quarantine list --suite "$suite" | grep -c '^active until ' >"$work/entries"
  [ -s "$work/names" ]
  [ "$(cat "$work/entries")" = 3 ]
done
echo "every list left out what is in quarantine, and nothing else"
