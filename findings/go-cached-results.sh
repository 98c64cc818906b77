#!/usr/bin/env bash
# `go test -json` replays cached results as a run that looks fresh, with new times of day.
#
# When nothing changed since the last green run, go does not run the tests. It sends their stored events again: each
# has the time of day of the replay and the duration of the old run. Only the text of one line of output says
# "(cached)"; no field does, and gotestsum's JUnit file has no sign at all. Who counts passes counts runs that never
# were, which makes a flaky test look sound. `-count=1` turns this off; in the stream, a test whose "Elapsed" is far
# more than the time between its events was not run.
#
# Seen with go 1.26.8 and gotestsum 1.13.0, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

export GOPATH="$tmp/go" GOCACHE="$tmp/cache" GOFLAGS=-modcacherw GOTOOLCHAIN=go1.26.8 GOWORK=off
go install gotest.tools/gotestsum@v1.13.0

mkdir naps && cd naps
printf 'module example.com/naps\n\ngo 1.26\n' >go.mod
cat >naps_test.go <<'GO'
package naps

import (
	"testing"
	"time"
)

func TestNap(t *testing.T) { time.Sleep(2 * time.Second) }
GO

go test -json . >first.jsonl
go test -json . >second.jsonl
"$GOPATH/bin/gotestsum" --junitfile report.xml -- . >printed

python3 - <<'PYTHON' || changed "a cached result can now be told from a run"
import json
import re
from datetime import datetime

def events(path):
    return [json.loads(line) for line in open(path)]

def stamp(event):
    return datetime.fromisoformat(re.sub(r"\.(\d{6})\d*", r".\1", event["Time"]).replace("Z", "+00:00"))

def ends(path):
    test = [event for event in events(path) if event.get("Test") == "TestNap"]
    return test[0], test[-1]

run, end = ends("first.jsonl")
again, replayed = ends("second.jsonl")
between = (stamp(replayed) - stamp(again)).total_seconds()
print("first run: ", end["Action"], "Elapsed", end["Elapsed"])
print("second run:", replayed["Action"], "Elapsed", replayed["Elapsed"], "though its events are", between, "s apart")
assert stamp(again) > stamp(end), "the replay has the old times of day"
assert replayed["Elapsed"] == end["Elapsed"] >= 2 > 1 > between
assert set(replayed) == set(end), "a field was added"
signs = [event for event in events("second.jsonl") if "cached" in json.dumps(event)]
print("the only sign:", signs)
assert [event["Action"] for event in signs] == ["output"]
PYTHON

grep -E '<testcase' report.xml
grep -q 'name="TestNap" time="2\.' report.xml || changed "gotestsum no longer gives the duration of the old run"
! grep -qi cached report.xml || changed "gotestsum now says that a result is cached"
